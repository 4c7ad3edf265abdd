import { CqiError } from "../../errors/mod.ts";
import type { RecordToSend } from "../driver.ts";
import { HEADER, headerText } from "../headers.ts";
import { murmur2 } from "../murmur2.ts";
import type { Published } from "../types.ts";
import { behind } from "./_behind.ts";
import { keyBytes } from "./_kafka_keys.ts";

/** What a producer stamps a batch with. */
export interface Stamp {
  readonly id: bigint;
  readonly epoch: number;
  readonly sequence: number;
}

/** The producing end of one partition. */
export interface Lane {
  id: bigint;
  epoch: number;
  /** Sequence number of the next batch. */
  sequence: number;
  /** Resolves when the batch before is settled. */
  tail: Promise<unknown>;
}

/** Records of one call for one partition. */
export interface Part {
  /** `topic:partition`. */
  readonly name: string;
  readonly topic: string;
  readonly partition: number;
  readonly lane: Lane;
  readonly records: readonly RecordToSend[];
  stamp: Stamp | undefined;
  /** Whether the records may be on the log by now. */
  unsure: boolean;
  /** The same before the request that is under way. */
  wasUnsure: boolean;
  /** The last thing that went wrong. */
  trouble: CqiError | undefined;
  /** Two parts in place of this one, the first to be sent first. */
  halves(): [Part, Part];
  /**
   * What of this part, not sent yet, is still to be: nothing of a key of which an earlier record of
   * the call failed. Writes the outcome of the others.
   */
  remaining(): Part[];
  /** Writes the outcome of each record: the offset, or what went wrong. */
  settle(outcome: (record: RecordToSend, index: number) => bigint | CqiError): void;
}

/** Cuts the records of a call into parts; those of topics that were not found get their error. */
export type Cut = (
  records: readonly RecordToSend[],
  topics: ReadonlyMap<string, { readonly partitions: { readonly length: number } } | CqiError>,
  outcomes: (Published | Error)[],
) => Part[];

/**
 * Makes a cutter.
 *
 * @param lanes Kept over calls, by `topic:partition`.
 * @param random Picks the partition from which records without a key begin; 0 to below 1.
 */
export function partsOf(lanes: Map<string, Lane>, random: () => number): Cut {
  // Records without a key share a partition for one call, so that they share a batch.
  const turns = new Map<string, number>();

  const laneOf = (name: string): Lane => {
    let lane = lanes.get(name);
    if (lane === undefined) {
      lane = { id: -1n, epoch: -1, sequence: 0, tail: Promise.resolve() };
      lanes.set(name, lane);
    }
    return lane;
  };

  const part = (
    topic: string,
    partition: number,
    records: readonly RecordToSend[],
    finish: (index: number, outcome: Published | Error) => void,
    // Keys that failed, with why; shared by all parts that one part is cut into.
    failed = new Map<string, CqiError>(),
  ): Part => {
    const name = `${topic}:${partition}`;
    const made: Part = {
      name,
      topic,
      partition,
      lane: laneOf(name),
      records,
      stamp: undefined,
      unsure: false,
      wasUnsure: false,
      trouble: undefined,
      halves() {
        const middle = records.length >> 1;
        const later = (index: number, outcome: Published | Error): void =>
          finish(index + middle, outcome);
        return [
          part(topic, partition, records.slice(0, middle), finish, failed),
          part(topic, partition, records.slice(middle), later, failed),
        ];
      },
      remaining() {
        if (failed.size === 0) return [made];
        const at: number[] = [];
        records.forEach(({ key }, index) => {
          const cause = key === null ? undefined : failed.get(key);
          if (cause === undefined) at.push(index);
          else finish(index, behind(topic, cause));
        });
        if (at.length === records.length) return [made];
        const later = (index: number, outcome: Published | Error): void =>
          finish(at[index]!, outcome);
        const own = at.map((index) => records[index]!);
        return own.length === 0 ? [] : [part(topic, partition, own, later, failed)];
      },
      settle(outcome) {
        records.forEach((record, index) => {
          const is = outcome(record, index);
          if (is instanceof CqiError) {
            if (record.key !== null) failed.set(record.key, is);
            return finish(index, is);
          }
          const eventId = headerText(record.headers, HEADER.id) ?? "";
          finish(index, { eventId, topic, partition, offset: is });
        });
      },
    };
    return made;
  };

  return (records, topics, outcomes) => {
    const turn = new Map<string, number>();
    const groups = new Map<string, { topic: string; partition: number; at: number[] }>();
    records.forEach(({ topic, key }, index) => {
      const info = topics.get(topic);
      if (info instanceof CqiError || info === undefined) {
        outcomes[index] = info ?? new CqiError("CQI_INTERNAL", `Cannot find topic '${topic}'`);
        return;
      }
      const count = info.partitions.length;
      let partition: number;
      if (key === null) {
        if (!turn.has(topic)) {
          const next = (turns.get(topic) ?? Math.floor(random() * count)) + 1;
          turns.set(topic, next);
          turn.set(topic, next);
        }
        partition = turn.get(topic)! % count;
      } else partition = (murmur2(keyBytes(key)) & 0x7fffffff) % count;
      const name = `${topic}:${partition}`;
      if (!groups.has(name)) groups.set(name, { topic, partition, at: [] });
      groups.get(name)!.at.push(index);
    });
    return [...groups.values()].map(({ topic, partition, at }) => {
      const own = at.map((index) => records[index]!);
      return part(topic, partition, own, (index, outcome) => outcomes[at[index]!] = outcome);
    });
  };
}
