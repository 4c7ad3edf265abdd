import type { HealthReport, Instruments, WaitOptions } from "../core/mod.ts";
import type { EventBusConfig } from "../gen/ts/cqc/config/v1/mod.ts";
import type { HeaderValue, Published, StartAt } from "./types.ts";

/** A record on its way to the broker. */
export interface RecordToSend {
  /** Topic name, checked. */
  readonly topic: string;
  /** Partition key, or null. */
  readonly key: string | null;
  /** Bytes of the event, or null for a tombstone. */
  readonly value: Uint8Array | null;
  /** Headers, checked. */
  readonly headers: ReadonlyMap<string, HeaderValue>;
  /** Wall time of the publication, in Unix milliseconds. */
  readonly timestampMs: number;
}

/** A record as the broker gave it. */
export interface BusRecord extends TopicPartition {
  /** Offset within the partition. */
  readonly offset: bigint;
  /** Key bytes as text, or null. */
  readonly key: string | null;
  /** Value bytes, untouched, or null. */
  readonly value: Uint8Array | null;
  /** Headers; of a repeated name the first. */
  readonly headers: ReadonlyMap<string, HeaderValue>;
  /** When it was written, in Unix milliseconds. */
  readonly timestampMs: number;
  /**
   * Size of key, value and headers, in bytes, about, where the driver knows it.
   *
   * @default {counted from them}
   */
  readonly bytes?: number;
}

/** One partition of a topic. */
export interface TopicPartition {
  /** Topic name. */
  readonly topic: string;
  /** Partition, from 0. */
  readonly partition: number;
}

/** A place in a partition: the offset to read next. */
export interface Position extends TopicPartition {
  /** Everything below is done. */
  readonly offset: bigint;
  /** Kept with the committed offset: at most 256 characters of ASCII, in place of any before. */
  readonly note?: string | undefined;
}

/** What a driver can do; the contract suite skips by these names. */
export interface BusFeatures {
  /** Records outlive the process. */
  readonly persistent: boolean;
  /** Members of a group in different processes share partitions. */
  readonly crossProcess: boolean;
  /** A sent record is on the log once even if the connection breaks in the middle. */
  readonly idempotentProducer: boolean;
  /** `startAt` takes a time. */
  readonly startAtTime: boolean;
  /** `startAt` takes offsets. */
  readonly startAtOffset: boolean;
  /** Lag of a consumer can be asked. */
  readonly lag: boolean;
  /** Keeps the note of a commit and gives it to the next owner, so that attempts count on. */
  readonly attemptsPersist: boolean;
}

/** Takes what a driver's consumer reads. Implemented by the bus, not by drivers. */
export interface RecordSink {
  /**
   * Takes records of owned partitions, in offset order within each.
   *
   * @returns Resolves when there is room for more; a driver reads on only then.
   */
  records(records: readonly BusRecord[]): Promise<void>;
  /**
   * A partition is owned from now on; called before its first records, where something is committed
   * for it. A driver that keeps no notes need not call it.
   *
   * @param committed What is committed, with its note.
   */
  assigned?(committed: Position): void;
  /** These partitions are about to be given up: resolves when their work is drained and committed. */
  revoked(partitions: readonly TopicPartition[]): Promise<void>;
  /** The consumer lost its broker (`error`) or has it again (`undefined`). It heals itself. */
  state(error: unknown): void;
}

/** What a driver's consumer reads. */
export interface ConsumeOptions {
  /** Consumer group; undefined reads all partitions and commits nothing. */
  readonly group: string | undefined;
  /** Topic names, each with where to start when nothing is committed. */
  readonly topics: ReadonlyMap<string, StartAt>;
}

/** Lag of one partition: how many records are written and not yet committed. */
export interface PartitionLag extends TopicPartition {
  /** Records behind the end. */
  readonly lag: bigint;
}

/** What a partition holds. */
export interface PartitionRange extends TopicPartition {
  /** Offset of its first record. */
  readonly start: bigint;
  /** Offset after its last record; equals `start` when it is empty. */
  readonly end: bigint;
}

/** A driver's running consumer. */
export interface DriverConsumer {
  /**
   * Commits positions of owned partitions. Rejects when they are no longer owned.
   *
   * @param positions The next offset of each partition, with its note; the offset may be the one
   * that is committed already.
   * @param options A signal that ends the wait; from then on nothing of it may be sent any more.
   */
  commit(positions: readonly Position[], options?: WaitOptions): Promise<void>;
  /**
   * How far behind it is.
   *
   * @param options A signal that ends the wait.
   */
  lag(options?: WaitOptions): Promise<readonly PartitionLag[]>;
  /**
   * Reads other topics from now on, without leaving the group: calls `revoked` for all that it owns
   * and reads on from what is committed. A driver may lack it; the bus then closes the consumer and
   * starts another.
   *
   * @param topics As in `consume`.
   */
  change?(topics: ReadonlyMap<string, StartAt>): Promise<void>;
  /** Stops reading, calls `revoked` for what it owns, leaves the group. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * A bus driver: records in, records out. Encoding, validation, tracing, metrics, retry, order and
 * dead letters live above it, once.
 */
export interface BusDriver {
  /** What it can do. */
  readonly features: BusFeatures;
  /**
   * Appends records, each atomically by itself, in order per partition. Behind a record that fails
   * no later one of its topic and key in the same call is written: those get an error that is
   * retryable. Records of other keys, or without one, are not held up.
   *
   * @param records Checked records.
   * @param options A signal that ends the wait; records already taken may still be written.
   * @returns One outcome for each record, in the same order.
   */
  send(
    records: readonly RecordToSend[],
    options: WaitOptions,
  ): Promise<readonly (Published | Error)[]>;
  /**
   * Starts a consumer. Records may come before this resolves; `revoked` may not be called before.
   *
   * @param options Group, topics, start.
   * @param sink Takes the records.
   */
  consume(options: ConsumeOptions, sink: RecordSink): Promise<DriverConsumer>;
  /**
   * Makes topics exist. Existing ones are left as they are.
   *
   * @param topics Names.
   * @param options A signal that ends the wait.
   */
  ensureTopics(topics: readonly string[], options?: WaitOptions): Promise<void>;
  /**
   * Where the partitions of a topic begin and end now. A driver may lack it; who reads a topic to
   * its end then waits until nothing comes.
   *
   * @param topic Name.
   * @param options A signal that ends the wait.
   */
  ranges?(topic: string, options?: WaitOptions): Promise<readonly PartitionRange[]>;
  /**
   * Whether the broker answers.
   *
   * @param options A signal that ends the wait.
   */
  check(options: WaitOptions): Promise<HealthReport>;
  /** Frees everything. Safe to call twice. */
  close(): Promise<void>;
}

/** A module that has a bus driver. */
export interface BusDriverModule {
  /**
   * Makes the driver.
   *
   * @param config The bus section of the configuration, valid.
   * @param env Logger, metrics, tracer, clock, randomness.
   */
  createDriver(config: EventBusConfig, env: Instruments): BusDriver | Promise<BusDriver>;
}
