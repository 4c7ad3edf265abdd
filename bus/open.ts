import { create, type DescMessage, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { validate } from "../contracts/mod.ts";
import { chain, type HealthReport, instruments, toMilliseconds } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { type EventBusConfig, EventBusConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { loadDriver } from "../internal/load_driver.ts";
import { requireInteger } from "../internal/options.ts";
import { batcher } from "./_batcher.ts";
import type { Registration } from "./_dispatch.ts";
import { type Environment, environment } from "./_environment.ts";
import { type GroupConsumer, groupConsumer } from "./_group_consumer.ts";
import { publisher } from "./_publisher.ts";
import { settingsOf } from "./_settings.ts";
import { stream } from "./_stream.ts";
import { requireTopicName, resolveTopic, topicForMessage } from "./topic.ts";
import type { BusRecord } from "./driver.ts";
import type {
  Bus,
  Delivery,
  EventHandler,
  GroupLag,
  OpenOptions,
  PublishOptions,
  RecordStream,
  Skip,
  StreamOptions,
  SubscribeOptions,
  Subscription,
  Topic,
} from "./types.ts";

/** The bus section of a configuration, as one writes it in code. */
export type EventBusConfigInit = MessageInitShape<typeof EventBusConfigSchema>;

/**
 * Opens a bus.
 *
 * @param section The `event_bus` section; `{}` is the memory driver with all defaults.
 * @param options Drivers, identity, logger, metrics, tracer, clock, randomness.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` for a setting out of bounds, `CQI_BUS_DRIVER_UNKNOWN`,
 * `CQI_DRIVER_MISSING`.
 */
export async function open(
  section: EventBusConfigInit = {},
  options: OpenOptions = {},
): Promise<Bus> {
  const config: EventBusConfig = create(EventBusConfigSchema, section);
  validate(EventBusConfigSchema, config);
  const settings = settingsOf(config, options.service);
  const given = instruments(options);
  const module = await loadDriver(
    "bus",
    settings.driver,
    options.drivers ?? {},
    "CQI_BUS_DRIVER_UNKNOWN",
  );
  const driver = await module.createDriver(config, given);
  const env = environment(settings, driver, given);
  return createBus(env, options, given.metrics.onCollect);
}

function createBus(
  env: Environment,
  options: OpenOptions,
  onCollect: (collect: () => Promise<void>) => () => void,
): Bus {
  const { settings, driver } = env;
  const out = batcher(env);
  const publish = publisher(env, out, options.publishMiddleware ?? []);
  const consumers = new Map<string, GroupConsumer>();
  const subscriptions = new Set<Subscription>();
  let closing: Promise<void> | undefined;
  const lag = async (): Promise<readonly GroupLag[]> =>
    (await Promise.all([...consumers.values()].map((consumer) => consumer.lag()))).flat();
  const stopCollecting = onCollect(async () => void await lag());

  const requireOpen = (action: string): void => {
    if (closing === undefined) return;
    throw new CqiError("CQI_CLOSED", `Cannot ${action}: the bus is closed`);
  };

  const consumerOf = (registration: Registration, options: StreamOptions): GroupConsumer => {
    const { group } = registration.info;
    const make = (concurrency: number): GroupConsumer =>
      groupConsumer(env, out, { group, startAt: options.startAt ?? settings.startAt, concurrency });
    // A reader shares with nobody, and reads in the order of the log.
    if (group === undefined) return make(1);
    let consumer = consumers.get(group);
    if (consumer === undefined) {
      consumer = make(settings.concurrency);
      consumers.set(group, consumer);
    }
    return consumer;
  };

  const taken = new Set<string>();
  const start = async (
    registration: Registration,
    options: StreamOptions,
  ): Promise<Subscription> => {
    requireOpen("subscribe");
    const { topic, group } = registration.info;
    const type = registration.schema?.typeName ?? "every type";
    const name = `${group} ${topic} ${type}`;
    if (group !== undefined && taken.has(name)) {
      throw new CqiError(
        "CQI_BUS_SUBSCRIPTION_DUPLICATE",
        `Cannot subscribe to '${topic}' for ${type}: group '${group}' has a handler for it in this ` +
          `process, and two would take events from each other`,
      );
    }
    taken.add(name);
    const consumer = consumerOf(registration, options);
    let stopping: Promise<void> | undefined;
    const close = (): Promise<void> => {
      stopping ??= consumer.remove(registration).finally(() => {
        taken.delete(name);
        subscriptions.delete(subscription);
        options.signal?.removeEventListener("abort", onAbort);
      });
      return stopping;
    };
    const onAbort = (): void => void close();
    const subscription: Subscription = {
      topic,
      group,
      pause: () => consumer.pause(registration, true),
      resume: () => consumer.pause(registration, false),
      close,
      [Symbol.asyncDispose]: close,
    };
    subscriptions.add(subscription);
    try {
      options.signal?.throwIfAborted();
      await consumer.add(registration);
    } catch (error) {
      await close();
      throw error;
    }
    options.signal?.addEventListener("abort", onAbort, { once: true });
    if (options.signal?.aborted) await close();
    return subscription;
  };

  const register = (
    target: string | Topic | DescMessage,
    handler: (delivery: Delivery) => void | Skip | Promise<void | Skip>,
    group: string | undefined,
    limits: Pick<SubscribeOptions, "timeout" | "attempts" | "middleware">,
  ): Registration => {
    const { name, topic } = resolveTopic(target);
    const layers = [...options.consumeMiddleware ?? [], ...limits.middleware ?? []];
    return {
      info: { topic: `${settings.topicPrefix}${name}`, group },
      topic: name,
      schema: topic?.schema,
      handle: chain(layers, handler),
      timeoutMs: limits.timeout === undefined
        ? settings.handlerTimeoutMs
        : toMilliseconds("timeout", limits.timeout),
      attempts: requireInteger("attempts", limits.attempts ?? settings.attempts, 1, 100),
    };
  };

  function subscribe(
    target: string | Topic | DescMessage,
    second?: EventHandler | StreamOptions,
    third: SubscribeOptions = {},
  ): unknown {
    if (typeof second === "function") {
      const handler = (delivery: Delivery) => second(delivery.event, delivery);
      const group = third.group ?? settings.group;
      return Promise.resolve().then(() => start(register(target, handler, group, third), third));
    }
    const { group, ...rest } = second ?? {};
    // A stream's reader takes as long as it likes.
    const limits = { timeout: Infinity };
    return stream<Delivery>((hand) => {
      const handler = (delivery: Delivery) => hand(delivery, delivery.signal);
      return start(register(target, handler, group, limits), rest);
    }, rest);
  }

  const records = (name: string, reading: StreamOptions = {}): RecordStream =>
    stream<BusRecord>((hand) => {
      requireOpen("read records");
      const topics = [`${settings.topicPrefix}${requireTopicName(name)}`];
      const startAt = reading.startAt ?? settings.startAt;
      return driver.consume({ group: undefined, topics, startAt }, {
        async records(batch) {
          // A closed stream takes no more; what it did not take is still on the log.
          for (const record of batch) await hand(record).catch(() => {});
        },
        revoked: () => Promise.resolve(),
        state: (error) => {
          if (error !== undefined) {
            env.logger.warn("Reader lost its broker", { error, topic: name });
          }
        },
      });
    }, reading);

  const close = (): Promise<void> => {
    closing ??= (async () => {
      stopCollecting();
      await Promise.all([...subscriptions].map((subscription) => subscription.close()));
      await out.close();
      await driver.close();
    })();
    return closing;
  };

  return {
    async publish(
      target: string | Topic | DescMessage,
      event: Message,
      options: PublishOptions = {},
    ) {
      requireOpen("publish");
      const { name, topic } = resolveTopic(target);
      return await publish(topic ?? topicForMessage(name, event), event, options);
    },
    subscribe: subscribe as Bus["subscribe"],
    records,
    lag,
    async check(wait = {}): Promise<HealthReport> {
      if (closing !== undefined) return { status: "down", message: "The bus is closed" };
      try {
        const reports = [
          await driver.check(wait),
          ...[...consumers.values()].map((c) => c.report()),
        ];
        return reports.find((report) => report.status === "down") ??
          reports.find((report) => report.status === "degraded") ?? { status: "ok" };
      } catch (error) {
        return { status: "down", message: CqiError.from(error).message };
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  } as Bus;
}
