// A running consumer: one loop that joins, takes up its share, stays while nothing changes, and
// begins again after whatever went wrong. Heartbeats go on beside it, so that slow handlers, slow
// drains and joins that wait for others do not cost the membership.

import { type Instruments, withDeadline } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { delays } from "../../retry/mod.ts";
import type { ConsumeOptions, DriverConsumer, RecordSink, TopicPartition } from "../driver.ts";
import type { KafkaClient, TopicInfo } from "./_kafka_client.ts";
import { committing } from "./_kafka_committing.ts";
import { answerOf } from "./_kafka_errors.ts";
import { kafkaMember } from "./_kafka_member.ts";
import { nameOf } from "./_kafka_offsets.ts";
import { kafkaPartitions } from "./_kafka_partitions.ts";
import { session } from "./_kafka_session.ts";
import type { KafkaSettings } from "./_kafka_settings.ts";
import { pause, unlessAborted } from "./_kafka_wait.ts";
import type { KafkaTopics } from "./_kafka_topics.ts";

/** What a consumer is made with. */
export interface KafkaConsumerOptions {
  readonly client: KafkaClient;
  readonly topics: KafkaTopics;
  readonly settings: KafkaSettings;
  readonly env: Pick<Instruments, "clock" | "random" | "logger">;
}

/** Other topics that are wanted. */
interface Change {
  /** What was wanted until then. */
  readonly before: ConsumeOptions["topics"];
  readonly done: PromiseWithResolvers<void>;
}

const BACKOFF = { initialMs: 100, maxMs: 2000, multiplier: 2, jitter: "equal" } as const;
/** How often new partitions are looked for, in heartbeats. */
const PARTITIONS_EVERY = 10;
const LEAVE_MS = 2000;
/** Answers that say: we are no longer who we were. */
const DROPPED = new Set(["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "FENCED_INSTANCE_ID"]);
const LOST = {
  dropped: "Consumer was dropped from its group and joins anew",
  unheard: "Consumer was not heard by its group for session_timeout and gives up its partitions",
} as const;

/**
 * Starts a consumer. Resolves when it has its first share; while Kafka is away it waits, and says
 * so to the sink.
 */
export async function startKafkaConsumer(
  { client, topics, settings, env }: KafkaConsumerOptions,
  { group, topics: first }: ConsumeOptions,
  sink: RecordSink,
  stop: AbortSignal,
): Promise<DriverConsumer> {
  const { clock } = env;
  const delayAfter = delays(BACKOFF, env.random);
  const member = group === undefined ? undefined : kafkaMember(client, settings, group);
  const closing = new AbortController();
  const { signal } = closing;
  // Later: after a join that is cut off nothing can be committed, since the generation is not known.
  const leaving = new AbortController();
  const started = Promise.withResolvers<void>();
  // Heard of below; closing may be sooner.
  started.promise.catch(() => {});
  const troubles = new Map<string, CqiError>();
  let wanted = first;
  let change: Change | undefined;
  let assigned: TopicPartition[] = [];
  // Aborts when the generation is over.
  let wake = new AbortController();
  // Cuts off the join that is under way, or is to be tried again.
  let joining: AbortController | undefined;
  // How the group lost us: it says so, or it has not heard of us for as long as a session lasts.
  let lost: "dropped" | "unheard" | undefined;
  let hasStarted = false;
  const absent = new Set<string>();

  const trouble = (of: string, error: CqiError | undefined): void => {
    if (error === undefined ? !troubles.delete(of) : false) return;
    if (error !== undefined) troubles.set(of, error);
    const [worst] = troubles.values();
    sink.state(worst);
  };

  const partitions = kafkaPartitions({
    client,
    settings,
    env,
    sink,
    member,
    group,
    topics: () => wanted,
    trouble: (error) => trouble("reading", error),
  });

  const beats = session(clock, {
    everyMs: settings.heartbeatMs,
    sessionMs: settings.sessionMs,
    beat: (wait) => member!.heartbeat(wait),
    heard(error) {
      const answer = error === undefined ? "" : answerOf(error);
      if (joining !== undefined) {
        // Its answer may be over a generation that it ends, or never come: then others have ours.
        if (answer === "UNKNOWN_MEMBER_ID" || beats.isOverdue) joining.abort(error);
        return;
      }
      if (DROPPED.has(answer)) lost = "dropped";
      else if (beats.isOverdue) lost = "unheard";
      if (answer !== "REBALANCE_IN_PROGRESS" && lost !== "dropped") trouble("group", error);
      if (lost !== undefined || answer === "REBALANCE_IN_PROGRESS") wake.abort();
    },
  });

  /** How many partitions the topics have now, as text. */
  const counts = async (): Promise<string> => {
    const found = await client.topics([...wanted.keys()], { signal, fresh: true });
    return [...found].map(([name, info]) =>
      `${name}:${info instanceof CqiError ? "?" : info.partitions.length}`
    ).sort().join();
  };

  /** Until somebody joins or leaves, a topic grows, or we want something else. */
  const stay = async (): Promise<void> => {
    // Unknown while Kafka is away: asked again.
    let known = await counts().catch(() => undefined);
    for (;;) {
      await pause(clock, PARTITIONS_EVERY * settings.heartbeatMs, wake.signal);
      if (wake.signal.aborted || signal.aborted) return;
      // Whoever shares out sees to it; the others hear of it.
      if (member !== undefined && !member.isLeader && absent.size === 0) continue;
      // The same: as if nothing had changed.
      const now = await counts().catch(() => known);
      known ??= now;
      if (now !== known) return;
    }
  };

  /** The topics that are there. Later one may go; that must not cost the others. */
  const present = async (): Promise<TopicInfo[]> => {
    const found: TopicInfo[] = [];
    absent.clear();
    for (const name of wanted.keys()) {
      try {
        found.push(await topics.find(name, signal));
      } catch (error) {
        const caught = CqiError.from(error);
        // Whoever asks for it hears of it; nobody else is refused what they ask for.
        const isNew = change !== undefined && !change.before.has(name);
        if (!hasStarted || isNew || caught.code !== "CQI_NOT_FOUND") throw caught;
        absent.add(name);
        trouble("topics", caught);
      }
    }
    if (absent.size === 0) trouble("topics", undefined);
    return found;
  };

  const share = async (): Promise<TopicPartition[]> => {
    const found = await present();
    partitions.know(found);
    if (member === undefined) {
      return found.flatMap(({ name: topic, partitions: all }) =>
        all.map((_, partition) => ({ topic, partition }))
      );
    }
    const names = found.map(({ name }) => name);
    const owned = assigned.filter(({ topic }) => names.includes(topic));
    joining ??= new AbortController();
    const cut = AbortSignal.any([leaving.signal, joining.signal]);
    const given = await member.join(names, owned, { signal: cut });
    joining = undefined;
    beats.start();
    return given;
  };

  /** One generation. */
  const generation = async (): Promise<void> => {
    wake = new AbortController();
    lost = undefined;
    const asked = change;
    if (asked !== undefined) await partitions.keepOnly(new Set());
    assigned = await share();
    if (signal.aborted) return;
    const names = new Set(assigned.map(nameOf));
    const moving = [...partitions.names].some((name) => !names.has(name));
    await partitions.keepOnly(names);
    await partitions.take(assigned, { signal });
    trouble("group", undefined);
    hasStarted = true;
    started.resolve();
    asked?.done.resolve();
    if (change === asked) change = undefined;
    // What was given up goes to somebody else in the next generation, which we thereby start.
    if (moving && member !== undefined) return;
    if (!signal.aborted) await stay();
  };

  /** What cannot be had is not asked for again and again. */
  const refuse = (error: CqiError): void => {
    started.reject(error);
    if (change === undefined) return;
    const { before, done } = change;
    // What nobody handles any more is not read on: its events would count as handled.
    wanted = new Map([...before].filter(([name]) => wanted.has(name)));
    done.reject(error);
    change = undefined;
  };

  const run = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted;) {
      try {
        await generation();
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        const caught = CqiError.from(error, "CQI_BUS_UNAVAILABLE");
        const answer = answerOf(caught);
        // Said to members that are known, however long the answer took.
        if (answer === "REBALANCE_IN_PROGRESS") beats.answered();
        if (DROPPED.has(answer)) lost = "dropped";
        else if (beats.isOverdue && assigned.length > 0) lost = "unheard";
        if (!caught.retryable) refuse(caught);
        if (lost !== "dropped" && answer !== "REBALANCE_IN_PROGRESS") trouble("group", caught);
        failures++;
      }
      if (lost !== undefined) {
        // Others have our partitions by now: commits are refused, and what we do is done twice.
        env.logger.warn(LOST[lost], { group });
        beats.stop();
        joining = undefined;
        assigned = [];
        // What cannot be committed comes again, to whoever has it now.
        await partitions.keepOnly(new Set()).catch(() => {});
        // Last: what has no generation would be committed for a group without members.
        if (lost === "dropped") member?.reset();
      }
      if (failures > 0) await pause(clock, delayAfter(failures), signal);
    }
  };

  const release = (): Promise<void> =>
    partitions.keepOnly(new Set()).catch((error) => {
      env.logger.warn("Partitions cannot be given up in order", { error, group });
    });

  const end = async (): Promise<void> => {
    await release();
    beats.stop();
    await partitions.close();
    if (member === undefined) return;
    // Whoever cannot say goodbye is missed after the session's time.
    await withDeadline(clock, LEAVE_MS, (wait) => member.leave({ signal: wait })).catch(() => {});
    await member.close();
  };

  const close = (): Promise<void> => {
    ending ??= (async () => {
      closing.abort(new CqiError("CQI_CLOSED", "Cannot read: the consumer is closed"));
      started.reject(signal.reason);
      change?.done.reject(signal.reason);
      wake.abort();
      // At once: what has not begun by now is left to the next.
      await release();
      leaving.abort(signal.reason);
      await running;
      await end();
    })();
    return ending;
  };

  let ending: Promise<void> | undefined;
  const running = run();
  try {
    await unlessAborted(started.promise, stop);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    commit: committing({
      clock,
      member,
      partitions,
      isLost: () => lost !== undefined,
      signal: leaving.signal,
    }),
    lag: (wait = {}) => partitions.lag(wait),
    async change(topics: ConsumeOptions["topics"]) {
      const asked: Change = { before: wanted, done: Promise.withResolvers() };
      change = asked;
      wanted = topics;
      wake.abort();
      await unlessAborted(asked.done.promise, signal);
    },
    close,
  };
}
