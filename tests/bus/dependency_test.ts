import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import type { Checkable } from "../../core/mod.ts";
import {
  collector,
  freshGroup,
  freshTopic,
  numberOf,
  publishNumbers,
} from "../../testing/_bus_kit.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { openOn, turn, until } from "./_kit.ts";

const quick = { retry: { maxAttempts: 2, initialDelay: { nanos: 1_000_000 } } };

function dependency(up: boolean): Checkable & { up: boolean; asked: number } {
  return {
    up,
    asked: 0,
    check() {
      this.asked++;
      return Promise.resolve(
        this.up ? { status: "ok" } : { status: "down", message: "no connection" },
      );
    },
  };
}

test("row 25 a dependency that goes down stops handling, uses up no attempts and buries nothing", async () => {
  const clock = fakeClock();
  await using bus = await openOn(createBroker(), quick, { clock });
  const database = dependency(true);
  const prices = freshTopic();
  const group = freshGroup();
  const calls = collector<number>();
  const done = collector<{ n: number; attempt: number }>();
  const subscription = await bus.subscribe(prices, (event, { attempt }) => {
    calls.add(numberOf(event));
    if (!database.up) throw new Error("no connection");
    done.add({ n: numberOf(event), attempt });
  }, { group, dependsOn: [database] });
  await publishNumbers(bus, prices, 0, 10, (n) => `k${n}`);
  await done.until((seen) => seen.length === 10);
  database.up = false;
  await publishNumbers(bus, prices, 10, 110, (n) => `k${n}`);
  await until(() => subscription.state === "waiting", "the pause");
  const before = calls.seen.length;
  for (let second = 0; second < 20; second++) await clock.advance(1000);
  assert.equal(calls.seen.length, before);
  assert.ok(before - 10 <= 16, `${before - 10} calls failed with 16 at once`);
  const report = await bus.check();
  assert.equal(report.status, "degraded");
  assert.match(report.message ?? "", /no connection/);
  assert.equal(report.details?.[`${group} ${prices.name}`], "waiting");
  database.up = true;
  await clock.advance(1000);
  const seen = await done.until((all) => all.length === 110);
  assert.deepEqual([...new Set(seen.map(({ attempt }) => attempt))], [1]);
  assert.equal(subscription.state, "running");
  assert.deepEqual(await bus.deadLetters(prices).list(), []);
  assert.equal((await bus.check()).status, "ok");
});

test("a subscription whose dependency is down from the start handles nothing until it is up", async () => {
  const clock = fakeClock();
  await using bus = await openOn(createBroker(), {}, { clock });
  const [first, second] = [dependency(true), dependency(false)];
  const prices = freshTopic();
  const got = collector<number>();
  await bus.subscribe(prices, (event) => got.add(numberOf(event)), { dependsOn: [first, second] });
  await publishNumbers(bus, prices, 0, 5);
  await clock.advance(3000);
  assert.deepEqual(got.seen, []);
  second.up = true;
  await clock.advance(1000);
  assert.deepEqual(await got.until((seen) => seen.length === 5), [0, 1, 2, 3, 4]);
});

test("a failure with all dependencies up is counted, and dead-lettered in the end", async () => {
  await using bus = await openOn(createBroker(), quick);
  const prices = freshTopic();
  const got = collector<number>();
  await bus.subscribe(prices, (_event, { attempt }) => {
    got.add(attempt);
    throw new Error("its own fault");
  }, { dependsOn: [dependency(true)] });
  await publishNumbers(bus, prices, 0, 1);
  await got.until((seen) => seen.length === 2);
  const box = bus.deadLetters(prices);
  await until(async () => (await box.list()).length === 1, "the dead letter");
  assert.deepEqual(got.seen, [1, 2]);
});

test("a dependency that throws, or never answers, counts as down", async () => {
  const clock = fakeClock();
  await using bus = await openOn(createBroker(), {}, { clock });
  let answer: () => Promise<{ status: "ok" }> = () => Promise.reject(new Error("refused"));
  const prices = freshTopic();
  const got = collector<number>();
  const subscription = await bus.subscribe(prices, (event) => got.add(numberOf(event)), {
    dependsOn: [{ check: () => answer() }],
  });
  await publishNumbers(bus, prices, 0, 1);
  await clock.advance(1000);
  assert.equal(subscription.state, "waiting");
  answer = () => new Promise(() => {});
  await clock.advance(20_000);
  assert.deepEqual(got.seen, []);
  answer = () => Promise.resolve({ status: "ok" });
  await clock.advance(10_000);
  assert.deepEqual(await got.until((seen) => seen.length === 1), [0]);
});

test("closing does not wait for a dependency, and leaves what was held back to the next", async () => {
  const clock = fakeClock();
  const broker = createBroker();
  const bus = await openOn(broker, quick, { clock });
  const database = dependency(true);
  const prices = freshTopic();
  const group = freshGroup();
  const started = collector<number>();
  await bus.subscribe(prices, (event) => {
    database.up = false;
    started.add(numberOf(event));
    throw new Error("gone");
  }, { group, dependsOn: [database] });
  await publishNumbers(bus, prices, 0, 3);
  await started.until((seen) => seen.length === 1);
  await turn();
  await bus.close();
  assert.equal(clock.pending, 0);
  await using next = await openOn(broker);
  const got = collector<number>();
  await next.subscribe(prices, (event) => got.add(numberOf(event)), { group });
  assert.deepEqual(await got.until((seen) => seen.length === 3), [0, 1, 2]);
});

test("resuming by hand does not start what waits for a dependency, and the other way round", async () => {
  const clock = fakeClock();
  await using bus = await openOn(createBroker(), {}, { clock });
  const database = dependency(false);
  const prices = freshTopic();
  const got = collector<number>();
  const subscription = await bus.subscribe(prices, (event) => got.add(numberOf(event)), {
    dependsOn: [database],
  });
  await publishNumbers(bus, prices, 0, 1);
  subscription.pause();
  assert.equal(subscription.state, "paused");
  subscription.resume();
  await clock.advance(2000);
  assert.deepEqual(got.seen, []);
  subscription.pause();
  database.up = true;
  await clock.advance(2000);
  assert.deepEqual(got.seen, []);
  subscription.resume();
  assert.deepEqual(await got.until((seen) => seen.length === 1), [0]);
  await subscription.close();
  assert.equal(subscription.state, "closed");
});
