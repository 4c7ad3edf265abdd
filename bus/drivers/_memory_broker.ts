import { CqiError } from "../../errors/mod.ts";
import { partitionOfKey } from "../murmur2.ts";
import type { BusRecord, RecordToSend } from "../driver.ts";
import type { Published } from "../types.ts";

/** Bounds of a memory broker. */
export interface MemoryBrokerOptions {
  /** Partitions of each topic, 1 or more. @default {6} */
  readonly partitions?: number | undefined;
  /** Records kept per partition, 1 or more. @default {100,000} */
  readonly retentionRecords?: number | undefined;
}

/** Topics and groups that buses of one process may share. */
export interface MemoryBroker {
  /**
   * The partitions of a topic; made on first use.
   *
   * @param name Topic name.
   */
  topic(name: string): readonly PartitionLog[];
  /**
   * Appends a record. When the partition is full it drops its oldest record, unless a running
   * consumer has yet to commit it: then it waits, which is how a slow consumer slows publishers.
   *
   * @param record The record.
   * @param signal Ends the wait.
   */
  append(record: RecordToSend, signal: AbortSignal): Promise<Published>;
  /** Committed offsets and members, by group name; used by the driver. */
  readonly groups: Map<string, MemoryGroup>;
}

/** One partition: a run of records, the oldest of which has offset `base`. */
export interface PartitionLog {
  /** Offset of the first record kept. */
  base: number;
  /** Records in offset order; those before `start` are dropped. */
  records: (BusRecord | undefined)[];
  /** Where the kept records start. */
  start: number;
  /** Offsets below which running consumers are done, by consumer. */
  readonly floors: Map<object, number>;
  /** Resolves at the next append. */
  appended: PromiseWithResolvers<void>;
  /** Resolves when a consumer is done with more. */
  freed: PromiseWithResolvers<void>;
}

/** What a group knows. */
export interface MemoryGroup {
  /** Next offset to read, by `topic:partition`. */
  readonly committed: Map<string, number>;
  /** Running members, in the order they joined. */
  readonly members: GroupMember[];
  /** The end of the chain of rebalances; they run one after another. */
  rebalance: Promise<void>;
}

/** A member as its group sees it. */
export interface GroupMember {
  /** Topics that it reads. */
  readonly topics: readonly string[];
  /**
   * Gives up what is not in its new share, once its work there is drained.
   *
   * @param share Names of partitions, `topic:partition`.
   */
  release(share: ReadonlySet<string>): Promise<void>;
  /**
   * Starts what is new in its share.
   *
   * @param share Names of partitions, `topic:partition`.
   */
  acquire(share: ReadonlySet<string>): void;
}

/** Offset after the last record of a partition. */
export function endOf(log: PartitionLog): number {
  return log.base + log.records.length - log.start;
}

/**
 * Makes a broker.
 *
 * @param options Partitions and bounds.
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  const count = options.partitions ?? 6;
  const bound = options.retentionRecords ?? 100_000;
  const topics = new Map<string, PartitionLog[]>();
  let unkeyed = 0;

  const broker: MemoryBroker = {
    groups: new Map(),
    topic(name) {
      let logs = topics.get(name);
      if (logs === undefined) {
        logs = Array.from({ length: count }, emptyLog);
        topics.set(name, logs);
      }
      return logs;
    },
    async append(record, signal) {
      const logs = broker.topic(record.topic);
      const partition = record.key === null ? unkeyed++ % count : partitionOfKey(record.key, count);
      const log = logs[partition]!;
      while (log.records.length - log.start >= bound && !dropOldest(log)) {
        if (signal.aborted) throw closedWhileFull(record.topic);
        await Promise.race([log.freed.promise, aborted(signal)]);
      }
      const offset = BigInt(endOf(log));
      log.records.push({ ...record, partition, offset });
      notify(log, "appended");
      const eventId = String(record.headers.get("ce_id") ?? "");
      return { eventId, topic: record.topic, partition, offset };
    },
  };
  return broker;
}

function emptyLog(): PartitionLog {
  return {
    base: 0,
    records: [],
    start: 0,
    floors: new Map(),
    appended: Promise.withResolvers(),
    freed: Promise.withResolvers(),
  };
}

/** Wakes those who wait for records, or for room. */
export function notify(log: PartitionLog, what: "appended" | "freed"): void {
  const { resolve } = log[what];
  log[what] = Promise.withResolvers();
  resolve();
}

function dropOldest(log: PartitionLog): boolean {
  for (const floor of log.floors.values()) if (floor <= log.base) return false;
  log.records[log.start] = undefined;
  log.start++;
  log.base++;
  if (log.start > 1024 && log.start * 2 > log.records.length) {
    log.records = log.records.slice(log.start);
    log.start = 0;
  }
  return true;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

function closedWhileFull(topic: string): CqiError {
  return new CqiError(
    "CQI_BUS_BUFFER_FULL",
    `Cannot publish on '${topic}': its partition is full and no consumer made room in time`,
  );
}
