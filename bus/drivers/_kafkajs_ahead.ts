// How far the driver reads ahead of what is taken: the client library fetches on by itself, so
// partitions are held (paused) and let go, each by what waits of it and all by what waits in all.

import type { BusRecord, TopicPartition } from "../driver.ts";
import { sizeOf } from "../headers.ts";

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

interface HeldTopic {
  partitions: number;
  bytes: number;
  full: boolean;
}

// Of one partition: from the first on nothing more is fetched, until it is down to the second.
const HIGH = { records: 2000, bytes: 2 * 2 ** 20 };
const LOW = { records: 500, bytes: 2 ** 19 };

/**
 * Bounds what is read ahead. What is on its way when a bound is reached comes on top: one fetch.
 *
 * @param maxBytes Bytes of all partitions from which on nothing more is fetched, until half of them
 * are left. Each topic may have its even share all the same, so that one whose events wait does not
 * keep the others waiting: in all at most twice as much.
 * @param flow Holds a partition (`true`) or lets it go.
 */
export function readAhead<T extends TopicPartition>(
  maxBytes: number,
  flow: (one: T, paused: boolean) => void,
): ReadAhead<T> {
  const all = new Map<T, Held>();
  const topics = new Map<string, HeldTopic>();
  let total = 0;

  const settle = (): void => {
    const share = maxBytes / topics.size;
    for (const topic of topics.values()) {
      topic.full = topic.full
        ? total > maxBytes / 2 && topic.bytes > share / 2
        : total >= maxBytes && topic.bytes >= share;
    }
    for (const [one, held] of all) {
      const paused = topics.get(one.topic)!.full ||
        (held.paused
          ? held.records > LOW.records || held.bytes > LOW.bytes
          : held.records >= HIGH.records || held.bytes >= HIGH.bytes);
      if (paused === held.paused) continue;
      held.paused = paused;
      flow(one, paused);
    }
  };

  const count = (one: T, records: number, bytes: number): void => {
    const held = all.get(one);
    if (held === undefined) return;
    held.records += records;
    held.bytes += bytes;
    topics.get(one.topic)!.bytes += bytes;
    total += bytes;
  };

  return {
    join(one) {
      all.set(one, { records: 0, bytes: 0, paused: false });
      const topic = topics.get(one.topic) ?? { partitions: 0, bytes: 0, full: false };
      topic.partitions++;
      topics.set(one.topic, topic);
      settle();
    },
    add(one, records) {
      count(one, records.length, heldBytes(records));
      settle();
    },
    remove(one, records) {
      count(one, -records.length, -heldBytes(records));
      settle();
    },
    leave(one) {
      const held = all.get(one);
      if (held === undefined) return;
      count(one, -held.records, -held.bytes);
      all.delete(one);
      if (--topics.get(one.topic)!.partitions === 0) topics.delete(one.topic);
      settle();
    },
  };
}

/** Memory that records take, about: what they carry, and something for each. */
export function heldBytes(records: readonly BusRecord[]): number {
  return records.reduce((sum, record) => sum + 100 + (record.bytes ?? sizeOf(record)), 0);
}
