import type { Admin } from "kafkajs";
import { type Instruments, sleep, type WaitOptions } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import type { StartAt } from "../types.ts";
import { within } from "./_kafka_range.ts";
import { unlessAborted } from "./_kafka_wait.ts";
import type { KafkajsAdmin } from "./_kafkajs_client.ts";
import type { KafkajsSettings } from "./_kafkajs_settings.ts";

/** First and next offset of a partition. */
export interface Range {
  readonly partition: number;
  readonly start: bigint;
  readonly end: bigint;
}

/** Finds and makes topics, and tells where they begin and end. */
export interface KafkajsTopics {
  /** How many partitions a topic has; makes it first where that is wanted. */
  count(name: string, options: WaitOptions): Promise<number>;
  /** Looks it up anew next time. */
  forget(name: string): void;
  /** Makes those that are missing, where `ensure_topics` is set. */
  ensure(names: readonly string[], options: WaitOptions): Promise<void>;
  /** Where the partitions of a topic begin and end. */
  ranges(name: string, options: WaitOptions): Promise<Range[]>;
  /** Where reading begins in each partition. */
  starts(name: string, startAt: StartAt, options: WaitOptions): Promise<Map<number, bigint>>;
}

const UNKNOWN_FOR_MS = 2000;
const MADE_FOR_MS = 15_000;
const POLL_MS = 100;
const AGE_MS = 60_000;
const OFFSET_TRIES = 20;

/** Makes the topics of a driver. */
export function kafkajsTopics(
  admin: KafkajsAdmin,
  settings: KafkajsSettings,
  { clock, logger }: Pick<Instruments, "clock" | "logger">,
): KafkajsTopics {
  const counts = new Map<string, { readonly count: number; readonly at: number }>();

  const create = async (names: readonly string[]): Promise<void> => {
    const topics = names.map((topic) => {
      const wanted = settings.topics.get(topic);
      return {
        topic,
        numPartitions: wanted?.partitions ?? -1,
        replicationFactor: wanted?.copies ?? -1,
        configEntries: Object.entries(wanted?.configs ?? {}).map(([name, value]) => ({
          name,
          value,
        })),
      };
    });
    // One by one: where one of several exists, it does not say which.
    await Promise.all(topics.map(async (each) => {
      const made = await admin.ask(
        `make topic '${each.topic}'`,
        (one) => one.createTopics({ topics: [each], waitForLeaders: false }),
      );
      if (made) logger.info("Topic made", { topic: each.topic });
    }));
  };

  const read = async (name: string): Promise<number> => {
    const { topics: [found] } = await admin.ask(
      `use topic '${name}'`,
      (one) => one.fetchTopicMetadata({ topics: [name] }),
    );
    const count = found?.partitions.filter(({ leader }) => leader >= 0).length ?? 0;
    if (count === 0 || count !== found!.partitions.length) return 0;
    counts.set(name, { count, at: clock.monotonic() });
    return count;
  };

  const count: KafkajsTopics["count"] = async (name, options) => {
    const cached = counts.get(name);
    if (cached !== undefined && cached.at > clock.monotonic() - AGE_MS) return cached.count;
    const since = clock.monotonic();
    let made = false;
    for (;;) {
      try {
        const found = await unlessAborted(read(name), options.signal);
        if (found > 0) return found;
      } catch (error) {
        const caught = CqiError.from(error, "CQI_BUS_UNAVAILABLE");
        if (options.signal?.aborted || caught.code !== "CQI_NOT_FOUND") throw caught;
        if (settings.ensureTopics && !made) {
          made = true;
          await unlessAborted(create([name]), options.signal);
          continue;
        }
        if (clock.monotonic() - since > (made ? MADE_FOR_MS : UNKNOWN_FOR_MS)) {
          throw notThere(name, caught);
        }
      }
      await sleep(clock, POLL_MS, options);
    }
  };

  // A topic that was just made has leaders that do not know it yet.
  const offsetsOf = async <T>(
    name: string,
    question: (one: Admin) => Promise<T>,
    options: WaitOptions,
  ): Promise<T> => {
    for (let tries = 1;; tries++) {
      try {
        return await unlessAborted(
          admin.ask(`find offsets of '${name}'`, question),
          options.signal,
        );
      } catch (error) {
        if (options.signal?.aborted || tries === OFFSET_TRIES) throw error;
        if (!CqiError.from(error).retryable) throw error;
      }
      await sleep(clock, POLL_MS, options);
    }
  };

  const ranges: KafkajsTopics["ranges"] = async (name, wait) => {
    const all = await offsetsOf(name, (one) => one.fetchTopicOffsets(name), wait);
    return all.map(({ partition, low, high }) => ({
      partition,
      start: BigInt(low),
      end: BigInt(high),
    })).sort((a, b) => a.partition - b.partition);
  };

  return {
    count,
    ranges,
    forget: (name) => void counts.delete(name),
    async ensure(names, options) {
      if (settings.ensureTopics) await Promise.all(names.map((name) => count(name, options)));
    },
    async starts(name, startAt, options) {
      // The end first: what is written between the two questions is then not passed over.
      const all = await ranges(name, options);
      if (!(startAt instanceof Date)) {
        return new Map(all.map(({ partition, start, end }) => {
          if (startAt === "latest") return [partition, end];
          const wanted = startAt === "earliest" ? start : startAt.offsets.get(partition);
          return [partition, within(wanted, start, end)];
        }));
      }
      const at = startAt.getTime();
      const found = await offsetsOf(
        name,
        (one) => one.fetchTopicOffsetsByTimestamp(name, at),
        options,
      );
      const ends = new Map(all.map(({ partition, end }) => [partition, end]));
      // Where nothing that late is there it gives the end as it is by now.
      return new Map(found.map(({ partition, offset }) => {
        const end = ends.get(partition) ?? 0n;
        const first = BigInt(offset);
        return [partition, first < 0n || first > end ? end : first];
      }));
    },
  };
}

function notThere(name: string, cause: CqiError): CqiError {
  return new CqiError(
    "CQI_NOT_FOUND",
    `Cannot use topic '${name}': Kafka has none, make it, or set event_bus.ensure_topics`,
    { cause, details: { topic: name } },
  );
}
