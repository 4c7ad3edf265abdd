// How far the driver reads ahead of what is taken: the client library fetches on by itself, so
// partitions are held (paused) and let go, each by what waits of it and all by what waits in all.

import type { BusRecord } from "../driver.ts";

/** What waits to be taken. */
export interface ReadAhead<T> {
  /** Counts a partition in; it is read. */
  join(one: T): void;
  /** Counts records that were read. */
  add(one: T, records: readonly BusRecord[]): void;
  /** Counts records that were taken. */
  remove(one: T, records: readonly BusRecord[]): void;
  /** Counts a partition out, and what waits of it. */
  leave(one: T): void;
}

interface Held {
  records: number;
  bytes: number;
  paused: boolean;
}

// Of one partition: from the first on nothing more is fetched, until it is down to the second.
const HIGH = { records: 2000, bytes: 2 * 2 ** 20 };
const LOW = { records: 500, bytes: 2 ** 19 };

/**
 * Bounds what is read ahead. What is on its way when a bound is reached comes on top: one fetch.
 *
 * @param maxBytes Bytes of all partitions from which on nothing more is fetched, until they are
 * down to half.
 * @param flow Holds a partition (`true`) or lets it go.
 */
export function readAhead<T>(
  maxBytes: number,
  flow: (one: T, paused: boolean) => void,
): ReadAhead<T> {
  const all = new Map<T, Held>();
  let bytes = 0;
  let full = false;

  const settle = (): void => {
    full = full ? bytes > maxBytes / 2 : bytes >= maxBytes;
    for (const [one, held] of all) {
      const paused = full ||
        (held.paused
          ? held.records > LOW.records || held.bytes > LOW.bytes
          : held.records >= HIGH.records || held.bytes >= HIGH.bytes);
      if (paused === held.paused) continue;
      held.paused = paused;
      flow(one, paused);
    }
  };

  const count = (one: T, records: readonly BusRecord[], sign: 1 | -1): void => {
    const held = all.get(one);
    if (held === undefined) return;
    const size = sign * heldBytes(records);
    held.records += sign * records.length;
    held.bytes += size;
    bytes += size;
    settle();
  };

  return {
    join(one) {
      all.set(one, { records: 0, bytes: 0, paused: false });
      settle();
    },
    add: (one, records) => count(one, records, 1),
    remove: (one, records) => count(one, records, -1),
    leave(one) {
      bytes -= all.get(one)?.bytes ?? 0;
      all.delete(one);
      settle();
    },
  };
}

/** Memory that records take, about: what they carry, and something for each. */
export function heldBytes(records: readonly BusRecord[]): number {
  let bytes = 0;
  for (const { key, value, headers } of records) {
    bytes += 100 + (key?.length ?? 0) + (value?.length ?? 0);
    for (const [name, content] of headers) bytes += name.length + content.length;
  }
  return bytes;
}
