// A member that its group has lost: it hands out nothing more and commits nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startKafkaConsumer } from "../../bus/drivers/_kafka_consumer.ts";
import type {
  ConsumeOptions,
  DriverConsumer,
  RecordSink,
  TopicPartition,
} from "../../bus/driver.ts";
import { instruments, sleep } from "../../core/mod.ts";
import { type FakeClock, fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { type Asked, fakeCluster, type Script, SETTINGS } from "./_kafka_cluster.ts";

const options: ConsumeOptions = { group: "g", topics: new Map([["prices", "earliest"]]) };
const UNKNOWN_MEMBER_ID = 25;
const REBALANCE_IN_PROGRESS = 27;

interface Running {
  readonly clock: FakeClock;
  readonly consumer: DriverConsumer;
  readonly asked: readonly Asked[];
  readonly revoked: readonly (readonly TopicPartition[])[];
  /** What a commit said that was made while partitions were given up. */
  readonly commits: readonly unknown[];
  close(): Promise<void>;
}

async function run(script: Script): Promise<Running> {
  const clock = fakeClock();
  const { client, asked } = fakeCluster(clock, { prices: 2 }, script);
  const env = instruments({ clock, logger: testLogger() });
  const find = async (name: string) => (await client.topics([name])).get(name) as never;
  const topics = { find, ensure: () => Promise.resolve() };
  const revoked: (readonly TopicPartition[])[] = [];
  const commits: unknown[] = [];
  const sink: RecordSink = {
    records: () => Promise.resolve(),
    state: () => {},
    async revoked(lost) {
      revoked.push(lost);
      const done = lost.map((at) => ({ ...at, offset: 5n }));
      commits.push(await consumer.commit(done).then(() => "committed", (error) => error.code));
    },
  };
  const consumer = await startKafkaConsumer(
    { client, topics, settings: SETTINGS, env },
    options,
    sink,
    new AbortController().signal,
  );
  return {
    clock,
    consumer,
    asked,
    revoked,
    commits,
    async close() {
      const closed = consumer.close();
      await clock.advance(5000);
      await closed;
    },
  };
}

const generationsOf = (asked: readonly Asked[]): number[] =>
  asked.filter(({ name }) => name === "OffsetCommit").map(({ args }) => args[1]);

test("Kafka member that was dropped commits nothing of what it still has in hand", async () => {
  let dropped = false;
  const { clock, asked, revoked, commits, close } = await run(({ name }) =>
    name === "Heartbeat" && dropped ? { errorCode: UNKNOWN_MEMBER_ID } : undefined
  );
  dropped = true;
  await clock.advance(1000);
  dropped = false;
  assert.deepEqual(revoked.map((lost) => lost.length), [2]);
  assert.deepEqual(commits, ["CQI_CONFLICT"]);
  // A commit without a generation is taken where the group is empty.
  assert.deepEqual(generationsOf(asked), []);
  await clock.advance(1000);
  assert.equal(asked.filter(({ name }) => name === "JoinGroup").at(-1)!.args[3], "");
  await close();
});

test("Kafka member whose heartbeats go unheard for session_timeout gives up its partitions, and not before", async () => {
  let cut = false;
  const { clock, revoked, commits, close, asked } = await run(({ name }, signal) =>
    name === "Heartbeat" && cut
      ? new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason)))
      : undefined
  );
  cut = true;
  await clock.advance(5900);
  assert.equal(revoked.length, 0);
  await clock.advance(200);
  assert.deepEqual(revoked.map((lost) => lost.length), [2]);
  assert.deepEqual(commits, ["CQI_CONFLICT"]);
  assert.deepEqual(generationsOf(asked), []);
  // The group may know it yet: as whom it was it need not wait until its own ghost is missed.
  await clock.advance(1000);
  assert.notEqual(asked.filter(({ name }) => name === "JoinGroup").at(-1)!.args[3], "");
  await close();
});

test("Kafka member that is refused every heartbeat stays for session_timeout, and is well again after", async () => {
  let away = false;
  const { clock, revoked, close } = await run(({ name }) => {
    if (name === "Heartbeat" && away) throw new Error("refused");
  });
  away = true;
  await clock.advance(5500);
  away = false;
  await clock.advance(20_000);
  assert.equal(revoked.length, 0);
  await close();
});

/** A request whose answer never comes. */
const unanswered = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason)));

test("Kafka member whose link is cut while it joins gives up its partitions after session_timeout", async () => {
  let step: "well" | "rebalance" | "cut" = "well";
  const { clock, revoked, commits, asked, close } = await run(({ name }, signal) => {
    if (step === "cut" && (name === "Heartbeat" || name === "JoinGroup")) return unanswered(signal);
    if (step === "rebalance" && name === "Heartbeat") return { errorCode: REBALANCE_IN_PROGRESS };
    if (step === "rebalance" && name === "JoinGroup") {
      step = "cut";
      return unanswered(signal);
    }
    return undefined;
  });
  const joins = (): number => asked.filter(({ name }) => name === "JoinGroup").length;
  step = "rebalance";
  await clock.advance(1000);
  assert.equal(joins(), 2);
  await clock.advance(5000);
  assert.equal(revoked.length, 0);
  await clock.advance(1100);
  assert.deepEqual(revoked.map((lost) => lost.length), [2]);
  assert.deepEqual(commits, ["CQI_CONFLICT"]);
  step = "well";
  await clock.advance(5000);
  assert(joins() > 2);
  await close();
});

test("Kafka member that joins for longer than session_timeout keeps its partitions while its heartbeats are answered", async () => {
  let left = 0;
  const { clock, revoked, asked, close } = await run(({ name }) => {
    if (left === 0) return undefined;
    if (name === "Heartbeat") return { errorCode: REBALANCE_IN_PROGRESS };
    if (name !== "SyncGroup") return undefined;
    // Another begins a rebalance each time.
    left--;
    return sleep(clock, 8000).then(() => ({ errorCode: REBALANCE_IN_PROGRESS }));
  });
  left = 2;
  await clock.advance(30_000);
  assert.equal(left, 0);
  assert.equal(revoked.length, 0);
  assert(asked.filter(({ name }) => name === "Heartbeat").length >= 25);
  await close();
});

test("Kafka member is heard by what answers its joins, where its heartbeats are refused", async () => {
  let left = 0;
  const { clock, revoked, close } = await run(({ name }) => {
    if (left === 0) return undefined;
    if (name === "Heartbeat") {
      if (left === 3) {
        left--;
        return { errorCode: REBALANCE_IN_PROGRESS };
      }
      throw new Error("refused");
    }
    if (name !== "SyncGroup") return undefined;
    return sleep(clock, 5500).then(() => {
      left--;
      return { errorCode: REBALANCE_IN_PROGRESS };
    });
  });
  left = 3;
  await clock.advance(20_000);
  assert.equal(left, 0);
  assert.equal(revoked.length, 0);
  await close();
});

test("K19: a wall clock that jumps by an hour either way costs a Kafka member nothing and makes no storm", async () => {
  const { clock, revoked, asked, close } = await run(() => undefined);
  const beats = (): number => asked.filter(({ name }) => name === "Heartbeat").length;
  for (const hours of [1, -1, -1, 1]) {
    const before = [beats(), asked.length] as const;
    clock.jump(hours * 3_600_000);
    await clock.advance(10_000);
    assert.equal(beats() - before[0], 10);
    assert(asked.length - before[1] < 60, `${asked.length - before[1]} requests`);
  }
  assert.equal(revoked.length, 0);
  await close();
});
