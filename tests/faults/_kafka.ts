// What the fault tests of Kafka share: buses with defaults that a test can wait for, a load that
// remembers what it was told, and a look at the log that does not go through the bus.

import { Admin, ListOffsetTimestamps } from "@platformatic/kafka";
import * as kafka from "../../bus/drivers/kafka.ts";
import {
  type Bus,
  type EventBusConfigInit,
  open,
  type OpenOptions,
  type Topic,
} from "../../bus/mod.ts";
import { sleep, systemClock } from "../../core/mod.ts";
import { CqiError, isCqiError } from "../../errors/mod.ts";
import type { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import type { Entry, Rule } from "../bridge/_judge.ts";

/** Drivers that are on Kafka. */
export type KafkaDriver = "kafka" | "kafkajs";

/** A topic of prices, which tests count by their sequence number. */
export type Prices = Topic<typeof PriceUpdatedSchema>;

const DRIVERS: NonNullable<OpenOptions["drivers"]> = {
  kafka: () => kafka,
  kafkajs: () => import("../../bus/drivers/kafkajs.ts"),
};

/** A protobuf duration. */
export function ms(value: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(value / 1000)), nanos: (value % 1000) * 1_000_000 };
}

/** Which Kafka, by which driver, with what settings of its own. */
export interface Place {
  readonly driver?: KafkaDriver;
  readonly brokers: readonly string[];
  /** How soon a member that is gone is missed, in milliseconds. @default {that of the driver} */
  readonly sessionMs?: number;
  /** @default {that of the driver} */
  readonly heartbeatMs?: number;
  /** Most bytes of a fetch. @default {that of the driver} */
  readonly maxFetchBytes?: number;
  /** Settings of `kafka` or `kafkajs` besides; in JSON where it goes to another process. */
  readonly client?: Readonly<Record<string, unknown>>;
}

/** Opens a bus. Topics that are missing are made as the broker has it. */
export function openKafka(
  { driver = "kafka", brokers, client, sessionMs, heartbeatMs, maxFetchBytes }: Place,
  section: EventBusConfigInit = {},
  options: OpenOptions = {},
): Promise<Bus> {
  const settings = {
    brokers: [...brokers],
    ...sessionMs !== undefined && { sessionTimeout: ms(sessionMs) },
    ...heartbeatMs !== undefined && { heartbeatInterval: ms(heartbeatMs) },
    ...maxFetchBytes !== undefined && { maxFetchBytes: BigInt(maxFetchBytes) },
    ...client,
  };
  const own = { driver, ensureTopics: true, [driver]: settings };
  return open({ ...own, ...section } as EventBusConfigInit, { ...options, drivers: DRIVERS });
}

/** Waits for a condition, and says which one never came. */
export async function within(
  limitMs: number,
  done: () => boolean | Promise<boolean>,
  what: string,
): Promise<number> {
  const start = systemClock.monotonic();
  for (;;) {
    if (await done()) return systemClock.monotonic() - start;
    if (systemClock.monotonic() - start > limitMs) {
      throw new Error(`Waited ${limitMs} ms in vain for ${what}`);
    }
    await sleep(systemClock, 20);
  }
}

/** Publishes events numbered from 0 to before `count`, on a topic that is made where it is missing. */
export async function publishTo(
  bus: Bus,
  topic: Prices,
  count: number,
  key: (number: number) => string,
  from = 0,
): Promise<void> {
  await bus.ensureTopics([topic]);
  const numbers = Array.from({ length: count }, (_, index) => from + index);
  await Promise.all(
    numbers.map((number) =>
      bus.publish(topic, aPriceUpdated({ sequence: BigInt(number) }), { key: key(number) })
    ),
  );
}

/** Publications by several callers, with what each was told. */
export interface Load {
  /** In the order of the calls; grows with what handlers add. */
  readonly history: Entry[];
  /** Events that were acknowledged, by number. */
  readonly accepted: ReadonlySet<number>;
  /** What was refused, by number. */
  readonly refused: ReadonlyMap<number, CqiError>;
  /** How long the slowest publication took, in milliseconds. */
  readonly slowestMs: number;
  /** Ends it; resolves when the last call has settled. */
  stop(): Promise<void>;
}

/** How a load is made. */
export interface LoadOptions {
  /** Keys, each with a caller of its own. @default {16} */
  readonly callers?: number;
  /** Events that a caller publishes at once before it waits for them. @default {4} */
  readonly atOnce?: number;
  /** Events in all. @default {no end} */
  readonly total?: number;
  /** Milliseconds that a caller waits between its turns. @default {5} */
  readonly pauseMs?: number;
  /** Bytes that are added to each event. @default {0} */
  readonly bytes?: number;
}

/** Publishes numbered events, caller by caller under a key of its own, until it is stopped. */
export function load(bus: Bus, topic: Prices, options: LoadOptions = {}): Load {
  const { callers = 16, atOnce = 4, total = Infinity, pauseMs = 5, bytes = 0 } = options;
  const history: Entry[] = [];
  const accepted = new Set<number>();
  const refused = new Map<number, CqiError>();
  let slowestMs = 0;
  let next = 0;
  let isOn = true;
  const publish = async (number: number, key: string): Promise<void> => {
    const start = systemClock.monotonic();
    history.push({ kind: "publish", uuid: `${number}`, key });
    try {
      const sequence = BigInt(number);
      const headers = bytes === 0 ? {} : { padding: new Uint8Array(bytes) };
      await bus.publish(topic, aPriceUpdated({ sequence }), { key, headers });
      accepted.add(number);
      history.push({ kind: "accepted", uuid: `${number}` });
    } catch (error) {
      refused.set(number, CqiError.from(error));
      history.push({ kind: "refused", uuid: `${number}` });
      if (!isCqiError(error)) throw error;
    }
    slowestMs = Math.max(slowestMs, systemClock.monotonic() - start);
  };
  const caller = async (key: string): Promise<void> => {
    while (isOn && next < total) {
      const calls: Promise<void>[] = [];
      while (calls.length < atOnce && next < total) calls.push(publish(next++, key));
      await Promise.all(calls);
      if (isOn) await sleep(systemClock, pauseMs);
    }
  };
  const all = Promise.all(Array.from({ length: callers }, (_, n) => caller(`key ${n}`)));
  return {
    history,
    accepted,
    refused,
    get slowestMs() {
      return slowestMs;
    },
    async stop() {
      if (total === Infinity) isOn = false;
      await all;
    },
  };
}

/** What a publisher was told. */
export type Refusal = Pick<CqiError, "code" | "details">;

/** Errors by code and outcome, for a line of output. */
export function counted(refused: ReadonlyMap<number, Refusal>): string {
  const counts = new Map<string, number>();
  for (const { code, details } of refused.values()) {
    const name = details["outcome"] === undefined ? code : `${code} (${details["outcome"]})`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} ${name}`).join(", ") || "none";
}

/** Findings by rule. */
export function byRule(findings: readonly { readonly rule: Rule }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { rule } of findings) counts[rule] = (counts[rule] ?? 0) + 1;
  return counts;
}

/** An administrator of a cluster, past the bus. */
export function adminOf(brokers: readonly string[]): Admin {
  return new Admin({
    clientId: "faults",
    bootstrapBrokers: [...brokers],
    retries: 20,
    retryDelay: 250,
  });
}

/** The next offset of each partition: how many records were ever written to it. */
export async function endsOf(admin: Admin, topic: string, count: number): Promise<bigint[]> {
  const partitions = Array.from({ length: count }, (_, partitionIndex) => ({
    partitionIndex,
    timestamp: ListOffsetTimestamps.LATEST,
  }));
  const [found] = await admin.listOffsets({ topics: [{ name: topic, partitions }] });
  return found!.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex)
    .map(({ offset }) => offset);
}

/** What a group has committed of a topic, by partition; -1 where nothing is. */
export async function committedOf(
  admin: Admin,
  group: string,
  topic: string,
  count: number,
): Promise<bigint[]> {
  const partitionIndexes = Array.from({ length: count }, (_, n) => n);
  const topics = [{ name: topic, partitionIndexes }];
  const [found] = await admin.listConsumerGroupOffsets({ groups: [{ groupId: group, topics }] });
  const offsets = found!.topics[0]?.partitions ?? [];
  return partitionIndexes.map((n) =>
    offsets.find(({ partitionIndex }) => partitionIndex === n)?.committedOffset ?? -1n
  );
}

/** Numbers of the events on the log, in the order of their partitions, each as often as it is there. */
export async function onLog(
  bus: Bus,
  admin: Admin,
  topic: Prices,
  count: number,
): Promise<number[]> {
  const ends = await endsOf(admin, topic.name, count);
  const total = ends.reduce((sum, end) => sum + end, 0n);
  const numbers: number[] = [];
  if (total === 0n) return numbers;
  const reader = bus.subscribe(topic, { startAt: "earliest" });
  try {
    for await (const { event, partition, offset } of reader) {
      if (offset < ends[partition]!) numbers.push(Number(event.price!.sequence));
      if (BigInt(numbers.length) === total) return numbers;
    }
  } finally {
    await reader.close();
  }
  throw new Error(`Log of '${topic.name}' ended after ${numbers.length} of ${total} records`);
}

/** Numbers that are there more than once. */
export function repeats(numbers: readonly number[]): number {
  return numbers.length - new Set(numbers).size;
}

/** When a bus was not well, by its own word. */
export interface Watch {
  /** Milliseconds from the first question until it was not well, or undefined. */
  readonly redMs: number | undefined;
  /** Whether it is well now. */
  readonly isGreen: boolean;
  stop(): Promise<void>;
}

/** Asks a bus again and again how it is. */
export function watch(bus: Bus, everyMs = 100): Watch {
  const start = systemClock.monotonic();
  let redMs: number | undefined;
  let isGreen = true;
  let isOn = true;
  const asking = (async () => {
    while (isOn) {
      isGreen = (await bus.check()).status === "ok";
      if (!isGreen) redMs ??= systemClock.monotonic() - start;
      if (isOn) await sleep(systemClock, everyMs);
    }
  })();
  return {
    get redMs() {
      return redMs;
    },
    get isGreen() {
      return isGreen;
    },
    async stop() {
      isOn = false;
      await asking;
    },
  };
}
