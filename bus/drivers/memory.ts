/**
 * The embedded bus: topics, partitions, groups and offsets in the memory of one process, with the
 * semantics of the real ones.
 *
 * @example Two buses on one broker
 * ```ts
 * import * as bus from "@cq/cqi/bus";
 * import { createDriver, memoryBroker } from "@cq/cqi/bus/memory";
 * import assert from "node:assert/strict";
 *
 * const broker = memoryBroker();
 * const drivers: bus.OpenOptions["drivers"] = {
 *   memory: () => ({ createDriver: (config, env) => createDriver(config, env, broker) }),
 * };
 * await using one = await bus.open({}, { drivers });
 * await using other = await bus.open({}, { drivers });
 * assert.equal((await one.check()).status, (await other.check()).status);
 * ```
 *
 * @module
 */
import { durationMs, type Instruments } from "../../core/mod.ts";
import type { EventBusConfig } from "../../gen/ts/cqc/config/v1/mod.ts";
import { behind } from "./_behind.ts";
import {
  type Broker,
  createBroker,
  endOf,
  type MemoryBroker,
  type MemoryBrokerOptions,
  type PartitionLog,
} from "./_memory_broker.ts";
import { startConsumer } from "./_memory_group.ts";
import type { BusDriver, RecordToSend } from "../driver.ts";
import type { Published } from "../types.ts";

export type { MemoryBroker, MemoryBrokerOptions } from "./_memory_broker.ts";

/**
 * Makes a broker for several buses of one process: hand it to the driver of each.
 *
 * @param options Partitions and bounds.
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  return createBroker(options);
}

/**
 * Makes the memory driver.
 *
 * @param config The bus section; `memory` and `topics` say partitions and bounds.
 * @param env The clock tells the age of records.
 * @param shared A broker that several buses of the process share. @default {one of its own}
 */
export function createDriver(
  config: EventBusConfig,
  env: Instruments,
  shared?: MemoryBroker,
): BusDriver {
  // Only memoryBroker makes one.
  const broker = shared as Broker | undefined ?? createBroker(brokerOptions(config, env));
  const closing = new AbortController();
  const consumers = new Set<{ close(): Promise<void> }>();
  return {
    features: {
      persistent: false,
      crossProcess: false,
      idempotentProducer: true,
      startAtTime: true,
      startAtOffset: true,
      lag: true,
      attemptsPersist: true,
    },
    async send(records, { signal }) {
      const signals = signal === undefined ? [closing.signal] : [signal, closing.signal];
      return await sendAll(broker, records, signals);
    },
    async consume(options, sink) {
      const consumer = await startConsumer(broker, options, sink);
      consumers.add(consumer);
      const close = async (): Promise<void> => {
        await consumer.close();
        consumers.delete(consumer);
      };
      return { ...consumer, close };
    },
    ensureTopics(topics) {
      for (const name of topics) broker.topic(name);
      return Promise.resolve();
    },
    ranges(name) {
      return Promise.resolve(
        broker.topic(name).logs.map((log) => ({
          topic: name,
          partition: log.number,
          start: BigInt(log.base),
          end: BigInt(endOf(log)),
        })),
      );
    },
    check: () => Promise.resolve({ status: "ok" }),
    async close() {
      closing.abort();
      await Promise.all([...consumers].map((consumer) => consumer.close()));
    },
  };
}

function brokerOptions(config: EventBusConfig, { clock }: Instruments): MemoryBrokerOptions {
  return {
    partitions: config.memory?.partitions || undefined,
    retentionRecords: Number(config.memory?.retentionRecords ?? 0n) || undefined,
    retentionBytes: Number(config.memory?.retentionBytes ?? 0n) || undefined,
    retentionMs: durationMs(config.memory?.retention, Infinity),
    topics: new Map(config.topics.map(({ name, partitions, retention }) => [
      `${config.topicPrefix}${name}`,
      {
        partitions: partitions || undefined,
        retentionMs: retention && durationMs(retention, Infinity),
      },
    ])),
    clock,
  };
}

// In order within a partition; a partition that is full holds up no other.
async function sendAll(
  broker: Broker,
  records: readonly RecordToSend[],
  signals: readonly AbortSignal[],
): Promise<(Published | Error)[]> {
  const waiting = new Map<PartitionLog, Promise<unknown>>();
  // Keys that failed, with why.
  const failed = new Map<string, Error>();
  const outcomes = records.map((record) => {
    const { topic, key } = record;
    const log = broker.partition(record);
    const before = waiting.get(log);
    const append = (): Published | Promise<Published> => {
      const cause = key === null ? undefined : failed.get(`${topic}:${key}`);
      if (cause !== undefined) throw behind(topic, cause);
      return broker.append(log, record, signals);
    };
    const outcome = before === undefined ? append() : before.then(append);
    if (!(outcome instanceof Promise)) return outcome;
    const settled = outcome.catch((error: Error) => {
      if (key !== null) failed.set(`${topic}:${key}`, error);
      return error;
    });
    waiting.set(log, settled);
    return settled;
  });
  return await Promise.all(outcomes);
}
