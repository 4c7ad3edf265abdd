import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { HEADER } from "../../bus/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { collector, freshGroup, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { openOn, turn, until } from "./_kit.ts";

const quick = {
  retry: {
    maxAttempts: 2,
    initialDelay: { nanos: 1_000_000 },
    maxDelay: { nanos: 5_000_000 },
  },
};

for (
  const [what, refuse] of [
    ["refuses each record", (count: number) =>
      Promise.resolve(
        Array.from(
          { length: count },
          () => new CqiError("CQI_BUS_UNAVAILABLE", "Cannot write: not authorised"),
        ),
      )],
    ["rejects", () => Promise.reject(new Error("no leader"))],
  ] as const
) {
  test(`B3 while the dead-letter topic ${what} the offset stays, and all goes on once it is back`, async () => {
    const broker = createBroker({ partitions: 1 });
    const logger = testLogger();
    let down = true;
    let refused = 0;
    await using bus = await openOn(broker, quick, {
      logger,
      faults: {
        send(records, pass) {
          if (!down || !records[0]!.topic.endsWith(".dlq")) return pass();
          refused++;
          return refuse(records.length);
        },
      },
    });
    const prices = freshTopic();
    const group = freshGroup();
    const got = collector<string>();
    await bus.subscribe(prices, (event, { key }) => {
      if (numberOf(event) === 0) throw new Error("poison");
      got.add(`${key}${numberOf(event)}`);
    }, { group });
    const publish = (key: string, n: bigint) =>
      bus.publish(prices, aPriceUpdated({ sequence: n }), { key });
    await publish("bad", 0n);
    await publish("bad", 1n);
    for (const n of [2n, 3n, 4n]) await publish("good", n);
    await until(() => got.seen.length === 3 && refused > 3, "four refusals");
    assert.deepEqual(got.seen, ["good2", "good3", "good4"]);
    assert.deepEqual([...new Set(broker.groups.get(group)!.committed.values())], [0]);
    logger.expect({ level: "error", message: /Dead letter cannot be written/ });
    down = false;
    await got.until((seen) => seen.length === 4);
    assert.equal(got.seen[3], "bad1");
    for await (const { headers } of bus.records(`${prices.name}.dlq`)) {
      assert.equal(headers.get(HEADER.dlqReason), "exhausted");
      break;
    }
  });
}

test("B3 a restart while the dead-letter topic is down brings the event again", async () => {
  const broker = createBroker();
  const prices = freshTopic();
  const down = await openOn(broker, quick, {
    logger: testLogger(),
    faults: {
      send: (records, pass) =>
        records[0]!.topic.endsWith(".dlq") ? Promise.reject(new Error("down")) : pass(),
    },
  });
  const tries = collector<number>();
  await down.subscribe(prices, (_event, { attempt }) => {
    tries.add(attempt);
    throw new Error("poison");
  }, { group: "g" });
  await down.publish(prices, aPriceUpdated());
  await tries.until((seen) => seen.length === 2);
  await down.close();
  await using up = await openOn(broker, quick);
  const got = collector<number>();
  await up.subscribe(prices, (event) => got.add(numberOf(event)), { group: "g" });
  assert.deepEqual(await got.until((seen) => seen.length === 1), [0]);
});

test("dead_letter.enabled false holds the key, retries without end, and loses nothing", async () => {
  const broker = createBroker({ partitions: 1 });
  await using bus = await openOn(broker, { ...quick, deadLetter: { enabled: false } });
  const prices = freshTopic();
  let broken = true;
  const tries = collector<number>();
  const got = collector<string>();
  await bus.subscribe(prices, (event, { key, attempt }) => {
    if (key === "bad" && broken) {
      tries.add(attempt);
      throw new Error("not yet");
    }
    got.add(`${key}${numberOf(event)}`);
  });
  const keys = ["bad", "bad", "good"];
  for (const [n, key] of keys.entries()) {
    await bus.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key });
  }
  await tries.until((seen) => seen.length > 10);
  assert.deepEqual(got.seen, ["good2"]);
  broken = false;
  assert.deepEqual(await got.until((seen) => seen.length === 3), ["good2", "bad0", "bad1"]);
  assert.ok(broker.topic(`${prices.name}.dlq`).logs.every(({ records }) => records.length === 0));
});

test("dead_letter.enabled false holds a poison event until another version handles it", async () => {
  const broker = createBroker({ partitions: 1 });
  const prices = freshTopic();
  const old = await openOn(broker, { ...quick, deadLetter: { enabled: false } }, {
    logger: testLogger(),
  });
  const seen = collector<number>();
  await old.subscribe(prices, (event) => {
    seen.add(numberOf(event));
    throw new CqiError("CQI_BUS_PERMANENT", "Cannot book it");
  }, { group: "g" });
  await old.publish(prices, aPriceUpdated({ sequence: 7n }), { key: "k" });
  await old.publish(prices, aPriceUpdated({ sequence: 8n }), { key: "k" });
  await seen.until((all) => all.length === 1);
  await old.close();
  assert.deepEqual(seen.seen, [7]);
  await using fixed = await openOn(broker);
  const got = collector<number>();
  await fixed.subscribe(prices, (event) => got.add(numberOf(event)), { group: "g" });
  assert.deepEqual(await got.until((all) => all.length === 2), [7, 8]);
});

for (
  const [what, deadLetter, name] of [
    ["topic_suffix", { topicSuffix: "_failed" }, (topic: string) => `${topic}_failed`],
    ["topic", { topic: "cqpm.dlq" }, () => "cqpm.dlq"],
  ] as const
) {
  test(`dead_letter.${what} says where dead letters go, behind topic_prefix`, async () => {
    await using bus = await openOn(createBroker(), { ...quick, deadLetter, topicPrefix: "f1." });
    const prices = freshTopic();
    await bus.subscribe(prices, () => {
      throw new Error("poison");
    });
    await bus.publish(prices, aPriceUpdated());
    for await (const { topic, headers } of bus.records(name(prices.name))) {
      assert.equal(topic, `f1.${name(prices.name)}`);
      assert.equal(headers.get(HEADER.dlqTopic), `f1.${prices.name}`);
      break;
    }
  });
}

test("row 8 sixteen keys in retry and more hold up no other key", async () => {
  await using bus = await openOn(createBroker(), {
    concurrency: 16,
    retry: { maxAttempts: 100, initialDelay: { seconds: 3600n }, jitter: "none" },
    drainTimeout: { nanos: 1_000_000 },
  });
  const prices = freshTopic();
  const failed = collector<string>();
  const got = collector<string>();
  await bus.subscribe(prices, (_event, { key }) => {
    if (key!.startsWith("bad")) {
      failed.add(key!);
      throw new Error("for an hour");
    }
    got.add(key!);
  });
  for (let n = 0; n < 40; n++) await bus.publish(prices, aPriceUpdated(), { key: `bad${n}` });
  for (let n = 0; n < 40; n++) await bus.publish(prices, aPriceUpdated(), { key: `good${n}` });
  await got.until((seen) => seen.length === 40);
  assert.equal(failed.seen.length, 40);
});

test("B3 a dead letter whose answer is lost is written again, and its event never handled again", async () => {
  const broker = createBroker();
  let lost = 1;
  await using bus = await openOn(broker, quick, {
    logger: testLogger(),
    faults: {
      async send(records, pass) {
        const outcomes = await pass();
        if (records[0]!.topic.endsWith(".dlq") && lost-- > 0) throw new Error("connection lost");
        return outcomes;
      },
    },
  });
  const prices = freshTopic();
  const tries = collector<number>();
  await bus.subscribe(prices, (_event, { attempt }) => {
    tries.add(attempt);
    throw new Error("poison");
  });
  await bus.publish(prices, aPriceUpdated());
  const letters: string[] = [];
  for await (const { headers } of bus.records(`${prices.name}.dlq`)) {
    letters.push(`${headers.get(HEADER.dlqOffset)}`);
    if (letters.length === 2) break;
  }
  assert.deepEqual(letters, ["0", "0"]);
  assert.deepEqual(tries.seen, [1, 2]);
});

test("row 10 a dead letter's message shows no secret", async () => {
  const canary = "cqi-canary-4f1d9c";
  await using bus = await openOn(createBroker(), quick);
  const prices = freshTopic();
  await bus.subscribe(prices, () => {
    throw new Error(
      `connect to postgres://app:${canary}@db.internal/book failed, password=${canary}`,
    );
  });
  await bus.publish(prices, aPriceUpdated());
  const box = bus.deadLetters(prices);
  await until(async () => (await box.list()).length === 1, "the dead letter");
  const [letter] = await box.list();
  assert.match(letter!.message, /connect to postgres:/);
  assert.equal(letter!.message.includes(canary), false);
});

test("row 14 a key in retry with more events behind it than max_in_flight holds up no other key", async () => {
  const clock = fakeClock();
  const broker = createBroker({ partitions: 1 });
  const retry = { maxAttempts: 100, initialDelay: { seconds: 60n }, maxDelay: { seconds: 60n } };
  await using bus = await openOn(broker, { retry, maxInFlight: 20, concurrency: 4 }, { clock });
  const prices = freshTopic();
  const others = collector<number>();
  await bus.subscribe(prices, (event, { key }) => {
    if (key === "bad") throw new Error("no");
    others.add(numberOf(event));
  }, { group: freshGroup() });
  // 100 of the failing key, and between and behind them 50 of others.
  for (let n = 0; n < 150; n++) {
    const key = n % 3 < 2 ? "bad" : `k${n}`;
    await bus.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key });
  }
  for (let n = 0; n < 50 && others.seen.length < 50; n++) await turn();
  assert.equal(others.seen.length, 50);
});
