// Topics that must exist: found, waited for, made where the configuration says so.

import { type Instruments, sleep, type WaitOptions } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import type { KafkaClient, TopicInfo } from "./_kafka_client.ts";
import { brokerError, errorName } from "./_kafka_errors.ts";
import type { TopicFinder } from "./_kafka_sender.ts";
import type { KafkaSettings } from "./_kafka_settings.ts";

/** Finds and makes topics. */
export interface KafkaTopics extends TopicFinder {
  /** Makes those that are missing, where `ensure_topics` is set; says how others differ. */
  ensure(names: readonly string[], options?: WaitOptions): Promise<void>;
}

// A topic that was just made by somebody else takes a moment to be known everywhere.
const UNKNOWN_FOR_MS = 2000;
const POLL_MS = 100;
const CREATE_MS = 10_000;

/** Makes the topics of a driver. */
export function kafkaTopics(
  client: KafkaClient,
  settings: KafkaSettings,
  { clock, logger }: Pick<Instruments, "clock" | "logger">,
): KafkaTopics {
  const compared = new Set<string>();

  const create = async (names: readonly string[], options: WaitOptions): Promise<void> => {
    const wanted = names.map((name) => {
      const topic = settings.topics.get(name);
      const configs = Object.entries(topic?.configs ?? {})
        .map(([key, value]) => ({ name: key, value }));
      return {
        name,
        numPartitions: topic?.partitions ?? -1,
        replicationFactor: topic?.copies ?? -1,
        assignments: [],
        configs,
      };
    });
    // Any broker hands this on to the controller.
    const answer = await client.ask("CreateTopics", [wanted, CREATE_MS, false], options);
    for (const { name, errorCode, errorMessage } of answer.topics) {
      if (errorCode === 0) logger.info("Topic made", { topic: name });
      // Two services that start at once both try.
      else if (errorName(errorCode) !== "TOPIC_ALREADY_EXISTS") {
        throw brokerError(`make topic '${name}'`, errorCode, errorMessage);
      }
    }
  };

  // What exists is left as it is.
  const compare = (info: TopicInfo): void => {
    const wanted = settings.topics.get(info.name);
    if (wanted === undefined || compared.has(info.name)) return;
    compared.add(info.name);
    const { partitions = info.partitions.length, copies = info.copies } = wanted;
    if (partitions === info.partitions.length && copies === info.copies) return;
    logger.warn("Topic differs from its configuration and is left as it is", {
      topic: info.name,
      partitions: info.partitions.length,
      wanted_partitions: partitions,
      copies: info.copies,
      wanted_copies: copies,
    });
  };

  const isReady = (info: TopicInfo | CqiError | undefined): info is TopicInfo =>
    info !== undefined && !(info instanceof CqiError) && info.partitions.length > 0;

  // Until every topic is known, or it is sure that one is not.
  const wait = async (
    names: readonly string[],
    options: WaitOptions,
  ): Promise<ReadonlyMap<string, TopicInfo>> => {
    let since = clock.monotonic();
    let fresh = false;
    let made = false;
    for (;;) {
      // The answer may be long in coming behind others; what counts is when it was asked for.
      const asked = clock.monotonic();
      const found = await client.topics(names, { ...options, fresh });
      const missing = names.filter((name) => !isReady(found.get(name)));
      if (missing.length === 0) return found as ReadonlyMap<string, TopicInfo>;
      for (const name of missing) {
        const error = found.get(name);
        if (!(error instanceof CqiError) || error.retryable) continue;
        if (error.code !== "CQI_NOT_FOUND") throw error;
        if (settings.ensureTopics && !made) continue;
        if (asked - since > UNKNOWN_FOR_MS) throw notThere(name, settings, error);
      }
      if (settings.ensureTopics && !made) {
        made = true;
        await create(missing.filter((name) => isUnknown(found.get(name))), options);
        since = clock.monotonic();
      } else await sleep(clock, POLL_MS, options);
      fresh = true;
    }
  };

  return {
    async find(name, signal) {
      return (await wait([name], { signal })).get(name)!;
    },
    async ensure(names, options = {}) {
      if (!settings.ensureTopics) return;
      for (const info of (await wait(names, options)).values()) compare(info);
    },
  };
}

function isUnknown(info: TopicInfo | CqiError | undefined): boolean {
  return info instanceof CqiError && info.code === "CQI_NOT_FOUND";
}

function notThere(name: string, settings: KafkaSettings, cause: CqiError): CqiError {
  const how = settings.ensureTopics
    ? "it was made and is gone"
    : "make it, or set event_bus.ensure_topics";
  return new CqiError("CQI_NOT_FOUND", `Cannot use topic '${name}': Kafka has none, ${how}`, {
    cause,
    details: { topic: name },
  });
}
