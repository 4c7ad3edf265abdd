// The producing side. Idempotent as Kafka means it: each batch of a partition has a sequence
// number, keeps it over every retry, and the next one is sent when it is settled. Where it cannot
// be known whether a batch was written, the producer's epoch rises, so that the late arrival of
// that batch is refused once a newer one is there.

import { type MessageRecord, NumericMap, type produceV11 } from "@platformatic/kafka";
import type { Instruments } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { delays } from "../../retry/mod.ts";
import type { RecordToSend } from "../driver.ts";
import type { Published } from "../types.ts";
import type { KafkaClient, TopicInfo } from "./_kafka_client.ts";
import { brokerError, errorName, isPassing } from "./_kafka_errors.ts";
import { type Lane, type Part, partsOf, type Stamp } from "./_kafka_parts.ts";
import { abandoned, DIVISIBLE, FENCED, LOST_PLACE, neverSent, UNSURE } from "./_kafka_verdicts.ts";
import { recordWriter } from "./_kafka_records.ts";
import type { KafkaSettings } from "./_kafka_settings.ts";
import { patiently, pause, unlessAborted } from "./_kafka_wait.ts";

/** Sends records. */
export interface KafkaSender {
  /**
   * Sends records, retrying what may pass until the signal aborts.
   *
   * @returns One outcome for each record.
   */
  send(
    records: readonly RecordToSend[],
    signal: AbortSignal,
  ): Promise<readonly (Published | Error)[]>;
}

/** What the sender asks about topics. */
export interface TopicFinder {
  /** A topic, made first where that is wanted; waits for one that is being made. */
  find(name: string, signal: AbortSignal): Promise<TopicInfo>;
}

const MAX_EPOCH = 0x7fff;
const NO_STAMP: Stamp = { id: -1n, epoch: -1, sequence: 0 };
const BACKOFF = { initialMs: 50, maxMs: 1000, multiplier: 2, jitter: "equal" } as const;

/** Makes the sender of a driver. */
export function kafkaSender(
  client: KafkaClient,
  topics: TopicFinder,
  settings: KafkaSettings,
  env: Pick<Instruments, "clock" | "random" | "logger">,
): KafkaSender {
  const { clock, logger } = env;
  const delayAfter = delays(BACKOFF, env.random);
  const lanes = new Map<string, Lane>();
  const cut = partsOf(lanes, () => env.random.next());
  const write = recordWriter();
  const encoded = new WeakMap<Part, MessageRecord[]>();
  // Topics whose leaders are looked up anew before the next request.
  const doubted = new Set<string>();
  let producer: { readonly id: bigint; readonly epoch: number } | undefined;
  let starting: Promise<void> | undefined;

  const encode = (part: Part): MessageRecord[] => {
    let messages = encoded.get(part);
    if (messages === undefined) {
      messages = part.records.map((record) => write(record, part.partition));
      encoded.set(part, messages);
    }
    return messages;
  };

  const startProducer = (signal: AbortSignal): Promise<void> => {
    starting ??= (async () => {
      const answer = await client.ask("InitProducerId", [null, settings.requestMs, -1n, -1]);
      if (answer.errorCode !== 0) throw brokerError("start a producer", answer.errorCode);
      producer = { id: answer.producerId, epoch: answer.producerEpoch };
    })().finally(() => starting = undefined);
    return unlessAborted(starting, signal);
  };

  const raiseEpoch = (): void => {
    if (producer === undefined) return;
    const { id, epoch } = producer;
    producer = epoch < MAX_EPOCH ? { id, epoch: epoch + 1 } : undefined;
  };

  // A batch keeps its stamp until it is settled.
  const stamp = (part: Part): Stamp => {
    if (!settings.idempotent) return NO_STAMP;
    const { lane } = part;
    if (lane.id !== producer!.id || lane.epoch !== producer!.epoch) {
      Object.assign(lane, { ...producer!, sequence: 0 });
    }
    part.stamp ??= { id: lane.id, epoch: lane.epoch, sequence: lane.sequence };
    return part.stamp;
  };

  const succeed = (part: Part, base: bigint): void => {
    if (part.stamp !== undefined && part.lane.epoch === part.stamp.epoch) {
      part.lane.sequence = (part.stamp.sequence + part.records.length) & 0x7fffffff;
    }
    part.settle((_, index) => base < 0n ? -1n : base + BigInt(index));
  };

  // What is given up and may have been written must not be mistaken for what comes after it.
  const giveUp = (part: Part, error: CqiError): void => {
    if (part.unsure) raiseEpoch();
    part.settle(() => error);
  };

  /** @returns The parts that are left to send of this one. */
  const judge = (part: Part, code: number, says?: string | null): Part[] => {
    const name = errorName(code);
    const error = brokerError(`publish on '${part.topic}'`, code, says);
    part.trouble = error;
    if (DIVISIBLE.has(name) && part.records.length > 1) {
      part.stamp = undefined;
      return part.halves();
    }
    if (LOST_PLACE.has(name) || FENCED.has(name)) {
      logger.warn("Broker lost the place of a producer; its events may be written twice", {
        error,
        topic: part.topic,
        partition: part.partition,
        events: part.unsure ? part.records.length : 0,
      });
      if (FENCED.has(name)) producer = undefined;
      else raiseEpoch();
      part.stamp = undefined;
      return [part];
    }
    if (UNSURE.has(name)) part.unsure = true;
    // Gone for now or for good: whoever looks for the topic next finds out.
    if (isPassing(code) || name === "UNKNOWN_TOPIC_OR_PARTITION") return [part];
    giveUp(part, error);
    return [];
  };

  const produce = async (leader: number, parts: readonly Part[], signal: AbortSignal) => {
    const broker = client.broker(leader)!;
    const { id, epoch } = stamp(parts[0]!);
    const sequences = new NumericMap();
    for (const part of parts) sequences.set(part.name, stamp(part).sequence);
    const options = {
      compression: settings.compression,
      producerId: id,
      producerEpoch: epoch,
      // Without a producer's id no sequence is read.
      ...settings.idempotent && { sequences },
    };
    const messages = parts.flatMap(encode);
    const onSent = (): void => {
      for (const part of parts) {
        part.wasUnsure = part.unsure;
        part.unsure = true;
      }
    };
    try {
      const answer = await client.request(
        "Produce",
        { broker, args: [settings.acks, settings.requestMs, messages, options] },
        { signal, pool: client.data, onSent },
      );
      if (typeof answer === "boolean") {
        for (const part of parts) succeed(part, -1n);
        return [];
      }
      return parts.flatMap((part) => answered(part, answer));
    } catch (error) {
      const trouble = CqiError.from(error, "CQI_BUS_UNAVAILABLE");
      return parts.filter((part) => {
        part.trouble = trouble;
        if (trouble.retryable || signal.aborted) return true;
        giveUp(part, trouble);
        return false;
      });
    }
  };

  const answered = (part: Part, answer: produceV11.ProduceResponse): Part[] => {
    const topic = answer.responses.find((each) => each.name === part.topic);
    const found = topic?.partitionResponses.find((each) => each.index === part.partition);
    if (found === undefined) return [part];
    part.unsure = part.wasUnsure;
    // A batch that is on the log already counts as written; where, only the newest few are known.
    if (found.errorCode !== 0 && errorName(found.errorCode) !== "DUPLICATE_SEQUENCE_NUMBER") {
      return judge(part, found.errorCode, found.errorMessage);
    }
    succeed(part, found.baseOffset);
    return [];
  };

  // One round: what is first in line of each partition goes to its leader, one request each.
  const round = async (
    pending: readonly Part[],
    signal: AbortSignal,
  ): Promise<{ readonly left: Part[]; readonly stuck: boolean }> => {
    if (settings.idempotent && producer === undefined) await startProducer(signal);
    const names = [...new Set(pending.map((part) => part.topic))];
    const fresh = names.some((name) => doubted.has(name));
    const info = await client.topics(names, { signal, fresh });
    for (const name of names) doubted.delete(name);
    const requests = new Map<string, { readonly leader: number; readonly parts: Part[] }>();
    const leaderless: Part[] = [];
    const waiting: Part[] = [];
    const first = new Set<string>();
    for (const part of pending) {
      const topic = info.get(part.topic);
      const leader = topic instanceof CqiError || topic === undefined
        ? -1
        : topic.partitions[part.partition]?.leader ?? -1;
      if (first.has(part.name)) {
        waiting.push(part);
        continue;
      }
      first.add(part.name);
      if (leader < 0 || client.broker(leader) === undefined) {
        leaderless.push(part);
        continue;
      }
      const { id, epoch } = stamp(part);
      const key = `${leader} ${id} ${epoch}`;
      if (!requests.has(key)) requests.set(key, { leader, parts: [] });
      requests.get(key)!.parts.push(part);
    }
    const results = await Promise.all(
      [...requests.values()].map(({ leader, parts }) => produce(leader, parts, signal)),
    );
    const failed = [...results.flat(), ...leaderless];
    // Halves of a part are new; to send them there is no need to wait.
    const stuck = failed.some((part) => pending.includes(part));
    return { left: [...failed, ...waiting.flatMap((part) => part.remaining())], stuck };
  };

  const sendAll = async (parts: readonly Part[], signal: AbortSignal): Promise<void> => {
    let pending = [...parts];
    for (let attempt = 0; pending.length > 0;) {
      let stuck = true;
      try {
        ({ left: pending, stuck } = await round(pending, signal));
      } catch (error) {
        const trouble = CqiError.from(error, "CQI_BUS_UNAVAILABLE");
        for (const part of pending) part.trouble ??= trouble;
        if (!trouble.retryable && !signal.aborted) {
          for (const part of pending) giveUp(part, trouble);
          return;
        }
      }
      if (signal.aborted) {
        for (const part of pending) {
          // A leader that hangs does not say that it leads no more.
          doubted.add(part.topic);
          giveUp(part, abandoned(part));
        }
        return;
      }
      if (!stuck) continue;
      attempt++;
      await pause(clock, delayAfter(attempt), signal);
      const names = [...new Set(pending.map((part) => part.topic))];
      // Still away: the next round will say so.
      await client.topics(names, { fresh: true, signal }).catch(() => {});
      for (const name of names) {
        await topics.find(name, signal).catch((error) => {
          if (signal.aborted || CqiError.from(error).retryable) return;
          for (const part of pending) if (part.topic === name) giveUp(part, CqiError.from(error));
          pending = pending.filter((part) => part.topic !== name);
        });
      }
    }
  };

  return {
    async send(records, signal) {
      if (settings.lingerMs > 0) await pause(clock, settings.lingerMs, signal);
      const outcomes: (Published | Error)[] = new Array(records.length);
      const found = new Map<string, TopicInfo | CqiError>();
      for (const name of new Set(records.map((record) => record.topic))) {
        const find = () => topics.find(name, signal);
        const info = await patiently(clock, delayAfter, signal, find).catch((error) => {
          const trouble = CqiError.from(error, "CQI_BUS_UNAVAILABLE");
          return signal.aborted ? neverSent(name, trouble) : trouble;
        });
        found.set(name, info);
      }
      const parts = cut(records, found, outcomes);
      // Lanes are taken in one go, so that two calls never wait for each other.
      const before = parts.map(({ lane }) => lane.tail);
      const done = Promise.withResolvers<void>();
      for (const { lane } of parts) lane.tail = done.promise;
      try {
        // Aborted: what comes next gives up at once.
        await unlessAborted(Promise.all(before), signal).catch(() => {});
        await sendAll(parts, signal);
      } finally {
        done.resolve();
      }
      return outcomes;
    },
  };
}
