import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { CqiError } from "../../errors/mod.ts";
import { collector, freshGroup, freshTopic, numberOf, range } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { openOn, settledBy, turn, until } from "./_kit.ts";

test("B8 after close no timer is pending, whatever was under way", async () => {
  const clock = fakeClock();
  const broker = createBroker();
  const bus = await openOn(broker, { retry: { maxAttempts: 100 } }, { clock });
  const [fails, hangs, fine, read] = [freshTopic(), freshTopic(), freshTopic(), freshTopic()];
  await bus.subscribe(fails, () => Promise.reject(new Error("later")));
  await bus.subscribe(hangs, () => new Promise(() => {}));
  const paused = await bus.subscribe(fine, () => {});
  paused.pause();
  const reading = bus.records(read.name)[Symbol.asyncIterator]().next();
  for (const topic of [fails, hangs, fine]) await bus.publish(topic, aPriceUpdated());
  await turn();
  assert.ok(clock.pending > 0);
  const closing = bus.close();
  await clock.advance(10_000);
  await closing;
  assert.equal((await reading).done, true);
  assert.equal(clock.pending, 0);
  assert.deepEqual([...broker.groups.values()].map(({ members }) => members.length), [0]);
  assert.ok(broker.topic(hangs.name).logs.every((log) => log.floors.size === 0));
});

test("B8 a bus that was opened and closed and nothing else leaves nothing", async () => {
  const clock = fakeClock();
  const bus = await openOn(createBroker(), {}, { clock });
  await bus.close();
  assert.equal(clock.pending, 0);
});

// The child imports the library as a user would, publishes, handles, closes, and must end by itself.
test("B8 a process ends by itself once its bus is closed", async () => {
  const file = fileURLToPath(new URL("./fixtures/close_and_end.ts", import.meta.url));
  const flags = "Deno" in globalThis ? ["run", "-A", "--no-check", file] : [file];
  const { stdout } = await new Promise<{ stdout: string }>((resolve, reject) =>
    execFile(process.execPath, flags, { timeout: 20_000 }, (error, out, err) => {
      if (error === null) resolve({ stdout: out });
      else reject(new Error(`${error.message}\n${err}`));
    })
  );
  const { afterCloseMs } = JSON.parse(stdout.trim().split("\n").at(-1)!);
  assert.ok(afterCloseMs < 1000, `ended ${afterCloseMs} ms after close`);
});

test("K16 a handler in hand may publish while the bus closes, and its event is done with", async () => {
  const broker = createBroker();
  const bus = await openOn(broker);
  await using next = await openOn(broker);
  const [prices, after] = [freshTopic(), freshTopic()];
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  await bus.subscribe(prices, async (event) => {
    started.resolve();
    await gate.promise;
    await bus.publish(after, { price: event.price! });
  }, { group: "g" });
  await bus.publish(prices, aPriceUpdated());
  await started.promise;
  const closing = bus.close();
  gate.resolve();
  await closing;
  const again = collector<number>();
  await next.subscribe(prices, (event) => again.add(numberOf(event)), { group: "g" });
  for await (const { event } of next.subscribe(after)) {
    assert.equal(numberOf(event), 0);
    break;
  }
  await turn();
  assert.deepEqual(again.seen, []);
  assert.ok(broker.topic(`${prices.name}.dlq`).logs.every(({ records }) => records.length === 0));
});

test("K16 what fails while the bus closes is left to the next owner, not dead-lettered", async () => {
  const broker = createBroker();
  const bus = await openOn(broker);
  await using next = await openOn(broker);
  const prices = freshTopic();
  const started = collector<number>();
  const gate = Promise.withResolvers<void>();
  await bus.subscribe(prices, async (event) => {
    started.add(numberOf(event));
    await gate.promise;
    throw new CqiError("CQI_CLOSED", "Cannot query: the database is closed");
  }, { group: "g" });
  for (const n of range(20)) {
    await bus.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key: `k${n}` });
  }
  await started.until((seen) => seen.length === 16);
  const closing = bus.close();
  gate.resolve();
  await closing;
  const got = collector<number>();
  await next.subscribe(prices, (event) => got.add(numberOf(event)), { group: "g" });
  await got.until((seen) => new Set(seen).size === 20);
  assert.ok(broker.topic(`${prices.name}.dlq`).logs.every(({ records }) => records.length === 0));
});

test("K16 closing takes in nothing new and leaves no event half done", async () => {
  const broker = createBroker();
  const bus = await openOn(broker, { concurrency: 20 });
  const prices = freshTopic();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  await bus.subscribe(prices, async (event) => {
    log.push(`start ${numberOf(event)}`);
    await gate.promise;
    log.push(`end ${numberOf(event)}`);
  }, { group: "g" });
  for (const n of range(60)) {
    await bus.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key: `k${n}` });
  }
  await until(() => log.length === 20);
  const closing = bus.close();
  gate.resolve();
  await closing;
  assert.equal(log.length, 40);
  const committed = [...broker.groups.get("g")!.committed.values()].reduce((a, b) => a + b, 0);
  assert.ok(committed <= 20 && committed > 0, `${committed} committed`);
});

for (
  const [what, faults] of [
    ["whose commits are never answered", { commit: () => new Promise<void>(() => {}) }],
    ["whose consumer never says that it gave up", { revoked: () => new Promise<void>(() => {}) }],
    ["whose driver never closes", { close: () => new Promise<void>(() => {}) }],
    ["that never takes a record", { send: () => new Promise<never>(() => {}) }],
    ["that answers nothing at all", {
      commit: () => new Promise<void>(() => {}),
      send: () => new Promise<never>(() => {}),
      close: () => new Promise<void>(() => {}),
    }],
  ] as const
) {
  test(`K16 closing ends within drain_timeout on a broker ${what}`, async () => {
    const clock = fakeClock();
    const broker = createBroker();
    await using maker = await openOn(broker);
    const logger = testLogger();
    const bus = await openOn(broker, { drainTimeout: { seconds: 5n } }, { clock, faults, logger });
    const prices = freshTopic();
    const handled = collector<number>();
    await maker.publish(prices, aPriceUpdated());
    await bus.subscribe(prices, (event) => handled.add(numberOf(event)), { group: freshGroup() });
    await handled.until((seen) => seen.length === 1);
    const lost = bus.publish(freshTopic(), aPriceUpdated()).catch((error) => error);
    await turn();
    const { afterMs } = await settledBy(clock, bus.close(), 250, 60_000);
    assert.ok(afterMs <= 5_000, `took ${afterMs} ms`);
    await clock.advance(60_000);
    await lost;
    assert.equal(clock.pending, 0);
  });
}

test("M1 closing while others of the group work does not wait for them", async () => {
  const clock = fakeClock();
  const broker = createBroker();
  const [one, two] = [await openOn(broker, {}, { clock }), await openOn(broker, {}, { clock })];
  const prices = freshTopic();
  const stuck = () => new Promise<void>(() => {});
  await one.subscribe(prices, stuck, { group: "g", timeout: "1h" });
  for (const n of range(30)) await one.publish(prices, aPriceUpdated(), { key: `k${n}` });
  const idle = await openOn(broker, {}, { clock });
  const sub = await idle.subscribe(freshTopic(), () => {}, { group: "g" });
  const { afterMs } = await settledBy(clock, sub.close(), 100, 60_000);
  assert.equal(afterMs, 0);
  const closing = Promise.all([one.close(), two.close(), idle.close()]);
  await clock.advance(60_000);
  await closing;
});
