import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import type * as bus from "../../bus/mod.ts";
import { HEADER } from "../../bus/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { collector, freshGroup, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { type Faults, openOn, settledBy } from "./_kit.ts";

const quick = { retry: { maxAttempts: 2, initialDelay: { nanos: 1_000_000 } } };

// A group that fails for the numbers of a list, and what it handled.
async function failing(events: bus.Bus, prices: ReturnType<typeof freshTopic>, bad: number[]) {
  const group = freshGroup();
  const got = collector<number>();
  await events.subscribe(prices, (event) => {
    if (bad.includes(numberOf(event))) throw new CqiError("CQI_BUS_PERMANENT", "Cannot book it");
    got.add(numberOf(event));
  }, { group });
  return { group, got };
}

const send = (events: bus.Bus, prices: ReturnType<typeof freshTopic>, n: number, key = "k") =>
  events.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key });

const sequences = (letters: readonly bus.DeadLetter[]) =>
  letters.map(({ origin }) => Number(origin.offset));

test("deadLetters lists why, whence, how often and what, oldest first, by group, reason and key", async () => {
  const broker = createBroker({ partitions: 1 });
  await using events = await openOn(broker, quick);
  const prices = freshTopic();
  const one = await failing(events, prices, [0, 1, 2]);
  const two = await failing(events, prices, [1]);
  for (const [n, key] of [[0, "a"], [1, "b"], [2, "a"], [3, "a"]] as const) {
    await send(events, prices, n, key);
  }
  await one.got.until((seen) => seen.includes(3));
  await two.got.until((seen) => seen.includes(3));
  const box = events.deadLetters(prices);
  const all = await box.list();
  assert.equal(all.length, 4);
  assert.deepEqual(sequences(await box.list({ group: one.group })), [0, 1, 2]);
  assert.deepEqual(sequences(await box.list({ group: one.group, key: "a" })), [0, 2]);
  assert.deepEqual(sequences(await box.list({ group: one.group, limit: 1 })), [0]);
  assert.deepEqual(await box.list({ reason: "undecodable" }), []);
  assert.deepEqual(await box.list({ error: "CQI_BUS_PERMANENT", since: new Date(8e15) }), []);
  assert.equal((await box.list({ where: ({ attempts }) => attempts === 1 })).length, 4);
  const [{ id: _, timestampMs: __, stackHash, headers, value, eventId, ...first } = assert.fail()] =
    await box.list({ group: one.group });
  assert.match(stackHash ?? "", /^[0-9a-f]{8}$/);
  assert.equal(headers.has(HEADER.dlqReason), false);
  assert.equal(headers.get(HEADER.id), eventId);
  const record = await firstOn(events, prices.name);
  assert.deepEqual(value, record.value);
  assert.deepEqual([...headers], [...record.headers]);
  assert.deepEqual(first, {
    copies: [],
    state: "open",
    note: undefined,
    reason: "permanent",
    error: "CQI_BUS_PERMANENT",
    message: "Cannot book it",
    attempts: 1,
    replays: 0,
    group: one.group,
    origin: { topic: prices.name, partition: 0, offset: 0n, timestampMs: record.timestampMs },
    type: "cqc.events.v1.PriceUpdated",
    key: "a",
  });
});

async function firstOn(events: bus.Bus, topic: string): Promise<bus.BusRecord> {
  for await (const record of events.records(topic)) return record;
  throw new Error("The stream ended without a record");
}

test("deadLetters replay publishes for the group that failed alone, with key, bytes and headers as they were", async () => {
  const broker = createBroker({ partitions: 1 });
  await using events = await openOn(broker, quick);
  const prices = freshTopic();
  const bad = [0];
  const one = await failing(events, prices, bad);
  const two = await failing(events, prices, []);
  const sent = await send(events, prices, 0, "a");
  await send(events, prices, 1, "a");
  await one.got.until((seen) => seen.includes(1));
  bad.length = 0;
  const box = events.deadLetters(prices);
  assert.deepEqual(await box.replay({}), { replayed: 1, parked: 0, passed: 0 });
  assert.deepEqual(await one.got.until((seen) => seen.includes(0)), [1, 0]);
  await send(events, prices, 2, "a");
  assert.deepEqual(await two.got.until((seen) => seen.includes(2)), [0, 1, 2]);
  const records: bus.BusRecord[] = [];
  for await (const record of events.records(prices.name)) {
    if (records.push(record) === 3) break;
  }
  const { headers, key, value } = records[2]!;
  assert.equal(key, "a");
  assert.deepEqual(value, records[0]!.value);
  assert.equal(headers.get(HEADER.id), sent.eventId);
  assert.equal(headers.get(HEADER.replayCount), "1");
  assert.equal(headers.get(HEADER.replayOf), `${prices.name}/0/0`);
  assert.equal(headers.get(HEADER.replayGroup), one.group);
  assert.equal([...headers.keys()].some((name) => name.startsWith("cqc_dlq_")), false);
});

test("deadLetters replay may be repeated: what is done is passed over", async () => {
  await using events = await openOn(createBroker({ partitions: 2 }), quick);
  const prices = freshTopic();
  const bad = [0, 1, 2];
  const one = await failing(events, prices, bad);
  for (const n of [0, 1, 2, 3]) await send(events, prices, n);
  await one.got.until((seen) => seen.includes(3));
  bad.length = 0;
  const box = events.deadLetters(prices);
  const letters = await box.list();
  assert.equal((await box.replay(letters)).replayed, 3);
  assert.deepEqual(await box.replay(letters), { replayed: 0, parked: 0, passed: 3 });
  assert.deepEqual(await box.replay({}), { replayed: 0, parked: 0, passed: 0 });
  assert.deepEqual(await one.got.until((seen) => seen.length === 4), [3, 0, 1, 2]);
  assert.equal((await box.list({ state: "replayed" })).length, 3);
});

test("deadLetters replay parks what came back too often, and counts attempts anew", async () => {
  await using events = await openOn(createBroker({ partitions: 1 }), quick);
  const prices = freshTopic();
  const attempts = collector<number>();
  await events.subscribe(prices, (_event, { attempt }) => {
    attempts.add(attempt);
    throw new Error("never");
  });
  await send(events, prices, 0);
  const box = events.deadLetters(prices);
  const open = async (count: number): Promise<readonly bus.DeadLetter[]> => {
    for (;;) {
      const letters = await box.list();
      if (letters[0]?.replays === count) return letters;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  for (const replays of [0, 1]) {
    await open(replays);
    assert.equal((await box.replay({}, { maxReplays: 2 })).replayed, 1);
  }
  await open(2);
  const report = await box.replay({}, { maxReplays: 2 });
  assert.deepEqual(report, { replayed: 0, parked: 1, passed: 0 });
  assert.deepEqual(attempts.seen, [1, 2, 1, 2, 1, 2]);
  assert.deepEqual(await box.list(), []);
  const [parked] = await box.list({ state: "parked" });
  assert.equal(parked?.note, "replayed 2 times");
  assert.equal(parked?.replays, 2);
});

test("deadLetters park and purge take letters out of the open ones, and say why", async () => {
  await using events = await openOn(createBroker({ partitions: 3 }), quick);
  const prices = freshTopic();
  const one = await failing(events, prices, [0, 1, 2]);
  for (const n of [0, 1, 2, 3]) await send(events, prices, n, `k${n}`);
  await one.got.until((seen) => seen.includes(3));
  const box = events.deadLetters(prices);
  const [first, second] = await box.list();
  assert.equal(await box.park([first!], { note: "ask\nthe venue" }), 1);
  assert.equal(await box.purge([second!]), 1);
  assert.equal((await box.list()).length, 1);
  const [parked] = await box.list({ state: "parked" });
  assert.deepEqual([parked?.id, parked?.note], [first!.id, "ask the venue"]);
  assert.deepEqual((await box.list({ state: "purged" })).map(({ id }) => id), [second!.id]);
  assert.equal((await box.list({ state: "any" })).length, 3);
  // A parked letter may still be replayed when it is named.
  assert.equal((await box.replay([parked!])).replayed, 1);
});

test("deadLetters counts a letter that was written twice once, and marks both copies", async () => {
  const broker = createBroker({ partitions: 1 });
  let twice = true;
  await using events = await openOn(broker, quick, {
    faults: {
      async send(records, pass) {
        if (!twice || !records[0]!.topic.endsWith(".dlq")) return await pass();
        twice = false;
        await pass();
        return records.map(() => new CqiError("CQI_BUS_UNAVAILABLE", "Cannot say"));
      },
    },
  });
  const prices = freshTopic();
  const one = await failing(events, prices, [0]);
  await send(events, prices, 0);
  await send(events, prices, 1);
  await one.got.until((seen) => seen.includes(1));
  const box = events.deadLetters(prices);
  const [letter, ...others] = await box.list();
  assert.deepEqual(others, []);
  assert.deepEqual(letter?.copies, ["0/1"]);
  assert.equal(await box.purge([letter!]), 1);
  assert.deepEqual(await box.list(), []);
});

test("deadLetters of one topic are apart from those of another on a shared dead-letter topic", async () => {
  const section = { ...quick, topicPrefix: "desk.", deadLetter: { topic: "lost" } };
  await using events = await openOn(createBroker(), section);
  const [here, there] = [freshTopic(), freshTopic()];
  for (const prices of [here, there]) {
    const one = await failing(events, prices, [0]);
    await send(events, prices, 0);
    await send(events, prices, 1);
    await one.got.until((seen) => seen.includes(1));
  }
  const box = events.deadLetters(here);
  assert.equal(box.topic, "desk.lost");
  assert.deepEqual((await box.list()).map(({ origin }) => origin.topic), [`desk.${here.name}`]);
});

test("deadLetters passes over records that are no letters, and bytes of any kind in their headers", async () => {
  const broker = createBroker({ partitions: 1 });
  await using events = await openOn(broker, quick);
  const prices = freshTopic();
  const topic = `${prices.name}.dlq`;
  const hostile = ["", "-1", "1e3", "9".repeat(400), "\u0000", new Uint8Array([255])];
  const record = { topic, key: null, value: null, timestampMs: 1 };
  const write = (headers: Map<string, bus.HeaderValue>) =>
    broker.append(broker.topic(topic).logs[0]!, { ...record, headers }, []);
  await write(new Map());
  for (const value of hostile) {
    await write(
      new Map([
        [HEADER.dlqReason, "exhausted"],
        [HEADER.dlqTopic, prices.name],
        [HEADER.dlqPartition, value],
        [HEADER.dlqOffset, value],
      ]),
    );
    await write(
      new Map([
        [HEADER.dlqReason, value],
        [HEADER.dlqTopic, prices.name],
        [HEADER.dlqPartition, "0"],
        [HEADER.dlqOffset, String(hostile.indexOf(value))],
        [HEADER.dlqAttempts, value],
        [HEADER.replayCount, value],
        [HEADER.dlqTimestamp, value],
      ]),
    );
  }
  const letters = await events.deadLetters(prices).list();
  // Bytes that are no text are no reason.
  assert.equal(letters.length, hostile.length - 1);
  assert.deepEqual(new Set(letters.map(({ reason }) => reason)), new Set(["unknown"]));
  assert.ok(letters.every(({ attempts, replays }) => attempts === 0 && replays === 0));
});

test("deadLetters refuses what it cannot do with an error that says so", async () => {
  await using events = await openOn(createBroker(), { deadLetter: { enabled: false } });
  assert.throws(() => events.deadLetters("a.topic"), { code: "CQI_FEATURE_UNSUPPORTED" });
  await using other = await openOn(createBroker());
  const box = other.deadLetters("a.topic");
  await assert.rejects(box.list({ limit: 0 }), { code: "CQI_OPTION_INVALID" });
  await assert.rejects(box.list({ state: "gone" as "open" }), { code: "CQI_OPTION_INVALID" });
  await assert.rejects(box.list({ since: new Date(NaN) }), { code: "CQI_OPTION_INVALID" });
  await assert.rejects(box.replay({}, { maxReplays: -1 }), { code: "CQI_OPTION_INVALID" });
  await assert.rejects(box.list({}, { signal: AbortSignal.abort() }), { name: "AbortError" });
  await other.close();
  assert.throws(() => other.deadLetters("a.topic"), { code: "CQI_CLOSED" });
});

test("deadLetters of a driver that cannot say where a log ends are read until nothing comes", async () => {
  const clock = fakeClock();
  await using events = await openOn(createBroker(), quick, { clock, faults: { bare: true } });
  const prices = freshTopic();
  const one = await failing(events, prices, [0]);
  await send(events, prices, 0);
  await send(events, prices, 1);
  await one.got.until((seen) => seen.includes(1));
  const { result } = await settledBy(clock, events.deadLetters(prices).list(), 1000, 20_000);
  assert.equal(result.status === "fulfilled" && result.value.length, 1);
});

test("deadLetters that nobody waits for any longer leave no reader behind", async () => {
  const [asked, away] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const closed = Promise.withResolvers<void>();
  const faults: Faults = {};
  await using events = await openOn(createBroker(), quick, { faults });
  const prices = freshTopic();
  const { got } = await failing(events, prices, [0]);
  await send(events, prices, 0);
  await send(events, prices, 1);
  await got.until((seen) => seen.includes(1));
  faults.consume = async (pass) => {
    asked.resolve();
    await away.promise;
    const consumer = await pass();
    return { ...consumer, close: () => consumer.close().finally(closed.resolve) };
  };
  const leaving = new AbortController();
  const listed = events.deadLetters(prices).list({}, { signal: leaving.signal });
  await asked.promise;
  leaving.abort();
  await assert.rejects(listed, { name: "AbortError" });
  away.resolve();
  await closed.promise;
});
