import type { HealthReport } from "../core/mod.ts";
import { messageOf } from "../errors/mod.ts";
import type { Batcher } from "./_batcher.ts";
import { dispatcher, type Registration } from "./_dispatch.ts";
import type { Environment } from "./_environment.ts";
import { type Flow, flow } from "./_flow.ts";
import { ownedPartition, type Partition } from "./_partition.ts";
import type { BusRecord, DriverConsumer, Position, RecordSink, TopicPartition } from "./driver.ts";
import type { GroupLag, StartAt } from "./types.ts";

/** One consumer for all subscriptions of a group in this process, over the union of their topics. */
export interface GroupConsumer {
  /** Adds a subscription; resolves when its partitions are assigned. */
  add(registration: Registration): Promise<void>;
  /** Takes a subscription out; resolves when its work is drained and committed. */
  remove(registration: Registration): Promise<void>;
  /** Stops or goes on starting the handlers of a subscription. */
  pause(registration: Registration, paused: boolean): void;
  /** How far behind it is, by topic; also sets the lag gauges. */
  lag(): Promise<readonly GroupLag[]>;
  /** How the consumer is. */
  report(): HealthReport;
}

/** What sets one consumer of a bus apart from another. */
export interface ConsumerOptions {
  readonly group: string | undefined;
  readonly startAt: StartAt;
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
  const dispatch = dispatcher(env, out, group);
  const registrations: Registration[] = [];
  const leaving = new Set<Registration>();
  const flows = new Map<string, Flow>();
  const partitions = new Map<string, Partition>();
  const dirty = new Map<string, Position>();
  let consumer: DriverConsumer | undefined;
  // Records may come before the driver says that it has started.
  let started = Promise.withResolvers<DriverConsumer>();
  let committing: Promise<void> | undefined;
  let trouble: unknown;
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

  const commit = async (): Promise<void> => {
    // Whatever finishes in the same moment shares a commit.
    await Promise.resolve();
    while (dirty.size > 0) {
      const positions = [...dirty.values()];
      dirty.clear();
      try {
        await (await started.promise).commit(positions);
      } catch (error) {
        // What is not committed comes again, and nothing is lost.
        logger.warn("Offsets cannot be committed", { error, positions: positions.length });
      }
    }
    committing = undefined;
  };

  const handle = async (owner: Partition, record: BusRecord): Promise<void> => {
    if (owner.stopping.draining.aborted) return;
    const settled = await dispatch(
      record,
      registrations.filter((registration) => registration.info.topic === record.topic),
      owner.stopping,
    );
    if (settled === "abandoned") return;
    metrics.consumed.with({ topic: record.topic, group: label, result: settled }).add();
    const offset = owner.marks.done(record.offset);
    if (offset === undefined || owner.fenced || group === undefined) return;
    dirty.set(nameOf(owner), { topic: owner.topic, partition: owner.partition, offset });
    committing ??= commit();
  };

  const ownerOf = (record: BusRecord): Partition => {
    const name = nameOf(record);
    let owner = partitions.get(name);
    if (owner === undefined) {
      owner = ownedPartition(record);
      partitions.set(name, owner);
    }
    return owner;
  };

  const sink: RecordSink = {
    async records(records) {
      // Owners are looked up before the first wait: a partition given up meanwhile is not owned anew.
      const owners = records.map(ownerOf);
      for (const [index, record] of records.entries()) {
        const owner = owners[index]!;
        const work = flowOf(record.topic);
        if (!await work.enter(record, owner.stopping.draining)) continue;
        owner.marks.add(record.offset);
        work.work.push(
          record.key === null ? undefined : `${record.partition}:${record.key}`,
          () => owner.run(() => handle(owner, record)).finally(() => work.leave(record)),
        );
      }
    },
    async revoked(lost) {
      const mine = lost.flatMap((at) => partitions.get(nameOf(at)) ?? []);
      await Promise.all(mine.map((owner) => owner.drain(clock, settings.drainTimeoutMs)));
      await committing;
      for (const owner of mine) partitions.delete(nameOf(owner));
    },
    state(error) {
      if (error !== undefined && trouble === undefined) {
        logger.error("Consumer lost its broker", { error, group });
      } else if (error === undefined && trouble !== undefined) {
        logger.info("Consumer has its broker again", { group });
      }
      trouble = error;
    },
  };

  const restart = (): Promise<void> => {
    const change = changes.then(async () => {
      await consumer?.close();
      consumer = undefined;
      started = Promise.withResolvers();
      const staying = registrations.filter((registration) => !leaving.has(registration));
      const topics = [...new Set(staying.map((registration) => registration.info.topic))];
      if (topics.length === 0) return;
      const buried = group === undefined
        ? []
        : topics.flatMap((topic) => settings.deadLetterTopic?.(topic) ?? []);
      await driver.ensureTopics([...topics, ...buried]);
      consumer = await driver.consume({ group, topics, startAt: options.startAt }, sink);
      started.resolve(consumer);
    });
    // A change that fails is its caller's to hear of; the next one starts afresh.
    changes = change.catch(() => {});
    return change;
  };

  const reads = (topic: string): boolean =>
    registrations.some((each) => each.info.topic === topic && !leaving.has(each));

  return {
    async add(registration) {
      const known = reads(registration.info.topic);
      registrations.push(registration);
      try {
        await (known ? changes : restart());
      } catch (error) {
        registrations.splice(registrations.indexOf(registration), 1);
        throw error;
      }
    },
    async remove(registration) {
      if (!registrations.includes(registration) || leaving.has(registration)) return;
      // It handles what is in hand until the consumer has drained; without it those events would
      // count as nobody's.
      leaving.add(registration);
      try {
        await restart();
      } finally {
        leaving.delete(registration);
        registrations.splice(registrations.indexOf(registration), 1);
        flows.get(registration.info.topic)?.work.pause(false);
      }
    },
    pause(registration, paused) {
      flowOf(registration.info.topic).work.pause(paused);
    },
    async lag() {
      const lags = sumByTopic(await consumer?.lag() ?? []);
      for (const { topic, lag } of lags) metrics.lag.with({ topic, group: label }).set(Number(lag));
      return lags.map((each) => ({ ...each, group: label }));
    },
    report: () =>
      trouble === undefined ? { status: "ok" } : {
        status: "degraded",
        message: `Consumer of group '${label}' has no broker: ${messageOf(trouble)}`,
      },
  };
}

function sumByTopic(
  lags: readonly { readonly topic: string; readonly lag: bigint }[],
): { topic: string; lag: bigint }[] {
  const sums = new Map<string, bigint>();
  for (const { topic, lag } of lags) sums.set(topic, (sums.get(topic) ?? 0n) + lag);
  return [...sums].map(([topic, lag]) => ({ topic, lag }));
}
