// A running consumer: the client's consumer, made anew with a backoff whenever it ends.

import type { Consumer, Kafka } from "kafkajs";
import { type Instruments, withDeadline } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { delays } from "../../retry/mod.ts";
import type {
  ConsumeOptions,
  DriverConsumer,
  Position,
  RecordSink,
  TopicPartition,
} from "../driver.ts";
import { pause, unlessAborted } from "./_kafka_wait.ts";
import { type KafkajsAdmin, kafkajsError } from "./_kafkajs_client.ts";
import { groupAssigner } from "./_kafkajs_group.ts";
import { type KafkajsPartitions, kafkajsPartitions, nameOf } from "./_kafkajs_partitions.ts";
import type { KafkajsSettings } from "./_kafkajs_settings.ts";
import type { KafkajsTopics } from "./_kafkajs_topics.ts";

/** What a consumer is made with. */
export interface KafkajsConsumerOptions {
  readonly kafka: Kafka;
  readonly admin: KafkajsAdmin;
  readonly topics: KafkajsTopics;
  readonly settings: KafkajsSettings;
  readonly env: Pick<Instruments, "clock" | "random" | "logger">;
  /** A name that nobody else has, for a reader's group of its own. */
  readonly unique: () => string;
}

const BACKOFF = { initialMs: 100, maxMs: 2000, multiplier: 2, jitter: "equal" } as const;
/** How long a broker holds a fetch; also the pace of heartbeats. */
const MAX_WAIT_MS = 250;
const PARTITION_BYTES = 2 ** 20;
/** Metadata is read anew so often, which is how soon new partitions are found. */
const METADATA_MS = 30_000;
const LEAVE_MS = 3000;

/** Starts a consumer; resolves when it has its first share. While Kafka is away it waits. */
export async function startKafkajsConsumer(
  options: KafkajsConsumerOptions,
  wanted: ConsumeOptions,
  sink: RecordSink,
  stop: AbortSignal,
): Promise<DriverConsumer> {
  const { kafka, admin, topics, settings, env } = options;
  const { clock, logger } = env;
  const { group } = wanted;
  const groupId = group ?? `cqi-reader-${options.unique()}`;
  const delayAfter = delays(BACKOFF, env.random);
  const closing = new AbortController();
  const { signal } = closing;
  const started = Promise.withResolvers<void>();
  // Heard of below; closing may be sooner.
  started.promise.catch(() => {});
  const counts = new Map<string, number>();
  const members = new Set<string>();
  // Where the broker has no room for notes (`offset.metadata.max.bytes`), commits do without.
  let hasNotes = true;
  let current: { readonly consumer: Consumer; readonly partitions: KafkajsPartitions } | undefined;

  const startsOf = async (shares: Readonly<Record<string, number[]>>): Promise<Position[]> => {
    const names = Object.keys(shares);
    const committed = new Map<string, Position>();
    if (group !== undefined && names.length > 0) {
      const found = await admin.ask(
        `read what group '${group}' has committed`,
        (one) => one.fetchOffsets({ groupId, topics: names }),
      );
      for (const { topic, partitions } of found) {
        for (const { partition, offset: text, metadata } of partitions) {
          const offset = BigInt(text);
          if (offset < 0n) continue;
          const note = metadata || undefined;
          committed.set(nameOf({ topic, partition }), { topic, partition, offset, note });
        }
      }
    }
    const positions: Position[] = [];
    for (const [topic, all] of Object.entries(shares)) {
      const startAt = wanted.topics.get(topic) ?? "earliest";
      const unknown = all.filter((partition) => !committed.has(nameOf({ topic, partition })));
      if (unknown.length === 0) continue;
      // To start at the end of what was added meanwhile would pass over what is in it.
      const known = counts.get(topic) ?? 0;
      const first = await topics.starts(topic, "earliest", { signal });
      const starts = startAt === "earliest"
        ? first
        : await topics.starts(topic, startAt, { signal });
      if (!counts.has(topic)) counts.set(topic, first.size);
      for (const partition of unknown) {
        const from = known > 0 && partition >= known ? first : starts;
        positions.push({ topic, partition, offset: from.get(partition) ?? 0n });
      }
    }
    const moving = positions.filter(({ topic }) => wanted.topics.get(topic) !== "earliest");
    // A place that depends on when one asks is committed, for the next owner to begin at the same.
    if (group !== undefined && moving.length > 0) await commitNow(moving);
    for (const [topic, all] of Object.entries(shares)) {
      for (const partition of all) {
        const known = committed.get(nameOf({ topic, partition }));
        if (known !== undefined) positions.push(known);
      }
    }
    return positions;
  };

  const commitNow = async (positions: readonly Position[]): Promise<void> => {
    try {
      await current?.consumer.commitOffsets(
        positions.map(({ topic, partition, offset, note }) => ({
          topic,
          partition,
          offset: `${offset}`,
          metadata: hasNotes ? note ?? null : null,
        })),
      );
    } catch (error) {
      if (hasNotes && (error as { type?: unknown }).type === "OFFSET_METADATA_TOO_LARGE") {
        hasNotes = false;
        return await commitNow(positions);
      }
      throw kafkajsError(`commit in group '${groupId}'`, error);
    }
  };

  /** From joining until it ends, which is always a failure unless we close. */
  const session = async (): Promise<void> => {
    const ended = Promise.withResolvers<never>();
    // Heard of by the race below, or too late to matter.
    ended.promise.catch(() => {});
    let generation = 0;
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: settings.sessionMs,
      heartbeatInterval: settings.heartbeatMs,
      rebalanceTimeout: settings.rebalanceMs,
      maxBytes: settings.maxFetchBytes,
      maxBytesPerPartition: Math.min(PARTITION_BYTES, settings.maxFetchBytes),
      maxWaitTimeInMs: Math.min(MAX_WAIT_MS, settings.heartbeatMs),
      metadataMaxAge: METADATA_MS,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      // Its own restarts would keep what we have to give up first.
      retry: { retries: 3, initialRetryTime: 100, restartOnFailure: () => Promise.resolve(false) },
      partitionAssigners: [
        groupAssigner(clock, {
          group: groupId,
          heartbeatMs: settings.heartbeatMs,
          members,
          beforeJoin: async () => {
            generation++;
            await partitions.release();
          },
        }),
      ],
    });
    const partitions = kafkajsPartitions(sink, {
      consumer,
      topics,
      settings,
      logger,
      failed: ended.reject,
    });
    current = { consumer, partitions };
    consumer.on(consumer.events.CRASH, ({ payload: { error } }) => ended.reject(error));
    consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) partitions.skip(payload);
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) => {
      const mine = generation;
      startsOf(memberAssignment).then((starts) => {
        if (mine !== generation || signal.aborted) return;
        partitions.add(starts);
        sink.state(undefined);
        started.resolve();
      }).catch(ended.reject);
    });
    try {
      for (const name of wanted.topics.keys()) await topics.count(name, { signal });
      await consumer.connect();
      await consumer.subscribe({ topics: [...wanted.topics.keys()], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 16,
        eachBatch: (payload) => {
          partitions.take(payload);
          return Promise.resolve();
        },
      });
      await unlessAborted(ended.promise, signal);
    } finally {
      generation++;
      // Before it leaves: what is done is committed while it still may.
      await partitions.release();
      current = undefined;
      await withDeadline(clock, LEAVE_MS, () => consumer.disconnect()).catch((error) => {
        logger.warn("Consumer cannot leave its group in order", { error, group });
      });
    }
  };

  const run = async (): Promise<void> => {
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        await session();
      } catch (error) {
        if (signal.aborted) break;
        const caught = kafkajsError(`read as group '${groupId}'`, error);
        if (!caught.retryable) started.reject(caught);
        sink.state(caught);
      }
      await pause(clock, delayAfter(failures), signal);
    }
  };

  const running = run();
  let ending: Promise<void> | undefined;
  const close = (): Promise<void> => {
    ending ??= (async () => {
      closing.abort(new CqiError("CQI_CLOSED", "Cannot read: the consumer is closed"));
      started.reject(signal.reason);
      // At once: what has not begun by now is left to the next.
      const given = current?.partitions.release().catch((error) => {
        logger.warn("Partitions cannot be given up in order", { error, group });
      });
      await running;
      await given;
      if (group !== undefined) return;
      const gone = admin.ask("end a reader", (one) => one.deleteGroups([groupId]));
      await withDeadline(clock, LEAVE_MS, () => gone).catch((error) => {
        // It holds nothing, and the broker forgets it in time.
        logger.debug("Group of a reader cannot be removed", { error, group: groupId });
      });
    })();
    return ending;
  };
  try {
    await unlessAborted(started.promise, stop);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async commit(positions) {
      if (current?.partitions.has(positions) !== true) {
        throw new CqiError("CQI_CONFLICT", "Cannot commit: a partition is no longer owned here");
      }
      await commitNow(positions);
      current?.partitions.committed(positions);
    },
    async lag(wait = {}) {
      const all = current?.partitions.all() ?? [];
      const names = [...new Set(all.map(({ topic }) => topic))];
      const ranges = new Map(
        await Promise.all(
          names.map(async (name) => [name, await topics.ranges(name, wait)] as const),
        ),
      );
      return all.map(({ topic, partition, offset }) => {
        const end = ranges.get(topic)?.find((each) => each.partition === partition)?.end ?? offset;
        const at: TopicPartition = { topic, partition };
        return { ...at, lag: end > offset ? end - offset : 0n };
      });
    },
    close,
  };
}
