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
import { instruments } from "../../core/mod.ts";
import { type FakeClock, fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { type Asked, fakeCluster, type Script, SETTINGS } from "./_kafka_cluster.ts";

const options: ConsumeOptions = { group: "g", topics: new Map([["prices", "earliest"]]) };
const UNKNOWN_MEMBER_ID = 25;

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
