import { create, type DescMessage, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { validate } from "../contracts/mod.ts";
import { type HealthReport, instruments, type WaitOptions, withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { type EventBusConfig, EventBusConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { loadDriver } from "../internal/load_driver.ts";
import { refuse, requireSection } from "../internal/options.ts";
import { batcher } from "./_batcher.ts";
import type { Registration } from "./_dispatch.ts";
import { type Environment, environment } from "./_environment.ts";
import { type GroupConsumer, groupConsumer } from "./_group_consumer.ts";
import { publisher } from "./_publisher.ts";
import { registrationOf, requireReading } from "./_registration.ts";
import { settingsOf } from "./_settings.ts";
import { type Feed, type HandedStream, stream } from "./_stream.ts";
import { copyHeaders } from "./headers.ts";
import { topicFinder } from "./topic.ts";
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
  const config: EventBusConfig = create(EventBusConfigSchema, requireSection("bus", section));
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
  const topics = topicFinder();
  const out = batcher(env);
  const publish = publisher(env, out, options.publishMiddleware ?? []);
  const consumers = new Map<string, GroupConsumer>();
  const subscriptions = new Set<Subscription>();
  const streams = new Set<() => Promise<void> | void>();
  let closing: Promise<void> | undefined;
  const lag = async (): Promise<readonly GroupLag[]> =>
    (await Promise.all([...consumers.values()].map((consumer) => consumer.lag()))).flat();
  const stopCollecting = onCollect(async () => void await lag());

  const requireOpen = (action: string): void => {
    if (closing === undefined) return;
    throw new CqiError("CQI_CLOSED", `Cannot ${action}: the bus is closed`);
  };

  const consumerOf = (group: string | undefined): GroupConsumer => {
    // A reader shares with nobody, and reads in the order of the log.
    if (group === undefined) return groupConsumer(env, out, { group, concurrency: 1 });
    let consumer = consumers.get(group);
    if (consumer === undefined) {
      consumer = groupConsumer(env, out, { group, concurrency: settings.concurrency });
      consumers.set(group, consumer);
    }
    return consumer;
  };

  const taken = new Set<string>();
  const start = async (
    registration: Registration,
    options: WaitOptions,
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
    const consumer = consumerOf(group);
    let stopping: Promise<void> | undefined;
    const close = (): Promise<void> => {
      stopping ??= consumer.remove(registration).finally(() => {
        taken.delete(name);
        subscriptions.delete(subscription);
        options.signal?.removeEventListener("abort", onAbort);
      });
      return stopping;
    };
    // A failure to close is for those who close; here nobody waits for it.
    const onAbort = (): void => void close().catch(() => {});
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
    limits: Omit<SubscribeOptions, "group" | "signal">,
  ): Registration => {
    const middleware = options.consumeMiddleware ?? [];
    return registrationOf(env, topics, target, { handler, group, limits, middleware });
  };

  function subscribe(
    target: string | Topic | DescMessage,
    second?: EventHandler | StreamOptions,
    third: SubscribeOptions = {},
  ): unknown {
    if (typeof second === "function") {
      const handler = (delivery: Delivery) => second(delivery.event, delivery);
      return Promise.resolve().then(() => {
        const { group = settings.group } = requireReading(third);
        return start(register(target, handler, group, third), third);
      });
    }
    if (second === null || !["undefined", "object"].includes(typeof second)) {
      refuse("handler", second, "a function, or an object with the options of a stream");
    }
    const { group, signal, startAt } = requireReading(second ?? {});
    // A stream's reader takes as long as it likes.
    const limits = { timeout: Infinity, ...startAt !== undefined && { startAt } };
    return tracked<Delivery>((hand) => {
      const handler = (delivery: Delivery) => hand(delivery, delivery.signal);
      return start(register(target, handler, group, limits), { signal });
    }, { signal, group });
  }

  // Closing the bus ends its streams: readers at once, those of a group when the reader is done
  // with the event that it has.
  function tracked<T>(
    begin: Feed<T>,
    { signal, group }: WaitOptions & { readonly group?: string | undefined },
  ): HandedStream<T> {
    const made: HandedStream<T> = stream<T>(async (hand) => {
      const end = (): Promise<void> | void => group === undefined ? made.close() : made.finish();
      streams.add(end);
      try {
        const feed = await begin(hand);
        return { close: () => feed.close().finally(() => streams.delete(end)) };
      } catch (error) {
        streams.delete(end);
        throw error;
      }
    }, { signal });
    return made;
  }

  const records = (name: string, reading: StreamOptions = {}): RecordStream => {
    const { signal, startAt = settings.startAt } = requireReading(reading);
    return tracked<BusRecord>((hand) => {
      requireOpen("read records");
      const topic = env.nameOf(name);
      const topics = new Map([[topic, startAt]]);
      return driver.consume({ group: undefined, topics }, {
        async records(batch) {
          // A closed stream takes no more; what it did not take is still on the log.
          for (const record of batch) await hand(ownCopy(record)).catch(() => {});
        },
        revoked: () => Promise.resolve(),
        state: (error) => {
          if (error !== undefined) {
            env.logger.warn("Reader lost its broker", { error, topic: name });
          }
        },
      });
    }, { signal });
  };

  // A part that fails, or never answers, must not keep the others from closing.
  const shut = async (part: string, budgets: number, fn: () => Promise<unknown>): Promise<void> => {
    try {
      await withDeadline(env.clock, budgets * settings.drainTimeoutMs, fn, { action: part });
    } catch (error) {
      env.logger.warn("Bus closes without one of its parts", { part, error });
    }
  };

  const close = (): Promise<void> => {
    closing ??= (async () => {
      stopCollecting();
      await shut("draining", 2, async () => {
        const ends = [...streams].map((end) => end());
        const closes = [...subscriptions].map((subscription) => subscription.close());
        const results = await Promise.allSettled([...ends, ...closes]);
        for (const result of results) if (result.status === "rejected") throw result.reason;
      });
      await out.close();
      await shut("the driver", 1, () => driver.close());
    })();
    return closing;
  };

  return {
    async publish(
      target: string | Topic | DescMessage,
      event: Message,
      options: PublishOptions = {},
    ) {
      // Handlers in hand publish while the bus drains; after that its queue refuses.
      const { name, topic } = topics.resolve(target);
      return await publish(topic ?? topics.forMessage(name, event), event, options);
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

// Drivers may share one log among readers.
function ownCopy(record: BusRecord): BusRecord {
  return { ...record, value: record.value?.slice() ?? null, headers: copyHeaders(record.headers) };
}
