import { type HealthReport, type WaitOptions, withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { Batcher } from "./_batcher.ts";
import type { Registration } from "./_course.ts";
import type { Environment } from "./_environment.ts";
import { type GroupConsumer, groupConsumer } from "./_group_consumer.ts";
import type { Subscription } from "./types.ts";

/** The subscriptions of a bus, and the consumers that they share. */
export interface Subscriptions {
  /** Starts one; resolves when its partitions are assigned. */
  start(registration: Registration, options: WaitOptions): Promise<Subscription>;
  /** Closes all of them. */
  close(): Promise<void>;
  /** One consumer for each group of this process. */
  readonly consumers: ReadonlyMap<string, GroupConsumer>;
  /** How all consumers are, also those without a group. */
  reports(): HealthReport[];
}

/**
 * Makes the subscriptions of a bus.
 *
 * @param out What dead letters are written with.
 * @param requireOpen Throws once the bus is closed.
 */
export function subscriptions(
  env: Environment,
  out: Batcher,
  requireOpen: (action: string) => void,
): Subscriptions {
  const { clock, settings } = env;
  const consumers = new Map<string, GroupConsumer>();
  const alone = new Set<GroupConsumer>();
  const running = new Set<Subscription>();
  const taken = new Set<string>();

  const consumerOf = (group: string | undefined, concurrency: number): GroupConsumer => {
    // A reader shares with nobody.
    if (group === undefined) {
      const own = groupConsumer(env, out, { group, concurrency });
      alone.add(own);
      return own;
    }
    let consumer = consumers.get(group);
    if (consumer === undefined) {
      consumer = groupConsumer(env, out, { group, concurrency: settings.concurrency });
      consumers.set(group, consumer);
    }
    return consumer;
  };

  const take = ({ info, schema }: Registration): string => {
    const { topic, group } = info;
    const type = schema?.typeName ?? "every type";
    const name = `${group} ${topic} ${type}`;
    if (group !== undefined && taken.has(name)) {
      throw new CqiError(
        "CQI_BUS_SUBSCRIPTION_DUPLICATE",
        `Cannot subscribe to '${topic}' for ${type}: group '${group}' has a handler for it in this ` +
          `process, and two would take events from each other`,
      );
    }
    if (group !== undefined) taken.add(name);
    return name;
  };

  return {
    consumers,
    reports: () => [...consumers.values(), ...alone].map((consumer) => consumer.report()),
    async start(registration, options) {
      requireOpen("subscribe");
      const { topic, group } = registration.info;
      const name = take(registration);
      const consumer = consumerOf(group, registration.concurrency);
      let stopping: Promise<void> | undefined;
      const close = (): Promise<void> => {
        stopping ??= consumer.remove(registration).finally(() => {
          if (group !== undefined) taken.delete(name);
          alone.delete(consumer);
          running.delete(subscription);
          options.signal?.removeEventListener("abort", onAbort);
        });
        return stopping;
      };
      // A failure to close is for those who close; here nobody waits for it.
      const onAbort = (): void => void close().catch(() => {});
      const subscription: Subscription = {
        topic,
        group,
        get state() {
          return consumer.stateOf(registration);
        },
        pause: () => consumer.pause(registration, true),
        resume: () => consumer.pause(registration, false),
        close,
        [Symbol.asyncDispose]: close,
      };
      running.add(subscription);
      try {
        // A broker that is away may keep the consumer for long, but not the caller.
        await withDeadline(clock, Infinity, () => consumer.add(registration), options);
      } catch (error) {
        const closed = close();
        if (options.signal?.aborted) {
          // Nobody waits any longer: what closes behind the caller has no reader for its error.
          closed.catch(() => {});
        } else await closed;
        throw error;
      }
      options.signal?.addEventListener("abort", onAbort, { once: true });
      if (options.signal?.aborted) await close();
      return subscription;
    },
    async close() {
      const closes = [...running].map((subscription) => subscription.close());
      const results = await Promise.allSettled(closes);
      for (const result of results) if (result.status === "rejected") throw result.reason;
    },
  };
}

/** Closes one part of a bus; by the end of its share it is left behind. */
export type ClosePart = (
  part: string,
  share: number,
  fn: (budgetMs: number) => Promise<unknown>,
) => Promise<void>;

/**
 * Begins the budget of closing a bus, `drain_timeout` for all of it. A part that fails, or never
 * answers, must not keep the others from closing.
 */
export function partCloser({ clock, logger, settings }: Environment): ClosePart {
  const begunMs = clock.monotonic();
  return async (part, share, fn) => {
    const leftMs = Math.max(0, begunMs + share * settings.drainTimeoutMs - clock.monotonic());
    try {
      await withDeadline(clock, leftMs, () => fn(leftMs), { action: part });
    } catch (error) {
      logger.warn("Bus closes without one of its parts", { part, error });
    }
  };
}
