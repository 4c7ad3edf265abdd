import { type Clock, systemClock } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { sizeOf } from "../headers.ts";
import { partitionOfKey } from "../murmur2.ts";
import type { BusRecord, RecordToSend } from "../driver.ts";
import type { Published } from "../types.ts";
import type { MemoryGroup } from "./_memory_group.ts";

/** Bounds of a memory broker. */
export interface MemoryBrokerOptions {
  /** Partitions of each topic, 1 or more. @default {6} */
  readonly partitions?: number | undefined;
  /** Records kept per partition, 1 or more. @default {100,000} */
  readonly retentionRecords?: number | undefined;
  /** Bytes kept per topic; one record always fits. @default {268,435,456} */
  readonly retentionBytes?: number | undefined;
  /** Age in milliseconds at which records go. @default {Infinity} */
  readonly retentionMs?: number | undefined;
  /** Topics, by full name, with settings of their own. @default {none} */
  readonly topics?: ReadonlyMap<string, Pick<MemoryBrokerOptions, "partitions" | "retentionMs">>;
  /** Tells the age of records. @default {the system's} */
  readonly clock?: Clock | undefined;
}

/** Topics, groups and offsets that several buses of one process share. */
export interface MemoryBroker {
  /** Tells it from anything else. */
  readonly kind: "memory broker";
}

/** A broker as its driver sees it. */
export interface Broker extends MemoryBroker {
  /**
   * A topic; made on first use.
   *
   * @param name Topic name.
   */
  topic(name: string): MemoryTopic;
  /**
   * Picks the partition of a record: by its key, or the next one in turn.
   *
   * @param record The record.
   */
  partition(record: RecordToSend): PartitionLog;
  /**
   * Appends a record. Where the log is full the oldest records go, unless a running consumer has
   * yet to commit them: then it waits, which is how a slow consumer slows publishers.
   *
   * @param log The record's partition.
   * @param record The record.
   * @param signals Each of them ends the wait.
   */
  append(
    log: PartitionLog,
    record: RecordToSend,
    signals: readonly AbortSignal[],
  ): Published | Promise<Published>;
  /** Committed offsets and members, by group name; used by the driver. */
  readonly groups: Map<string, MemoryGroup>;
}

/** A topic: its partitions, and what they hold together. */
export interface MemoryTopic {
  /** The partitions. */
  readonly logs: readonly PartitionLog[];
  /** Age in milliseconds at which records go. */
  readonly retentionMs: number;
  /** Bytes held. */
  bytes: number;
  /** Resolves when a consumer is done with more. */
  freed: PromiseWithResolvers<void>;
}

/** One partition: a run of records, the oldest of which has offset `base`. */
export interface PartitionLog {
  /** Its topic. */
  readonly topic: MemoryTopic;
  /** Its number, from 0. */
  readonly number: number;
  /** Offset of the first record kept. */
  base: number;
  /** Records in offset order; those before `start` are dropped. */
  records: (BusRecord & { readonly bytes: number } | undefined)[];
  /** Where the kept records start. */
  start: number;
  /** Offsets below which running groups and readers are done, by group or reader. */
  readonly floors: Map<object, number>;
  /** Resolves at the next append. */
  appended: PromiseWithResolvers<void>;
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
export function createBroker(options: MemoryBrokerOptions = {}): Broker {
  const maxRecords = options.retentionRecords ?? 100_000;
  const maxBytes = options.retentionBytes ?? 256 * 2 ** 20;
  const clock = options.clock ?? systemClock;
  const topics = new Map<string, MemoryTopic>();
  let unkeyed = 0;

  const makeRoom = (log: PartitionLog, bytes: number): boolean => {
    while (log.records.length - log.start >= maxRecords) if (!dropOldest(log)) return false;
    const { topic } = log;
    while (topic.bytes > 0 && topic.bytes + bytes > maxBytes) {
      const oldest = oldestThatMayGo(topic);
      if (oldest === undefined || !dropOldest(oldest)) return false;
    }
    return true;
  };

  const write = (log: PartitionLog, record: RecordToSend, bytes: number): Published => {
    const { topic, headers } = record;
    const partition = log.number;
    const offset = BigInt(endOf(log));
    log.records.push({ ...record, partition, offset, bytes });
    log.topic.bytes += bytes;
    const { resolve } = log.appended;
    log.appended = Promise.withResolvers();
    resolve();
    return {
      eventId: String(headers.get("ce_id") ?? ""),
      topic,
      partition,
      offset,
    };
  };

  return {
    kind: "memory broker",
    groups: new Map(),
    topic(name) {
      let topic = topics.get(name);
      if (topic === undefined) {
        const own = options.topics?.get(name);
        topic = emptyTopic(
          own?.partitions ?? options.partitions ?? 6,
          own?.retentionMs ?? options.retentionMs ?? Infinity,
        );
        topics.set(name, topic);
      }
      dropExpired(topic, clock.now());
      return topic;
    },
    partition({ topic, key }) {
      const { logs } = this.topic(topic);
      return logs[key === null ? unkeyed++ % logs.length : partitionOfKey(key, logs.length)]!;
    },
    append(log, record, signals) {
      const bytes = sizeOf(record);
      if (makeRoom(log, bytes)) return write(log, record, bytes);
      return (async () => {
        const ended = anyAborted(signals);
        while (!makeRoom(log, bytes)) {
          if (signals.some((signal) => signal.aborted)) throw full(record.topic);
          await Promise.race([log.topic.freed.promise, ended]);
        }
        return write(log, record, bytes);
      })();
    },
  };
}

function emptyTopic(count: number, retentionMs: number): MemoryTopic {
  const logs: PartitionLog[] = [];
  const topic = { logs, retentionMs, bytes: 0, freed: Promise.withResolvers<void>() };
  for (let number = 0; number < count; number++) {
    logs.push({
      topic,
      number,
      base: 0,
      records: [],
      start: 0,
      floors: new Map(),
      appended: Promise.withResolvers(),
    });
  }
  return topic;
}

/** Wakes those who wait for room. */
export function freeRoom({ topic }: PartitionLog): void {
  const { resolve } = topic.freed;
  topic.freed = Promise.withResolvers();
  resolve();
}

function mayGo(log: PartitionLog): boolean {
  if (log.start === log.records.length) return false;
  for (const floor of log.floors.values()) if (floor <= log.base) return false;
  return true;
}

function dropOldest(log: PartitionLog): boolean {
  if (!mayGo(log)) return false;
  log.topic.bytes -= log.records[log.start]!.bytes;
  log.records[log.start] = undefined;
  log.start++;
  log.base++;
  if (log.start > 1024 && log.start * 2 > log.records.length) {
    log.records = log.records.slice(log.start);
    log.start = 0;
  }
  return true;
}

function ageOf(log: PartitionLog): number {
  return log.records[log.start]!.timestampMs;
}

function oldestThatMayGo(topic: MemoryTopic): PartitionLog | undefined {
  return topic.logs.filter(mayGo).reduce<PartitionLog | undefined>(
    (oldest, log) => oldest === undefined || ageOf(log) < ageOf(oldest) ? log : oldest,
    undefined,
  );
}

function dropExpired(topic: MemoryTopic, now: number): void {
  if (topic.retentionMs === Infinity) return;
  for (const log of topic.logs) {
    while (mayGo(log) && ageOf(log) <= now - topic.retentionMs) dropOldest(log);
  }
}

function anyAborted(signals: readonly AbortSignal[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of signals) {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  }
  return promise;
}

function full(topic: string): CqiError {
  return new CqiError(
    "CQI_BUS_BUFFER_FULL",
    `Cannot publish on '${topic}': its partition is full and no consumer made room in time`,
  );
}
