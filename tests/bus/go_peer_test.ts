// Defects of the Go library of the same name that concern the bus, by their numbers; 5 to 9 and 16
// stand beside what they are about.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import * as prometheus from "../../metrics/drivers/prometheus.ts";
import { CqiError } from "../../errors/mod.ts";
import { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { collector, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import * as metrics from "../../metrics/mod.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { openOn, turn, until } from "./_kit.ts";

test("go-peer 1 a handler of a topic by name gets a decoded message with its descriptor's fields", async () => {
  await using events = await openOn(createBroker());
  const prices = freshTopic();
  const got = collector<unknown>();
  await events.subscribe(prices.name, (event) => got.add(event));
  await events.publish(prices, aPriceUpdated({ price: "1.25" }));
  const [event] = await got.until((seen) => seen.length === 1);
  const { $typeName, price } = event as { $typeName: string; price?: { price: string } };
  assert.deepEqual([$typeName, price?.price], [PriceUpdatedSchema.typeName, "1.25"]);
});

test("go-peer 2 an event whose handler fails for good is kept with its reason, not acknowledged away", async () => {
  await using events = await openOn(createBroker());
  const prices = freshTopic();
  await events.subscribe(prices, () => {
    throw new CqiError("CQI_BUS_PERMANENT", "Cannot book a closed market");
  });
  const sent = await events.publish(prices, aPriceUpdated());
  const box = events.deadLetters(prices);
  await until(async () => (await box.list()).length === 1, "the dead letter");
  const [letter] = await box.list();
  assert.deepEqual([letter?.eventId, letter?.reason], [sent.eventId, "permanent"]);
});

test("go-peer 3 what fails is tried again after a delay that grows, not at once", async () => {
  const clock = fakeClock();
  const retry = { maxAttempts: 3, initialDelay: { seconds: 1n }, jitter: "none" };
  await using events = await openOn(createBroker(), { retry }, { clock });
  const prices = freshTopic();
  const times: number[] = [];
  await events.subscribe(prices, () => {
    times.push(clock.monotonic());
    throw new Error("passing");
  });
  await events.publish(prices, aPriceUpdated());
  await until(() => times.length === 1, "the first attempt");
  for (let ms = 0; ms < 5000; ms += 500) await clock.advance(500);
  assert.deepEqual(times.map((time) => time - times[0]!), [0, 1000, 3000]);
});

test("go-peer 4 what a bus counts is what it did", async () => {
  await using registry = await metrics.open({}, { drivers: { prometheus: () => prometheus } });
  const retry = { maxAttempts: 2, initialDelay: { nanos: 1_000_000 } };
  await using events = await openOn(createBroker(), { retry, consumerGroup: "desk" }, {
    metrics: registry,
  });
  const prices = freshTopic();
  const got = collector<number>();
  await events.subscribe(prices, (event, { attempt, skip }) => {
    const n = numberOf(event);
    if (n === 0 || (n === 1 && attempt === 1)) throw new Error("passing");
    got.add(n);
    return n === 2 ? skip("noise") : undefined;
  });
  for (const n of [0n, 1n, 2n, 3n]) {
    await events.publish(prices, aPriceUpdated({ sequence: n }), { key: "k" });
  }
  await got.until((seen) => seen.includes(3));
  await turn();
  const { body } = await registry.expose();
  const at = { topic: prices.name, group: "desk" };
  const valueOf = (name: string, labels: Record<string, string>): number => {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const line = body.split("\n").find((each) =>
      each.startsWith(`cqi_${name}{`) && wanted.every((label) => each.includes(label))
    );
    return Number(line?.slice(line.lastIndexOf(" ") + 1));
  };
  assert.deepEqual(
    {
      published: valueOf("bus_published_total", { topic: prices.name, result: "ok" }),
      handled: valueOf("bus_consumed_total", { ...at, result: "handled" }),
      skipped: valueOf("bus_consumed_total", { ...at, result: "skipped" }),
      buried: valueOf("bus_consumed_total", { ...at, result: "dead_lettered" }),
      exhausted: valueOf("bus_dead_lettered_total", { ...at, reason: "exhausted" }),
      retried: valueOf("bus_retried_total", at),
      attempts: valueOf("bus_handler_duration_seconds_count", at),
      up: valueOf("bus_consumer_up", { group: "desk" }),
      paused: valueOf("bus_consumer_paused", at),
      inFlight: valueOf("bus_in_flight", { group: "desk" }),
    },
    {
      published: 4,
      handled: 2,
      skipped: 1,
      buried: 1,
      exhausted: 1,
      retried: 2,
      attempts: 6,
      up: 1,
      paused: 0,
      inFlight: 0,
    },
  );
});
