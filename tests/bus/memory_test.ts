import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Broker, createBroker } from "../../bus/drivers/_memory_broker.ts";
import { createDriver } from "../../bus/drivers/memory.ts";
import { type BusRecord, open, type RecordToSend, topic } from "../../bus/mod.ts";
import { instruments } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { EventBusConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { freshGroup, freshTopic, numberOf, publishNumbers } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { memoryDrivers, openOn, turn, until } from "./_kit.ts";

/** Numbers of all events on a topic, by reading as many as its logs hold. */
function heldOn(broker: Broker, name: string): readonly BusRecord[] {
  return broker.topic(name).logs.flatMap(({ records, start }) =>
    records.slice(start) as BusRecord[]
  );
}

test("retention_records drops the oldest of each partition once nobody waits for them", async () => {
  const broker = createBroker({ partitions: 1, retentionRecords: 3 });
  await using bus = await openOn(broker);
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 10);
  assert.deepEqual(heldOn(broker, prices.name).map(({ offset }) => offset), [7n, 8n, 9n]);
  const seen: number[] = [];
  for await (const { event } of bus.subscribe(prices)) {
    seen.push(numberOf(event));
    if (seen.length === 3) break;
  }
  assert.deepEqual(seen, [7, 8, 9]);
});

test("retention_bytes bounds a topic over all its partitions, oldest first", async () => {
  const broker = createBroker({ partitions: 3, retentionBytes: 8192 });
  await using bus = await openOn(broker);
  const prices = freshTopic();
  for (let n = 0; n < 60; n++) await publishNumbers(bus, prices, n, n + 1, () => `k${n % 9}`);
  const { bytes } = broker.topic(prices.name);
  assert.ok(bytes <= 8192 && bytes > 6000, `${bytes} bytes held`);
  const held = heldOn(broker, prices.name);
  assert.ok(held.length > 5 && held.length < 30, `${held.length} held`);
  const other = freshTopic();
  await publishNumbers(bus, other, 0, 1);
  assert.ok(broker.topic(other.name).bytes < 1000);
});

test("retention_bytes never refuses one record, and counts back to nothing", async () => {
  const broker = createBroker({ partitions: 1, retentionBytes: 16 });
  await using bus = await openOn(broker);
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 3);
  assert.deepEqual(heldOn(broker, prices.name).map(({ offset }) => offset), [2n]);
});

test("retention_bytes makes publishers wait for a running group, as the number does", async () => {
  const broker = createBroker({ partitions: 1, retentionBytes: 4096 });
  await using bus = await openOn(broker);
  const prices = freshTopic();
  const gate = Promise.withResolvers<void>();
  const seen: number[] = [];
  await bus.subscribe(prices, async (event) => {
    await gate.promise;
    seen.push(numberOf(event));
  });
  let written = false;
  const all = publishNumbers(bus, prices, 0, 40).then(() => written = true);
  await until(() => broker.topic(prices.name).bytes > 3500, "a full topic");
  for (let n = 0; n < 50; n++) await turn();
  assert.equal(written, false);
  gate.resolve();
  await all;
  await until(() => seen.length >= 40, "40 events");
  assert.deepEqual(seen, [...Array(40).keys()]);
});

test("what would fit behind an event of its key that did not is not written", async () => {
  const broker = createBroker({ partitions: 1, retentionBytes: 1000 });
  const name = freshTopic().name;
  const driver = await createDriver(create(EventBusConfigSchema, {}), instruments(), broker);
  // A group that commits nothing: what is on the log stays there.
  await driver.consume({ group: "g", topics: new Map([[name, "earliest"]]) }, {
    records: () => Promise.resolve(),
    revoked: () => Promise.resolve(),
    state: () => {},
  });
  const record = (key: string, bytes: number): RecordToSend => ({
    topic: name,
    key,
    value: new Uint8Array(bytes),
    headers: new Map(),
    timestampMs: 0,
  });
  const deadline = new AbortController();
  const sending = driver.send(
    [record("k", 800), record("k", 900), record("k", 10), record("other", 10)],
    { signal: deadline.signal },
  );
  await turn();
  deadline.abort();
  const outcomes = await sending;
  assert.deepEqual(
    outcomes.map((outcome) => outcome instanceof CqiError ? outcome.code : "written"),
    ["written", "CQI_BUS_BUFFER_FULL", "CQI_BUS_UNAVAILABLE", "written"],
  );
  await driver.close();
});

test("retention lets records go by age, by the clock of the bus", async () => {
  const clock = fakeClock();
  await using bus = await open({ memory: { partitions: 1, retention: { seconds: 60n } } }, {
    drivers: memoryDrivers,
    clock,
  });
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 2);
  await clock.advance(59_000);
  await publishNumbers(bus, prices, 2, 3);
  await clock.advance(1_000);
  for await (const { event, offset } of bus.subscribe(prices)) {
    assert.deepEqual([numberOf(event), offset], [2, 2n]);
    break;
  }
});

test("retention by age waits for a running group too", async () => {
  const clock = fakeClock();
  await using bus = await open({ memory: { partitions: 1, retention: { seconds: 60n } } }, {
    drivers: memoryDrivers,
    clock,
  });
  const prices = freshTopic();
  const held = await bus.subscribe(prices, () => {}, { group: "g" });
  held.pause();
  await publishNumbers(bus, prices, 0, 1);
  await clock.advance(3_600_000);
  await publishNumbers(bus, prices, 1, 2);
  const seen: number[] = [];
  for await (const { event } of bus.subscribe(prices)) {
    seen.push(numberOf(event));
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, [0, 1]);
});

test("topics sets partitions and retention of one topic, behind topic_prefix", async () => {
  const clock = fakeClock();
  await using bus = await open({
    topicPrefix: "f1.",
    memory: { partitions: 2 },
    topics: [{ name: "wide", partitions: 40, retention: { seconds: 10n } }],
  }, { drivers: memoryDrivers, clock });
  const wide = topic(PriceUpdatedSchema, { name: "wide" });
  const partitionsOf = async (target: typeof wide): Promise<number> => {
    const all = await Promise.all(
      Array.from({ length: 400 }, () => bus.publish(target, aPriceUpdated(), { key: null })),
    );
    return new Set(all.map(({ partition }) => partition)).size;
  };
  assert.equal(await partitionsOf(wide), 40);
  assert.equal(await partitionsOf(freshTopic()), 2);
  await clock.advance(10_000);
  const last = await bus.publish(wide, aPriceUpdated(), { key: "k" });
  for await (const { offset } of bus.subscribe(wide)) {
    assert.equal(offset, last.offset);
    break;
  }
});

test("lag counts from where the group began, not from the start of the log", async () => {
  await using bus = await openOn(createBroker());
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 10);
  const held = await bus.subscribe(prices, () => {}, { group: "late", startAt: "latest" });
  held.pause();
  await publishNumbers(bus, prices, 10, 13);
  assert.deepEqual(await bus.lag(), [{ group: "late", topic: prices.name, lag: 3n }]);
});

test("commit refuses a partition that is no longer owned", async () => {
  const broker = createBroker({ partitions: 1 });
  const driver = createDriver({} as never, instruments(), broker);
  const sink = { records: () => Promise.resolve(), revoked: () => Promise.resolve(), state() {} };
  const topics = new Map([["t", "earliest"] as const]);
  const consumer = await driver.consume({ group: "g", topics }, sink);
  const position = { topic: "t", partition: 0, offset: 1n };
  await consumer.commit([position]);
  await consumer.close();
  await assert.rejects(consumer.commit([position]), { code: "CQI_CONFLICT" });
  await driver.close();
});

test("go-peer 7 a slow group blocks neither publishers below the bound nor other groups nor close", async () => {
  const broker = createBroker();
  const bus = await openOn(broker, { drainTimeout: { nanos: 5_000_000 } });
  const prices = freshTopic();
  await bus.subscribe(prices, () => new Promise(() => {}), { group: freshGroup() });
  const done = Promise.withResolvers<void>();
  let count = 0;
  await bus.subscribe(prices, () => {
    if (++count === 500) done.resolve();
  }, { group: freshGroup() });
  await publishNumbers(bus, prices, 0, 500, (n) => `k${n}`);
  await done.promise;
  await bus.close();
});
