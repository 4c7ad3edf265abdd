import type { HealthReport, Timer, WaitOptions } from "../core/mod.ts";
import { delays } from "../retry/mod.ts";
import type { Batcher } from "./_batcher.ts";
import { commits } from "./_commits.ts";
import { reportOf, showLags, sumByTopic } from "./_consumer_report.ts";
import type { Registration } from "./_course.ts";
import { dispatcher } from "./_dispatch.ts";
import type { Environment } from "./_environment.ts";
import { CLOSING } from "./_settings.ts";
import { type Flow, flow } from "./_flow.ts";
import { intake } from "./_intake.ts";
import { pace } from "./_pace.ts";
import { ownedPartition, type Partition } from "./_partition.ts";
import type { DriverConsumer, RecordSink, TopicPartition } from "./driver.ts";
import { sizeOf } from "./headers.ts";
import type { GroupLag } from "./bus.ts";
import type { SubscriptionState } from "./types.ts";

/** One consumer for all subscriptions of a group in this process, over the union of their topics. */
export interface GroupConsumer {
  /** Adds a subscription; resolves when its partitions are assigned. */
  add(registration: Registration): Promise<void>;
  /** Takes a subscription out; resolves when its work is drained and committed. */
  remove(registration: Registration): Promise<void>;
  /** Stops or goes on starting the handlers of a subscription's topic. */
  pause(registration: Registration, paused: boolean): void;
  /** What a subscription does now. */
  stateOf(registration: Registration): SubscriptionState;
  /** How far behind it is, by topic; also sets the lag gauges. */
  lag(options: WaitOptions): Promise<readonly GroupLag[]>;
  /** How the consumer is. */
  report(): HealthReport;
}

/** What sets one consumer of a bus apart from another. */
export interface ConsumerOptions {
  readonly group: string | undefined;
  readonly concurrency: number;
}

const nameOf = (at: TopicPartition): string => `${at.topic}:${at.partition}`;

/** Makes the consumer of a group; it runs while anybody is subscribed. */
export function groupConsumer(
  env: Environment,
  out: Batcher,
  options: ConsumerOptions,
): GroupConsumer {
  const { settings, clock, logger, metrics, driver } = env;
  const { group } = options;
  const label = group ?? "";
  const delayAfter = delays(settings.backoff, env.random);
  const registrations: Registration[] = [];
  // The same, by topic.
  const handlers = new Map<string, readonly Registration[]>();
  const leaving = new Set<Registration>();
  const pausing = new Set<Registration>();
  const ensured = new Set<string>();
  const flows = new Map<string, Flow>();
  const partitions = new Map<string, Partition>();
  let consumer: DriverConsumer | undefined;
  // Records may come before the driver says that it has started.
  let started = Promise.withResolvers<DriverConsumer>();
  let hasStarted = false;
  let trouble: unknown;
  let failedStarts = 0;
  let startAgain: Timer | undefined;
  // Starts and stops of the driver's consumer run one after another.
  let changes: Promise<void> = Promise.resolve();

  const flowOf = (topic: string): Flow => {
    let found = flows.get(topic);
    if (found === undefined) {
      const bounds = {
        concurrency: options.concurrency,
        records: settings.maxInFlight,
        bytes: settings.maxInFlightBytes,
      };
      found = flow(bounds, metrics.inFlight.with({ group: label }));
      flows.set(topic, found);
    }
    return found;
  };

  const handlersOf = (topic: string): readonly Registration[] => {
    let found = handlers.get(topic);
    if (found === undefined) {
      found = registrations.filter(({ info }) => info.topic === topic);
      handlers.set(topic, found);
    }
    return found;
  };

  const stateOf = (registration: Registration): SubscriptionState => {
    const { topic } = registration.info;
    if (!registrations.includes(registration)) return "closed";
    const together = handlersOf(topic);
    if (together.some((each) => pausing.has(each))) return "paused";
    if (together.some((each) => each.gate?.held)) return "waiting";
    return trouble === undefined ? "running" : "offline";
  };

  const isPaused = (topic: string): boolean =>
    handlersOf(topic).some((each) => pausing.has(each) || each.gate?.held === true);

  const applyPause = (topic: string): void => {
    const paused = isPaused(topic);
    flowOf(topic).work.pause(paused);
    metrics.paused.with({ topic, group: label }).set(paused ? 1 : 0);
  };

  const watch = ({ info: { topic }, gate }: Registration): void => {
    gate?.start(() => {
      const { reason } = gate;
      if (reason === undefined) logger.info("Dependencies are up: events are handled", { topic });
      else logger.warn("A dependency is down: events wait", { topic, group, reason });
      applyPause(topic);
    });
  };

  const forget = (registration: Registration): void => {
    registration.gate?.stop();
    pausing.delete(registration);
    registrations.splice(registrations.indexOf(registration), 1);
    handlers.clear();
    applyPause(registration.info.topic);
    if (registrations.length > 0) return;
    // Nobody is left to be without a broker.
    trouble = undefined;
    metrics.up.with({ group: label }).set(1);
    startAgain?.cancel();
    breath.stop();
  };

  const committed = commits(
    env,
    async (positions, wait) => await (await started.promise).commit(positions, wait),
  );

  const breath = pace(clock);
  const take = intake(env, {
    group,
    dispatch: dispatcher(env, out, group),
    note: committed.note,
    handlersOf,
  });

  const ownerOf = (at: TopicPartition): Partition => {
    const name = nameOf(at);
    let owner = partitions.get(name);
    if (owner === undefined) {
      owner = ownedPartition(at);
      partitions.set(name, owner);
    }
    return owner;
  };

  const sink: RecordSink = {
    assigned(at) {
      const name = nameOf(at);
      if (!partitions.has(name)) partitions.set(name, ownedPartition(at, at));
    },
    async records(records) {
      // Owners are looked up before the first wait: a partition given up meanwhile is not owned anew.
      let last: Partition | undefined;
      const owners = records.map((at) => {
        if (at.topic !== last?.topic || at.partition !== last.partition) last = ownerOf(at);
        return last;
      });
      for (const [index, record] of records.entries()) {
        const owner = owners[index]!;
        const turn = breath.turn();
        if (turn !== undefined) await turn;
        const flow = flowOf(record.topic);
        const bytes = record.bytes ?? sizeOf(record);
        const entered = flow.enter(bytes, owner);
        if (entered === true || (entered !== false && await entered)) {
          take({ owner, record, flow, bytes });
        }
      }
    },
    async revoked(lost) {
      const mine = lost.flatMap((at) => partitions.get(nameOf(at)) ?? []);
      const budgetMs = CLOSING.handlers * settings.drainTimeoutMs;
      await Promise.all(mine.map((owner) => owner.drain(clock, budgetMs, isPaused(owner.topic))));
      await committed.settle(mine);
      for (const owner of mine) partitions.delete(nameOf(owner));
    },
    state(error) {
      if (error !== undefined && trouble === undefined) {
        logger.error("Consumer lost its broker", { error, group });
      } else if (error === undefined && trouble !== undefined) {
        logger.info("Consumer has its broker again", { group });
      }
      trouble = error;
      metrics.up.with({ group: label }).set(error === undefined ? 1 : 0);
    },
  };

  const ensure = async (topics: readonly string[]): Promise<void> => {
    const missing = topics.filter((topic) => !ensured.has(topic));
    if (missing.length === 0) return;
    const buried = group === undefined
      ? []
      : missing.flatMap((topic) => settings.deadLetterTopic?.(topic) ?? []);
    await driver.ensureTopics([...missing, ...buried]);
    for (const topic of missing) ensured.add(topic);
  };

  const start = async (): Promise<void> => {
    const staying = registrations.filter((registration) => !leaving.has(registration));
    // The first to subscribe to a topic says where it starts.
    const topics = new Map(staying.toReversed().map(({ info, startAt }) => [info.topic, startAt]));
    try {
      await ensure([...topics.keys()]);
      if (topics.size > 0 && consumer?.change !== undefined) return await consumer.change(topics);
    } catch (error) {
      if (consumer === undefined || leaving.size === 0) throw error;
      // It must not read on what nobody is there for.
      logger.warn("Consumer cannot let go of a topic and begins anew", { error, group });
    }
    await consumer?.close().catch((error) => logger.warn("Consumer cannot be closed", { error }));
    consumer = undefined;
    started = Promise.withResolvers();
    started.promise.catch(() => {});
    if (topics.size === 0) return;
    try {
      consumer = await driver.consume({ group, topics }, sink);
    } catch (error) {
      started.reject(error);
      throw error;
    }
    hasStarted = true;
    started.resolve(consumer);
  };

  const restart = (): Promise<void> => {
    startAgain?.cancel();
    const change = changes.then(start);
    // A change that fails is its caller's to hear of; others of the group must not suffer for it.
    changes = change.then(() => {
      failedStarts = 0;
      sink.state(undefined);
    }, (error) => {
      if (consumer !== undefined) return;
      sink.state(error);
      failedStarts++;
      startAgain?.cancel();
      startAgain = clock.timer(() => {
        if (registrations.length > 0) void restart();
      }, delayAfter(failedStarts));
    });
    return change;
  };

  const reads = (topic: string): boolean => handlersOf(topic).some((each) => !leaving.has(each));

  return {
    async add(registration) {
      const known = reads(registration.info.topic);
      registrations.push(registration);
      handlers.clear();
      applyPause(registration.info.topic);
      watch(registration);
      try {
        await (known ? changes : restart());
      } catch (error) {
        forget(registration);
        throw error;
      }
    },
    async remove(registration) {
      if (!registrations.includes(registration) || leaving.has(registration)) return;
      // It handles what is in hand until the consumer has drained; without it those events would
      // count as nobody's.
      leaving.add(registration);
      const removed = restart().finally(() => {
        leaving.delete(registration);
        forget(registration);
      });
      if (hasStarted) return await removed;
      // It is on its way up for as long as the broker is away, and there is nothing to drain.
      removed.catch((error) => logger.debug("Consumer did not start", { error, group }));
    },
    pause(registration, paused) {
      if (!registrations.includes(registration)) return;
      if (paused) pausing.add(registration);
      else pausing.delete(registration);
      applyPause(registration.info.topic);
    },
    async lag(options) {
      const lags = sumByTopic(await consumer?.lag(options) ?? []);
      // Without a broker nothing is known.
      showLags(metrics.lag, label, lags, trouble === undefined ? flows.keys() : []);
      return lags.map((each) => ({ ...each, group: label }));
    },
    stateOf,
    report: () => reportOf(label, trouble, registrations, stateOf),
  };
}
