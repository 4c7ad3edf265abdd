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
 * const drivers = { memory: () => ({ createDriver: (c, env) => createDriver(c, env, broker) }) };
 * await using one = await bus.open({}, { drivers });
 * await using other = await bus.open({}, { drivers });
 * assert.equal((await one.check()).status, (await other.check()).status);
 * ```
 *
 * @module
 */
import type { Instruments } from "../../core/mod.ts";
import type { EventBusConfig } from "../../gen/ts/cqc/config/v1/mod.ts";
import { type MemoryBroker, memoryBroker } from "./_memory_broker.ts";
import { startConsumer } from "./_memory_group.ts";
import type { BusDriver } from "../driver.ts";

export { type MemoryBroker, memoryBroker } from "./_memory_broker.ts";

/**
 * Makes the memory driver.
 *
 * @param config The bus section; `memory` says partitions and bounds.
 * @param _env Unused: memory needs neither clock nor log.
 * @param shared A broker that several buses of the process share. @default {one of its own}
 */
export function createDriver(
  config: EventBusConfig,
  _env: Instruments,
  shared?: MemoryBroker,
): BusDriver {
  const broker = shared ?? memoryBroker({
    partitions: config.memory?.partitions || undefined,
    retentionRecords: Number(config.memory?.retentionRecords ?? 0n) || undefined,
  });
  const closing = new AbortController();
  const consumers = new Set<{ close(): Promise<void> }>();
  return {
    features: {
      persistent: false,
      crossProcess: false,
      idempotentProducer: true,
      startAtTime: true,
      lag: true,
    },
    async send(records, { signal }) {
      const stop = signal === undefined
        ? closing.signal
        : AbortSignal.any([signal, closing.signal]);
      const outcomes = [];
      for (const record of records) {
        outcomes.push(await broker.append(record, stop).catch((error: Error) => error));
      }
      return outcomes;
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
    check: () => Promise.resolve({ status: "ok" }),
    async close() {
      closing.abort();
      await Promise.all([...consumers].map((consumer) => consumer.close()));
    },
  };
}
