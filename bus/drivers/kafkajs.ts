/**
 * The bus on Kafka through `kafkajs`, never in its idempotent mode.
 *
 * @example What it asks for
 * ```ts
 * import * as bus from "@cq/cqi/bus";
 * import * as kafkajs from "@cq/cqi/bus/kafkajs";
 * import assert from "node:assert/strict";
 *
 * const drivers: bus.OpenOptions["drivers"] = { kafkajs: () => kafkajs };
 * const opening = bus.open({ driver: "kafkajs" }, { drivers });
 * await assert.rejects(opening, { code: "CQI_CONFIG_INVALID" });
 * ```
 *
 * @module
 */
import { type Instruments, uuid, withDeadline } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import type { EventBusConfig } from "../../gen/ts/cqc/config/v1/mod.ts";
import type { BusDriver, DriverConsumer } from "../driver.ts";
import { loginSettings, tlsSettings } from "./_kafka_login.ts";
import { kafkajsAdmin, kafkajsClient } from "./_kafkajs_client.ts";
import { startKafkajsConsumer } from "./_kafkajs_consumer.ts";
import { kafkajsSender } from "./_kafkajs_sender.ts";
import { kafkajsSettings } from "./_kafkajs_settings.ts";
import { kafkajsTopics } from "./_kafkajs_topics.ts";

const CHECK_MS = 5000;

/**
 * Makes the driver. It connects when it is first asked for something.
 *
 * @param config The bus section; `kafkajs` says where Kafka is.
 * @param env Logger, clock, randomness.
 * @throws {CqiError} `CQI_CONFIG_INVALID` for settings that are missing, contradict each other or
 * name a file or secret that is not there.
 */
export async function createDriver(config: EventBusConfig, env: Instruments): Promise<BusDriver> {
  const logger = env.logger.child({ component: "bus" });
  const { clock, random } = env;
  const settings = kafkajsSettings(config);
  const login = {
    tls: await tlsSettings(config.kafkajs?.tls, logger),
    sasl: await loginSettings(config.kafkajs?.sasl),
  };
  const kafka = await kafkajsClient(settings, login, logger);
  const admin = kafkajsAdmin(kafka);
  const topics = kafkajsTopics(admin, settings, { clock, logger });
  const sender = kafkajsSender(kafka, topics, settings, { clock, random });
  const consumers = new Set<DriverConsumer>();
  const closing = new AbortController();
  const either = (signal: AbortSignal | undefined): AbortSignal =>
    signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);

  return {
    features: {
      persistent: true,
      crossProcess: true,
      idempotentProducer: false,
      startAtTime: true,
      startAtOffset: true,
      lag: true,
      attemptsPersist: true,
    },
    send: (records, { signal }) => sender.send(records, either(signal)),
    async consume(options, sink) {
      await topics.ensure([...options.topics.keys()], { signal: closing.signal });
      const parts = {
        kafka,
        admin,
        topics,
        settings,
        env: { clock, random, logger },
        unique: () => uuid(clock, random),
      };
      const consumer = await startKafkajsConsumer(parts, options, sink, closing.signal);
      const close = async (): Promise<void> => {
        await consumer.close();
        consumers.delete(tracked);
      };
      const tracked = { ...consumer, close };
      consumers.add(tracked);
      return tracked;
    },
    ensureTopics: (names, { signal } = {}) => topics.ensure(names, { signal: either(signal) }),
    async ranges(topic, { signal } = {}) {
      await topics.count(topic, { signal: either(signal) });
      const all = await topics.ranges(topic, { signal: either(signal) });
      return all.map((range) => ({ topic, ...range }));
    },
    async check({ signal }) {
      const asking = (): Promise<unknown> => admin.ask("ask Kafka", (one) => one.describeCluster());
      try {
        await withDeadline(clock, CHECK_MS, asking, { signal, action: "asking Kafka" });
        return { status: "ok" };
      } catch (error) {
        signal?.throwIfAborted();
        return { status: "down", message: CqiError.from(error).message };
      }
    },
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.close()));
      closing.abort(new CqiError("CQI_CLOSED", "Cannot use Kafka: the driver is closed"));
      await Promise.all([sender.close(), admin.close()]);
    },
  };
}
