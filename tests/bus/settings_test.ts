import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { type EventBusConfigInit, open, type RecordToSend } from "../../bus/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { EventBusConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { encode } from "../../contracts/mod.ts";
import { systemRandom } from "../../core/mod.ts";
import { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { collector, freshTopic, numberOf, publishNumbers } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { memoryDrivers, openOn, turn } from "./_kit.ts";

/** Who reads each field of the section. What only other drivers read says so. */
const READ_BY: Readonly<Record<string, string>> = {
  driver: "bus/_settings.ts",
  memory: "bus/drivers/memory.ts",
  kafka: "another driver",
  kafkajs: "another driver",
  options: "another driver",
  consumerGroup: "bus/_settings.ts",
  source: "bus/_settings.ts",
  contentMode: "bus/_settings.ts",
  topicPrefix: "bus/_settings.ts",
  startPosition: "bus/_settings.ts",
  consumeValidation: "bus/_settings.ts",
  unknownType: "bus/_settings.ts",
  retry: "bus/_settings.ts",
  handlerTimeout: "bus/_settings.ts",
  concurrency: "bus/_settings.ts",
  maxInFlight: "bus/_settings.ts",
  maxInFlightBytes: "bus/_settings.ts",
  maxMessageBytes: "bus/_settings.ts",
  commitInterval: "bus/_settings.ts",
  drainTimeout: "bus/_settings.ts",
  publishTimeout: "bus/_settings.ts",
  deadLetter: "bus/_settings.ts",
  // The memory driver makes every topic that is asked for.
  ensureTopics: "another driver",
  topics: "bus/drivers/memory.ts",
};

test("go-peer 16 every field of the event_bus section is read by somebody", async () => {
  const names = EventBusConfigSchema.fields.map(({ localName }) => localName);
  assert.deepEqual(Object.keys(READ_BY).sort(), [...names].sort());
  for (const [name, file] of Object.entries(READ_BY)) {
    if (file === "another driver") continue;
    const source = await readFile(new URL(`../../${file}`, import.meta.url), "utf8");
    assert.match(source, new RegExp(`config\\??\\.${name}\\b`), `${file} does not read ${name}`);
  }
});

for (
  const [what, section] of [
    ["an unknown driver", { driver: "nats" }],
    ["concurrency 0", { concurrency: 0 }],
    ["a negative timeout", { handlerTimeout: { seconds: -1n } }],
    ["a prefix with a slash", { topicPrefix: "a/" }],
    ["an unknown start", { startPosition: "middle" }],
    ["an unknown jitter", { retry: { jitter: "some" } }],
    ["101 attempts", { retry: { maxAttempts: 101 } }],
    ["two ways to name dead letters", { deadLetter: { topic: "a", topicSuffix: ".b" } }],
    ["content_mode structured", { contentMode: "structured" }],
    ["a retry budget", { retry: { budgetRatio: 0.2 } }],
  ] as [string, EventBusConfigInit][]
) {
  test(`open refuses ${what} with a CqiError`, async () => {
    await assert.rejects(open(section, { drivers: memoryDrivers }), (error) => isCqiError(error));
  });
}

test("consumer_group, else the service's name, is the group of a subscription", async () => {
  const broker = createBroker();
  const service = { name: "cqpm" };
  for (const [section, group] of [[{ consumerGroup: "own" }, "own"], [{}, "cqpm"]] as const) {
    await using bus = await openOn(broker, section, { service });
    assert.equal((await bus.subscribe(freshTopic(), () => {})).group, group);
  }
  await using nameless = await openOn(broker);
  assert.equal((await nameless.subscribe(freshTopic(), () => {})).group, "default");
});

test("source is the CloudEvents source of what is published", async () => {
  const sent: RecordToSend[] = [];
  await using bus = await openOn(createBroker(), { source: "/desk/7" }, {
    publishMiddleware: [(record, wait, next) => {
      sent.push(record);
      return next(record, wait);
    }],
  });
  await bus.publish(freshTopic(), aPriceUpdated());
  assert.equal(sent[0]?.headers.get("ce_source"), "/desk/7");
});

test("start_position latest holds where startAt is not given, for groups and readers", async () => {
  await using bus = await openOn(createBroker(), { startPosition: "latest" });
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 3);
  const got = collector<string>();
  await bus.subscribe(prices, (event) => got.add(`group ${numberOf(event)}`));
  const reading = bus.subscribe(prices)[Symbol.asyncIterator]();
  const next = reading.next();
  await turn();
  await publishNumbers(bus, prices, 3, 4);
  assert.equal(numberOf((await next).value!.event), 3);
  assert.deepEqual(await got.until((seen) => seen.length > 0), ["group 3"]);
  await reading.return!();
});

for (const consumeValidation of ["warn", "off"]) {
  test(`consume_validation ${consumeValidation} hands on what breaks its rules`, async () => {
    const broker = createBroker();
    const logger = testLogger();
    const value = encode(PriceUpdatedSchema, aPriceUpdated());
    await using broken = await openOn(broker, {}, {
      publishMiddleware: [(record, wait, next) => next({ ...record, value }, wait)],
    });
    await using bus = await openOn(broker, { consumeValidation }, { logger });
    const prices = freshTopic();
    const got = collector<string>();
    await bus.subscribe(prices, (event) => got.add(event.eventId));
    await broken.publish(prices, aPriceUpdated());
    assert.deepEqual(await got.until((seen) => seen.length === 1), [""]);
    const warnings = logger.entries.filter(({ level }) => level === "warn").length;
    assert.equal(warnings, consumeValidation === "warn" ? 1 : 0);
  });
}

test("max_in_flight and max_in_flight_bytes bound what is read ahead of the handlers", async () => {
  for (const section of [{ maxInFlight: 20 }, { maxInFlightBytes: 4096n }]) {
    const broker = createBroker({ partitions: 1 });
    let handedOver = 0;
    await using bus = await openOn(broker, { ...section, concurrency: 1 }, {
      faults: {
        records(records, pass) {
          handedOver += records.length;
          return pass();
        },
      },
    });
    const prices = freshTopic();
    const gate = Promise.withResolvers<void>();
    await bus.subscribe(prices, () => gate.promise);
    await publishNumbers(bus, prices, 0, 1000);
    for (let n = 0; n < 20; n++) await turn();
    // One hand-over waits for room; nothing is read behind it.
    assert.ok(handedOver <= 300, `${handedOver} of 1000 handed over`);
    gate.resolve();
  }
});

test("handler_timeout is the time of one attempt where the subscription gives none", async () => {
  const clock = fakeClock();
  const section = { handlerTimeout: { seconds: 5n }, retry: { maxAttempts: 1 } };
  await using bus = await openOn(createBroker(), section, { clock });
  const prices = freshTopic();
  const aborted = collector<number>();
  await bus.subscribe(prices, (_event, { signal }) => {
    signal.addEventListener("abort", () => aborted.add(clock.monotonic()));
    return new Promise(() => {});
  });
  await bus.publish(prices, aPriceUpdated());
  await clock.advance(6_000);
  assert.deepEqual(await aborted.until((seen) => seen.length === 1), [5_000]);
});

test("retry says how often and after what delays a handler is tried", async () => {
  const clock = fakeClock();
  await using bus = await openOn(createBroker(), {
    retry: {
      maxAttempts: 4,
      initialDelay: { seconds: 1n },
      maxDelay: { seconds: 3n },
      multiplier: 2,
      jitter: "none",
    },
  }, { clock });
  const prices = freshTopic();
  const at: number[] = [];
  await bus.subscribe(prices, () => {
    at.push(clock.monotonic());
    throw new Error("no luck");
  });
  await bus.publish(prices, aPriceUpdated());
  await clock.advance(60_000);
  assert.deepEqual(at, [0, 1_000, 3_000, 6_000]);
});

test("retry.max_elapsed bounds the time of all attempts together", async () => {
  const clock = fakeClock();
  await using bus = await openOn(createBroker(), {
    retry: {
      maxAttempts: 100,
      initialDelay: { seconds: 1n },
      maxElapsed: { seconds: 8n },
      jitter: "none",
    },
  }, { clock });
  const prices = freshTopic();
  const at: number[] = [];
  await bus.subscribe(prices, () => {
    at.push(clock.monotonic());
    throw new Error("no luck");
  });
  await bus.publish(prices, aPriceUpdated());
  await clock.advance(60_000);
  assert.deepEqual(at, [0, 1_000, 3_000, 7_000]);
});

test("retry.jitter decorrelated grows from the delay before", async () => {
  const clock = fakeClock();
  const random = { ...systemRandom, next: () => 0.999 };
  await using bus = await openOn(createBroker(), {
    retry: { maxAttempts: 5, initialDelay: { seconds: 1n }, jitter: "decorrelated" },
  }, { clock, random });
  const prices = freshTopic();
  const at: number[] = [];
  await bus.subscribe(prices, () => {
    at.push(clock.monotonic());
    throw new Error("no luck");
  });
  await bus.publish(prices, aPriceUpdated());
  await clock.advance(60_000);
  assert.deepEqual(at.map((ms) => Math.round(ms / 1000)), [0, 3, 12, 22, 32]);
});

test("max_in_flight_bytes counts keys and headers too", async () => {
  const broker = createBroker({ partitions: 1 });
  let handedOver = 0;
  await using bus = await openOn(broker, { maxInFlightBytes: 65_536n, concurrency: 1 }, {
    faults: {
      records(records, pass) {
        handedOver += records.length;
        return pass();
      },
    },
  });
  const prices = freshTopic();
  const gate = Promise.withResolvers<void>();
  const headers = { note: "x".repeat(8000) };
  for (let n = 0; n < 1000; n++) {
    await bus.publish(prices, aPriceUpdated(), { headers, key: "k" });
  }
  await bus.subscribe(prices, () => gate.promise);
  for (let n = 0; n < 20; n++) await turn();
  assert.ok(handedOver <= 300, `${handedOver} of 1000 handed over`);
  gate.resolve();
});
