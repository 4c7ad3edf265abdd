// The producing side. Without Kafka's idempotence: the client's own loses what was acknowledged
// when a broker is killed, so what is tried again may be on the log twice.

import { Buffer } from "node:buffer";
import { CompressionTypes, type Kafka, type Message, Partitioners, type Producer } from "kafkajs";
import type { Instruments } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { delays } from "../../retry/mod.ts";
import type { RecordToSend } from "../driver.ts";
import type { HeaderValue, Published } from "../types.ts";
import { keyBytes } from "./_kafka_keys.ts";
import { type Lane, type Part, partsOf } from "./_kafka_parts.ts";
import { abandoned, DIVISIBLE, neverSent } from "./_kafka_verdicts.ts";
import { pause, unlessAborted } from "./_kafka_wait.ts";
import { answerOf, hasTimedOut, kafkajsError } from "./_kafkajs_client.ts";
import type { KafkajsSettings } from "./_kafkajs_settings.ts";
import type { KafkajsTopics } from "./_kafkajs_topics.ts";

/** Sends records. */
export interface KafkajsSender {
  /**
   * Sends records, retrying what may pass until the signal aborts.
   *
   * @returns One outcome for each record.
   */
  send(
    records: readonly RecordToSend[],
    signal: AbortSignal,
  ): Promise<readonly (Published | Error)[]>;
  /** Ends its connections. */
  close(): Promise<void>;
}

const BACKOFF = { initialMs: 50, maxMs: 1000, multiplier: 2, jitter: "equal" } as const;
/** Answers after which nothing of the batch is on the log. */
const SURE = new Set([
  "UNKNOWN_TOPIC_OR_PARTITION",
  "NOT_LEADER_OR_FOLLOWER",
  "NOT_ENOUGH_REPLICAS",
]);

/** Makes the sender of a driver. */
export function kafkajsSender(
  kafka: Kafka,
  topics: KafkajsTopics,
  settings: KafkajsSettings,
  { clock, random }: Pick<Instruments, "clock" | "random">,
): KafkajsSender {
  const delayAfter = delays(BACKOFF, random);
  const lanes = new Map<string, Lane>();
  const cut = partsOf(lanes, () => random.next());
  const encoded = new WeakMap<Part, Message[]>();
  const inFlight = new WeakMap<Lane, Promise<unknown>>();
  let producer: Promise<Producer> | undefined;

  const connected = (): Promise<Producer> => {
    const making = producer ??= (async () => {
      const made = kafka.producer({
        // Partitions are chosen before; this only keeps it from warning.
        createPartitioner: Partitioners.DefaultPartitioner,
        allowAutoTopicCreation: false,
        idempotent: false,
        // One try: the next is ours.
        retry: { retries: 0 },
      });
      await made.connect();
      return made;
    })();
    making.catch(() => {
      // Whoever waits hears of it; the next one connects anew.
      if (producer === making) producer = undefined;
    });
    return making;
  };

  // A leader that hangs may lead no more, which a producer does not look up for a timeout.
  const drop = (one: Promise<Producer>): void => {
    if (producer !== one) return;
    producer = undefined;
    // It sees through what it has under way; whoever waits for that hears of it there.
    one.then((each) => each.disconnect()).catch(() => {});
  };

  const encode = (part: Part): Message[] => {
    let messages = encoded.get(part);
    if (messages === undefined) {
      messages = part.records.map((record) => messageOf(record, part.partition));
      encoded.set(part, messages);
    }
    return messages;
  };

  /** @returns What is left to send. */
  const attempt = async (part: Part, signal: AbortSignal): Promise<readonly Part[]> => {
    const { topic } = part;
    try {
      // What was given up must not be overtaken.
      await unlessAborted(Promise.allSettled([inFlight.get(part.lane)]), signal);
      const making = connected();
      const one = await unlessAborted(making, signal);
      part.wasUnsure = part.unsure;
      part.unsure = true;
      const sending = one.send({
        topic,
        acks: settings.acks,
        timeout: settings.requestMs,
        compression: settings.gzip ? CompressionTypes.GZIP : CompressionTypes.None,
        messages: encode(part),
      });
      inFlight.set(part.lane, sending);
      sending.catch((error) => {
        if (hasTimedOut(error)) drop(making);
      });
      const [answer] = await unlessAborted(sending, signal);
      const base = BigInt(answer?.baseOffset ?? -1);
      part.settle((_, index) => base < 0n ? -1n : base + BigInt(index));
      return [];
    } catch (error) {
      if (signal.aborted) return [part];
      const caught = kafkajsError(`publish on '${topic}'`, error);
      const name = answerOf(error) ?? "";
      part.trouble = caught;
      if (SURE.has(name) || DIVISIBLE.has(name)) part.unsure = part.wasUnsure;
      if (DIVISIBLE.has(name) && part.records.length > 1) return part.halves();
      if (caught.retryable || name === "UNKNOWN_TOPIC_OR_PARTITION") return [part];
      part.settle(() => caught);
      return [];
    }
  };

  /** Until it is written, refused or given up. Halves are sent in order. */
  const see = async (first: Part, signal: AbortSignal): Promise<void> => {
    let pending: readonly Part[] = [first];
    for (let tries = 1; pending.length > 0;) {
      const [part, ...rest] = pending;
      const left = await attempt(part!, signal);
      pending = [...left, ...rest.flatMap((each) => each.remaining())];
      if (signal.aborted) {
        for (const each of pending) each.settle(() => abandoned(each));
        return;
      }
      if (!left.includes(part!)) continue;
      await pause(clock, delayAfter(tries++), signal);
      topics.forget(part!.topic);
      try {
        await topics.count(part!.topic, { signal });
      } catch (error) {
        const caught = CqiError.from(error, "CQI_BUS_UNAVAILABLE");
        if (signal.aborted || caught.retryable) continue;
        for (const each of pending) each.settle(() => caught);
        return;
      }
    }
  };

  const find = async (name: string, signal: AbortSignal): Promise<number | CqiError> => {
    for (let tries = 1;; tries++) {
      try {
        return await topics.count(name, { signal });
      } catch (error) {
        const caught = CqiError.from(error, "CQI_BUS_UNAVAILABLE");
        if (signal.aborted) return neverSent(name, caught);
        if (!caught.retryable) return caught;
      }
      await pause(clock, delayAfter(tries), signal);
      if (signal.aborted) return neverSent(name, undefined);
    }
  };

  return {
    async send(records, signal) {
      const outcomes: (Published | Error)[] = new Array(records.length);
      const found = new Map<string, { readonly partitions: { length: number } } | CqiError>();
      for (const name of new Set(records.map((record) => record.topic))) {
        const count = await find(name, signal);
        found.set(name, count instanceof CqiError ? count : { partitions: { length: count } });
      }
      const parts = cut(records, found, outcomes);
      const before = parts.map(({ lane }) => lane.tail);
      const done = Promise.withResolvers<void>();
      for (const { lane } of parts) lane.tail = done.promise;
      try {
        // Aborted: what comes next gives up at once.
        await unlessAborted(Promise.all(before), signal).catch(() => {});
        await Promise.all(parts.map((part) => see(part, signal)));
      } finally {
        done.resolve();
      }
      return outcomes;
    },
    async close() {
      // What does not connect has nothing to end.
      await producer?.then((one) => one.disconnect()).catch(() => {});
    },
  };
}

function messageOf(record: RecordToSend, partition: number): Message {
  const headers: Record<string, Buffer> = {};
  for (const [name, value] of record.headers) headers[name] = bytesOf(value);
  return {
    partition,
    key: record.key === null ? null : keyBytes(record.key),
    value: record.value === null ? null : bytesOf(record.value),
    headers,
    timestamp: `${Math.trunc(record.timestampMs)}`,
  };
}

function bytesOf(value: HeaderValue): Buffer {
  if (typeof value === "string") return Buffer.from(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
