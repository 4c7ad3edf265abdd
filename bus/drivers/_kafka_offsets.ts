// Where partitions begin and end.

import type { Broker } from "@platformatic/kafka";
import { type Clock, sleep, type WaitOptions } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import type { TopicPartition } from "../driver.ts";
import type { StartAt } from "../types.ts";
import type { KafkaClient } from "./_kafka_client.ts";
import { brokerError, isPassing } from "./_kafka_errors.ts";
import { within } from "./_kafka_range.ts";
import type { KafkaSettings } from "./_kafka_settings.ts";

/** The name of a partition: `topic:partition`. */
export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}

/** The end of the log, as a time in Kafka's protocol. */
const LATEST = -1n;
/** Its beginning. */
const EARLIEST = -2n;
const TRIES = 20;
const RETRY_MS = 100;

/** Tells offsets of partitions, each by `topic:partition`. */
export interface KafkaOffsets {
  /** The first that is there. */
  first(partitions: readonly TopicPartition[], options: WaitOptions): Promise<Map<string, bigint>>;
  /** The one that will be written next. */
  end(partitions: readonly TopicPartition[], options: WaitOptions): Promise<Map<string, bigint>>;
  /** Where to begin. */
  start(
    partitions: readonly TopicPartition[],
    startAt: StartAt,
    options: WaitOptions,
  ): Promise<Map<string, bigint>>;
}

/** Makes what tells offsets. */
export function kafkaOffsets(
  client: KafkaClient,
  settings: KafkaSettings,
  clock: Clock,
): KafkaOffsets {
  const list = async (
    partitions: readonly TopicPartition[],
    timestamp: bigint,
    options: WaitOptions,
  ): Promise<Map<string, bigint>> => {
    const found = new Map<string, bigint>();
    const names = [...new Set(partitions.map(({ topic }) => topic))];
    const infos = await client.topics(names, options);
    const leaders = new Map<number, Map<string, number[]>>();
    for (const { topic, partition } of partitions) {
      const info = infos.get(topic);
      if (info === undefined || info instanceof CqiError) throw info;
      const leader = info.partitions[partition]?.leader ?? -1;
      if (!leaders.has(leader)) leaders.set(leader, new Map());
      const topics = leaders.get(leader)!;
      topics.set(topic, [...topics.get(topic) ?? [], partition]);
    }
    await Promise.all([...leaders].map(async ([leader, topics]) => {
      const broker = brokerOf(client, leader);
      const wanted = [...topics].map(([name, all]) => ({
        name,
        partitions: all.map((partitionIndex) => ({
          partitionIndex,
          currentLeaderEpoch: -1,
          timestamp,
        })),
      }));
      const args: [number, number, typeof wanted] = [-1, settings.isolation, wanted];
      const answer = await client.request("ListOffsets", { broker, args }, options);
      for (const { name, partitions: all } of answer.topics) {
        for (const { partitionIndex, errorCode, offset } of all) {
          if (errorCode !== 0) throw brokerError(`find offsets of '${name}'`, errorCode);
          found.set(`${name}:${partitionIndex}`, offset);
        }
      }
    }));
    return found;
  };

  // Leaders move, and one that was just made may not know it yet.
  const current = async (
    partitions: readonly TopicPartition[],
    timestamp: bigint,
    options: WaitOptions,
  ): Promise<Map<string, bigint>> => {
    if (partitions.length === 0) return new Map();
    const names = [...new Set(partitions.map(({ topic }) => topic))];
    for (let tries = 1;; tries++) {
      try {
        return await list(partitions, timestamp, options);
      } catch (error) {
        if (options.signal?.aborted || tries === TRIES || !isStale(error)) throw error;
      }
      await sleep(clock, RETRY_MS, options);
      await client.topics(names, { ...options, fresh: true });
    }
  };

  return {
    first: (partitions, options) => current(partitions, EARLIEST, options),
    end: (partitions, options) => current(partitions, LATEST, options),
    async start(partitions, startAt, options) {
      if (startAt === "earliest") return await current(partitions, EARLIEST, options);
      // The end first: what is written between the two questions is then not passed over.
      const end = await current(partitions, LATEST, options);
      if (startAt === "latest") return end;
      if (!(startAt instanceof Date)) {
        const first = await current(partitions, EARLIEST, options);
        return new Map(partitions.map((at) => {
          const [name, wanted] = [nameOf(at), startAt.offsets.get(at.partition)];
          return [name, within(wanted, first.get(name)!, end.get(name)!)];
        }));
      }
      const found = await current(partitions, BigInt(Math.max(0, startAt.getTime())), options);
      // Below 0 where nothing that late is there.
      return new Map([...found].map(([name, at]) => [name, at < 0n ? end.get(name)! : at]));
    },
  };
}

function isStale(error: unknown): boolean {
  const { retryable, code } = CqiError.from(error);
  return retryable || code === "CQI_NOT_FOUND";
}

function brokerOf(client: KafkaClient, leader: number): Broker {
  const broker = client.broker(leader);
  if (broker !== undefined) return broker;
  throw new CqiError("CQI_BUS_UNAVAILABLE", "Cannot find offsets: a partition has no leader");
}

/** Whether it helps to look up leaders again after such an answer. */
export function leaderMayHaveMoved(code: number): boolean {
  return isPassing(code) || code === 3 || code === 100;
}
