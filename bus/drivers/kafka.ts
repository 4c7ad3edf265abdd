/**
 * The bus on Kafka, over the network and protocol layers of `@platformatic/kafka`.
 *
 * @example What it asks for
 * ```ts
 * import * as bus from "@cq/cqi/bus";
 * import * as kafka from "@cq/cqi/bus/kafka";
 * import assert from "node:assert/strict";
 *
 * const drivers: bus.OpenOptions["drivers"] = { kafka: () => kafka };
 * await assert.rejects(bus.open({ driver: "kafka" }, { drivers }), { code: "CQI_CONFIG_INVALID" });
 *
 * // Kafka is called when it is first needed, so this works with it away.
 * await using orders = await bus.open({
 *   driver: "kafka",
 *   kafka: { brokers: ["127.0.0.1:1"] },
 *   consumerGroup: "orders",
 * }, { drivers });
 * assert.equal((await orders.check()).status, "down");
 * ```
 *
 * @module
 */
import { type Instruments, withDeadline } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import type { EventBusConfig } from "../../gen/ts/cqc/config/v1/mod.ts";
import { delays } from "../../retry/mod.ts";
import type { BusDriver, DriverConsumer } from "../driver.ts";
import { kafkaClient } from "./_kafka_client.ts";
import { startKafkaConsumer } from "./_kafka_consumer.ts";
import { loginSettings, tlsSettings } from "./_kafka_login.ts";
import { kafkaOffsets, nameOf } from "./_kafka_offsets.ts";
import { kafkaSender } from "./_kafka_sender.ts";
import { kafkaSettings } from "./_kafka_settings.ts";
import { kafkaTopics } from "./_kafka_topics.ts";
import { patiently } from "./_kafka_wait.ts";

const CHECK_MS = 5000;
// A broker that hangs must not hide the others: less than half of health.check_timeout, which is 2 s
// unless it is set.
const EACH_CHECK_MS = 800;
const BACKOFF = { initialMs: 100, maxMs: 2000, multiplier: 2, jitter: "equal" } as const;

/**
 * Makes the Kafka driver. It connects when it is first asked for something.
 *
 * @param config The bus section; `kafka` says where Kafka is.
 * @param env Logger, clock, randomness.
 * @throws {CqiError} `CQI_CONFIG_INVALID` for settings that are missing, contradict each other or
 * name a file or secret that is not there; `CQI_FEATURE_UNSUPPORTED` for what it cannot do.
 */
export async function createDriver(config: EventBusConfig, env: Instruments): Promise<BusDriver> {
  const logger = env.logger.child({ component: "bus" });
  const settings = kafkaSettings(config);
  const login = {
    tls: await tlsSettings(config.kafka?.tls, logger),
    sasl: await loginSettings(config.kafka?.sasl),
  };
  const { clock, random } = env;
  const client = kafkaClient(settings, login, clock);
  const topics = kafkaTopics(client, settings, { clock, logger });
  const sender = kafkaSender(client, topics, settings, { clock, random, logger });
  const offsets = kafkaOffsets(client, settings, clock);
  const delayAfter = delays(BACKOFF, random);
  const consumers = new Set<DriverConsumer>();
  const closing = new AbortController();
  const either = (signal: AbortSignal | undefined): AbortSignal =>
    signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
  // Where Kafka is away, whoever starts waits for it.
  const ensure = (names: readonly string[], signal: AbortSignal): Promise<void> =>
    patiently(clock, delayAfter, signal, () => topics.ensure(names, { signal })).catch((error) => {
      signal.throwIfAborted();
      throw error;
    });

  return {
    features: {
      persistent: true,
      crossProcess: true,
      idempotentProducer: settings.idempotent,
      startAtTime: true,
      startAtOffset: true,
      lag: true,
      attemptsPersist: true,
    },
    async send(records, { signal }) {
      return await sender.send(records, either(signal));
    },
    async consume(options, sink) {
      await ensure([...options.topics.keys()], closing.signal);
      const parts = { client, topics, settings, env: { clock, random, logger } };
      const consumer = await startKafkaConsumer(parts, options, sink, closing.signal);
      const close = async (): Promise<void> => {
        await consumer.close();
        consumers.delete(tracked);
      };
      const tracked = { ...consumer, close };
      consumers.add(tracked);
      return tracked;
    },
    async ensureTopics(names, { signal } = {}) {
      await ensure(names, either(signal));
    },
    async ranges(topic, { signal } = {}) {
      const wait = { signal: either(signal) };
      const { partitions } = await topics.find(topic, wait.signal);
      const all = partitions.map((_, partition) => ({ topic, partition }));
      const [starts, ends] = [await offsets.first(all, wait), await offsets.end(all, wait)];
      return all.map((at) => ({
        ...at,
        start: starts.get(nameOf(at)) ?? 0n,
        end: ends.get(nameOf(at)) ?? 0n,
      }));
    },
    async check({ signal }) {
      const ask = (wait: AbortSignal) =>
        client.ask("Metadata", [[], false, false], { signal: wait, eachMs: EACH_CHECK_MS });
      try {
        await withDeadline(clock, CHECK_MS, ask, { signal, action: "asking Kafka" });
        return { status: "ok" };
      } catch (error) {
        signal?.throwIfAborted();
        return { status: "down", message: CqiError.from(error).message };
      }
    },
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.close()));
      closing.abort(new CqiError("CQI_CLOSED", "Cannot use Kafka: the driver is closed"));
      await client.close();
    },
  };
}
