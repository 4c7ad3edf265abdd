// How often records of a partition have failed, and the note that carries it over to whoever owns
// the partition next. The note is kept by the broker with the committed offset; Kafka has up to
// 4,096 bytes for it (offset.metadata.max.bytes).

import type { Position } from "./driver.ts";

/** Failed attempts at records of one partition. */
export interface Failures {
  /** How often a record has failed, by what is known here. */
  of(offset: bigint): number;
  /** Notes how often a record has failed by now. */
  set(offset: bigint, count: number): void;
  /** Forgets a record that is done. */
  forget(offset: bigint): void;
  /**
   * What is to be kept with a committed offset, such as `a1:+0=2,+5=1`: offsets counted from the
   * committed one, each with its failed attempts, the lowest first.
   *
   * @param committed The offset that it is kept with.
   * @returns At most 256 characters of ASCII, or undefined when nothing has failed.
   */
  note(committed: bigint): string | undefined;
}

const MARK = "a1:";
const MAX_LENGTH = 256;
const NOTE_REGEXP = /^a1:\+\d{1,15}=\d{1,6}(?:,\+\d{1,15}=\d{1,6})*$/;
// What the pattern has room for; beyond it nobody counts.
const MAX_COUNT = 999_999;
const MAX_DISTANCE = 999_999_999_999_999n;

/**
 * Starts to count for a partition.
 *
 * @param from What is committed, with its note; text of others is passed over.
 */
export function failures(from?: Pick<Position, "offset" | "note">): Failures {
  const counts = new Map<bigint, number>();
  const text = from?.note ?? "";
  if (from !== undefined && text.length <= MAX_LENGTH && NOTE_REGEXP.test(text)) {
    for (const entry of text.slice(MARK.length).split(",")) {
      const [distance, count] = entry.split("=") as [string, string];
      counts.set(from.offset + BigInt(distance.slice(1)), Number(count));
    }
  }
  return {
    of: (offset) => counts.get(offset) ?? 0,
    set: (offset, count) => void counts.set(offset, Math.min(count, MAX_COUNT)),
    forget: (offset) => void counts.delete(offset),
    note(committed) {
      if (counts.size === 0) return undefined;
      let note = "";
      for (const offset of [...counts.keys()].sort((a, b) => (a < b ? -1 : 1))) {
        // Below are records that the log no longer has.
        if (offset < committed) counts.delete(offset);
        if (offset < committed || offset - committed > MAX_DISTANCE) continue;
        const entry = `${note === "" ? MARK : ","}+${offset - committed}=${counts.get(offset)}`;
        if (note.length + entry.length > MAX_LENGTH) break;
        note += entry;
      }
      return note === "" ? undefined : note;
    },
  };
}
