import { create, type DescMessage, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { validate } from "../contracts/mod.ts";
import { type HealthReport, instruments, withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { type EventBusConfig, EventBusConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { loadDriver } from "../internal/load_driver.ts";
import { refuse, requireSection } from "../internal/options.ts";
import { batcher } from "./_batcher.ts";
import { deadLetterBox } from "./_dead_letter_box.ts";
import type { Registration } from "./_course.ts";
import { type Environment, environment } from "./_environment.ts";
import { createOutlet } from "./_outlet.ts";
import { publisher } from "./_publisher.ts";
import { readers } from "./_readers.ts";
import { type Limits, registrationOf, requireReading } from "./_registration.ts";
import { CLOSING, settingsOf } from "./_settings.ts";
import { partCloser, subscriptions } from "./_subscriptions.ts";
import type { Bus, OpenOptions } from "./bus.ts";
import { withOutlet } from "./outlet.ts";
import { topicFinder } from "./topic.ts";
import type {
  Delivery,
  EventHandler,
  PublishOptions,
  Skip,
  StreamOptions,
  SubscribeOptions,
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
  const { settings, driver, clock } = env;
  let closing: Promise<void> | undefined;
  const requireOpen = (action: string): void => {
    if (closing === undefined) return;
    throw new CqiError("CQI_CLOSED", `Cannot ${action}: the bus is closed`);
  };
  const topics = topicFinder();
  const out = batcher(env);
  const publish = publisher(env, out, options.publishMiddleware ?? []);
  const subscribed = subscriptions(env, out, requireOpen);
  const streams = readers(env, requireOpen);
  const consumers = () => [...subscribed.consumers.values()];
  const lag: Bus["lag"] = async ({ signal } = {}) => {
    requireOpen("ask for the lag");
    const ask = (inner: AbortSignal) =>
      Promise.all(consumers().map((consumer) => consumer.lag({ signal: inner })));
    const limits = { signal, action: "the lag" };
    return (await withDeadline(clock, settings.drainTimeoutMs, ask, limits)).flat();
  };
  const stopCollecting = onCollect(async () => void await lag());

  const register = (
    target: string | Topic | DescMessage,
    handler: (delivery: Delivery) => void | Skip | Promise<void | Skip>,
    group: string | undefined,
    limits: Limits,
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
        const { broadcast, startAt = "latest", ...limits } = requireReading(third);
        const { concurrency } = settings;
        const registration = broadcast === true
          ? register(target, handler, undefined, { ...limits, startAt, concurrency })
          : register(target, handler, third.group ?? settings.group, third);
        return subscribed.start(registration, third);
      });
    }
    if (second === null || !["undefined", "object"].includes(typeof second)) {
      refuse("handler", second, "a function, or an object with the options of a stream");
    }
    const { group, signal, startAt } = requireReading(second ?? {});
    // A stream's reader takes as long as it likes.
    const limits = { timeout: Infinity, ...startAt !== undefined && { startAt } };
    return streams.tracked<Delivery>((hand, leaving) => {
      const handler = (delivery: Delivery) => hand(delivery, delivery.signal);
      return subscribed.start(register(target, handler, group, limits), { signal: leaving });
    }, { signal, group });
  }

  const close = (): Promise<void> => {
    closing ??= (async () => {
      stopCollecting();
      const shut = partCloser(env);
      const drained = (): Promise<unknown> => Promise.all([streams.close(), subscribed.close()]);
      await shut("draining", CLOSING.consumers, drained);
      await shut("publishing", CLOSING.queue, out.close);
      await shut("the driver", CLOSING.driver, () => driver.close());
    })();
    return closing;
  };

  const layers = options.publishMiddleware ?? [];
  const bus = {
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
    records(name, reading = {}) {
      const { signal, startAt = settings.startAt } = requireReading(reading);
      return streams.records(name, { signal, startAt });
    },
    deadLetters(target) {
      requireOpen("open dead letters");
      return deadLetterBox(env, out, env.nameOf(topics.resolve(target).name));
    },
    async ensureTopics(wanted, { signal } = {}) {
      requireOpen("make topics");
      const names = wanted.map((each) => env.nameOf(topics.resolve(each).name));
      const ensure = (inner: AbortSignal) => driver.ensureTopics(names, { signal: inner });
      await withDeadline(clock, settings.publishTimeoutMs, ensure, {
        signal,
        action: "making topics",
      });
    },
    lag,
    async check(wait = {}): Promise<HealthReport> {
      if (closing !== undefined) return { status: "down", message: "The bus is closed" };
      try {
        const reports = [await driver.check(wait), ...subscribed.reports()];
        const worst = reports.find((report) => report.status === "down") ??
          reports.find((report) => report.status === "degraded") ?? { status: "ok" };
        const details = Object.assign({}, ...reports.map((report) => report.details));
        return Object.keys(details).length === 0 ? worst : { ...worst, details };
      } catch (error) {
        return { status: "down", message: CqiError.from(error).message };
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  } as Bus;
  return withOutlet(bus, createOutlet(env, topics, layers, requireOpen));
}
