import type { MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { topic } from "../../bus/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { RiskAlertSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import {
  assertOrderPerKey,
  collector,
  freshGroup,
  freshTopic,
  numberOf,
  publishNumbers,
  range,
} from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { type Faults, openOn, turn, until } from "./_kit.ts";

const anAlert = (): MessageInitShape<typeof RiskAlertSchema> => ({
  alertId: crypto.randomUUID(),
  alertType: 1,
  severity: 1,
  message: "large",
  detectedAt: { seconds: 1n },
});

test("go-peer 9 two handlers of different types share a topic and group, and each gets its own", async () => {
  await using bus = await openOn(createBroker());
  const prices = freshTopic();
  const alerts = topic(RiskAlertSchema, { name: prices.name, key: () => "k" });
  const got = collector<string>();
  const group = freshGroup();
  await Promise.all([
    bus.subscribe(prices, (event) => got.add(event.$typeName), { group }),
    bus.subscribe(alerts, (event) => got.add(event.$typeName), { group }),
  ]);
  for (const _ of range(10)) {
    await bus.publish(prices, aPriceUpdated(), { key: "k" });
    await bus.publish(alerts, anAlert());
  }
  const seen = await got.until((all) => all.length === 20);
  const expected = range(20).map((n) => n % 2 ? "RiskAlert" : "PriceUpdated");
  assert.deepEqual(seen.map((name) => name.split(".").at(-1)), expected);
});

test("one of two handlers that leaves in the middle of traffic costs the other nothing", async () => {
  await using bus = await openOn(createBroker());
  const prices = freshTopic();
  const alerts = topic(RiskAlertSchema, { name: prices.name, key: () => "k" });
  const got = collector<number>();
  const group = freshGroup();
  const [, leaving] = await Promise.all([
    bus.subscribe(prices, async (event) => {
      await Promise.resolve();
      got.add(numberOf(event));
    }, { group }),
    bus.subscribe(alerts, () => {}, { group }),
  ]);
  const publishing = publishNumbers(bus, prices, 0, 1000, (n) => `k${n % 10}`);
  const alerting = Promise.all(range(100).map(() => bus.publish(alerts, anAlert())));
  await leaving!.close();
  await Promise.all([publishing, alerting]);
  await got.until((seen) => new Set(seen).size === 1000);
});

for (const bare of [false, true]) {
  const how = bare ? "by a new consumer" : "in place";
  test(`a second topic in the middle of traffic loses nothing of the first (${how})`, async () => {
    await using bus = await openOn(createBroker(), {}, { faults: { bare } });
    const [one, two] = [freshTopic(), freshTopic()];
    const group = freshGroup();
    const got = collector<{ key: string; n: number }>();
    const handler = async (
      event: Parameters<typeof numberOf>[0],
      at: { topic: string; key: string | undefined },
    ) => {
      await turn();
      got.add({ key: `${at.topic}/${at.key}`, n: numberOf(event) });
    };
    await bus.subscribe(one, handler, { group });
    const publishing = publishNumbers(bus, one, 0, 500, (n) => `k${n % 10}`);
    await turn();
    await bus.subscribe(two, handler, { group });
    await publishNumbers(bus, two, 0, 100, (n) => `k${n % 10}`);
    await publishing;
    await got.until((seen) => new Set(seen.map(({ key, n }) => `${key}/${n}`)).size === 600);
    assertOrderPerKey(got.seen);
  });
}

test("a log at its bound loses nothing while its group takes another topic or member", async () => {
  const broker = createBroker({ partitions: 2, retentionRecords: 5 });
  await using bus = await openOn(broker);
  const prices = freshTopic();
  const got = collector<number>();
  const handler = async (event: Parameters<typeof numberOf>[0]) => {
    await turn();
    got.add(numberOf(event));
  };
  await bus.subscribe(prices, handler, { group: "g" });
  const publishing = publishNumbers(bus, prices, 0, 300, (n) => `k${n % 10}`);
  for (const _ of range(5)) {
    await turn();
    await bus.subscribe(freshTopic(), () => {}, { group: "g" });
    const other = await openOn(broker);
    await other.subscribe(prices, handler, { group: "g" });
    await turn();
    await other.close();
  }
  await publishing;
  await got.until((seen) => new Set(seen).size === 300);
});

test("row 7 three buses that join and leave 20 times under load lose nothing and keep order", async () => {
  const broker = createBroker();
  await using maker = await openOn(broker);
  const prices = freshTopic();
  const got = collector<{ key: string; n: number }>();
  const handler = async (
    event: Parameters<typeof numberOf>[0],
    at: { key: string | undefined },
  ) => {
    const n = numberOf(event);
    if (n % 5 === 0) await turn();
    got.add({ key: at.key!, n });
  };
  let publishing = true;
  const load = (async () => {
    for (const batch of range(40)) {
      await publishNumbers(maker, prices, batch * 50, batch * 50 + 50, (n) => `k${n % 30}`);
      await turn();
    }
    publishing = false;
  })();
  const coming = range(3).map(async (member) => {
    for (let time = 0; time < 20 || publishing; time++) {
      const bus = await openOn(broker);
      await bus.subscribe(prices, handler, { group: "g" });
      for (const _ of range(member + 1)) await turn();
      await bus.close();
    }
  });
  await Promise.all([load, ...coming]);
  await maker.subscribe(prices, handler, { group: "g" });
  await got.until((seen) => new Set(seen.map(({ n }) => n)).size === 2000);
  assertOrderPerKey(got.seen);
  // Whoever leaves finishes what it began and what lies between, so nothing comes twice.
  assert.equal(got.seen.length, 2000);
});

test("a topic that cannot be started rejects its own subscribe and leaves the group running", async () => {
  const faults: { -readonly [K in keyof Faults]: Faults[K] } = { bare: true };
  await using bus = await openOn(createBroker(), {}, { faults, logger: testLogger() });
  const [one, two] = [freshTopic(), freshTopic()];
  const group = freshGroup();
  const got = collector<number>();
  await bus.subscribe(one, (event) => got.add(numberOf(event)), { group });
  faults.ensureTopics = () => Promise.reject(new Error("not authorised"));
  await assert.rejects(bus.subscribe(two, () => {}, { group }), /not authorised/);
  delete faults.ensureTopics;
  let refused = 0;
  faults.consume = () => ++refused > 2 ? (delete faults.consume, never()) : never();
  await assert.rejects(bus.subscribe(two, () => {}, { group }), /no broker/);
  assert.equal((await bus.check()).status, "degraded");
  await publishNumbers(bus, one, 0, 3);
  await got.until((seen) => seen.length === 3);
  // Records may come before the driver says that its consumer runs.
  await turn();
  assert.equal((await bus.check()).status, "ok");
  await bus.subscribe(two, () => {}, { group });
});

test("a driver that refuses to let go of a topic costs that topic no event, nor the rest of the group", async () => {
  const faults: { -readonly [K in keyof Faults]: Faults[K] } = {};
  await using bus = await openOn(createBroker(), {}, { faults });
  const [one, two] = [freshTopic(), freshTopic()];
  const group = freshGroup();
  const [inOne, inTwo] = [collector<number>(), collector<number>()];
  await bus.subscribe(one, (event) => inOne.add(numberOf(event)), { group });
  const leaving = await bus.subscribe(two, () => {}, { group });
  faults.change = () => Promise.reject(new CqiError("CQI_NOT_FOUND", "Topic is gone"));
  await leaving.close();
  await publishNumbers(bus, two, 0, 5);
  await publishNumbers(bus, one, 0, 3);
  await inOne.until((seen) => seen.length === 3);
  await turn();
  delete faults.change;
  await bus.subscribe(two, (event) => inTwo.add(numberOf(event)), { group });
  await inTwo.until((seen) => seen.length === 5);
  assert.deepEqual(inTwo.seen, range(5));
});

test("what a driver reads of a topic that nobody handles any more waits for the next who does", async () => {
  const broker = createBroker({ partitions: 1 });
  const faults: { -readonly [K in keyof Faults]: Faults[K] } = {};
  await using bus = await openOn(broker, {}, { faults });
  const [one, two] = [freshTopic(), freshTopic()];
  const group = freshGroup();
  await bus.subscribe(one, () => {}, { group });
  const failed = new Error("the answer was lost");
  faults.change = (pass) => pass().then(() => Promise.reject(failed));
  await assert.rejects(bus.subscribe(two, () => {}, { group }), /the answer was lost/);
  await publishNumbers(bus, two, 0, 3);
  await turn();
  assert.equal(broker.groups.get(group)!.committed.get(`${two.name}:0`), undefined);
  delete faults.change;
  const got = collector<number>();
  await bus.subscribe(two, (event) => got.add(numberOf(event)), { group });
  await got.until((seen) => seen.length === 3);
});

function never(): Promise<never> {
  return Promise.reject(new Error("no broker"));
}

test("startAt holds for each topic of a group by itself", async () => {
  await using bus = await openOn(createBroker());
  const [old, fresh] = [freshTopic(), freshTopic()];
  const group = freshGroup();
  for (const each of [old, fresh]) await publishNumbers(bus, each, 0, 3);
  const got = collector<string>();
  const note = (event: Parameters<typeof numberOf>[0], at: { topic: string }) =>
    got.add(`${at.topic === old.name ? "old" : "fresh"}${numberOf(event)}`);
  await bus.subscribe(old, note, { group });
  await bus.subscribe(fresh, note, { group, startAt: "latest" });
  await publishNumbers(bus, fresh, 3, 4);
  await got.until((seen) => seen.includes("fresh3") && seen.includes("old2"));
  await turn();
  assert.deepEqual([...got.seen].sort(), ["fresh3", "old0", "old1", "old2"]);
});

test("pausing a subscription that is closed holds up nobody after it", async () => {
  await using bus = await openOn(createBroker());
  const prices = freshTopic();
  const first = await bus.subscribe(prices, () => {}, { group: "g" });
  first.pause();
  await first.close();
  first.pause();
  const got = collector<number>();
  await bus.subscribe(prices, (event) => got.add(numberOf(event)), { group: "g" });
  await publishNumbers(bus, prices, 0, 1);
  await got.until((seen) => seen.length === 1);
});

test("go-peer 8 a paused or idle subscription closes at once, and its signal ends it", async () => {
  const broker = createBroker();
  await using bus = await openOn(broker);
  const stop = new AbortController();
  const one = await bus.subscribe(freshTopic(), () => {}, { signal: stop.signal });
  one.pause();
  stop.abort();
  await until(() => broker.groups.get("default")!.members.length === 0, "the group to be empty");
  await one.close();
});
