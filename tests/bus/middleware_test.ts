import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import type { ConsumeMiddleware, PublishMiddleware } from "../../bus/mod.ts";
import { collector, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { openOn } from "./_kit.ts";

test("row 19 layers of publishing run from the outermost in and out again", async () => {
  const log: string[] = [];
  const layer = (name: string): PublishMiddleware => async (record, wait, next) => {
    log.push(`${name}>`);
    const published = await next(record, wait);
    log.push(`<${name}`);
    return published;
  };
  await using bus = await openOn(createBroker(), {}, {
    publishMiddleware: [layer("a"), layer("b")],
  });
  await bus.publish(freshTopic(), aPriceUpdated());
  assert.deepEqual(log, ["a>", "b>", "<b", "<a"]);
});

test("row 19 a layer of publishing that does not go on writes nothing", async () => {
  const broker = createBroker();
  const prices = freshTopic();
  const elsewhere = { eventId: "e", topic: "elsewhere", partition: 0, offset: 0n };
  const inner: string[] = [];
  await using bus = await openOn(broker, {}, {
    publishMiddleware: [() => Promise.resolve(elsewhere), (record, wait, next) => {
      inner.push(record.topic);
      return next(record, wait);
    }],
  });
  assert.deepEqual(await bus.publish(prices, aPriceUpdated()), elsewhere);
  assert.deepEqual(inner, []);
  assert.equal(broker.topic(prices.name).bytes, 0);
});

test("row 19 layers of handling run from the bus's outermost to the handler and out again", async () => {
  const log: string[] = [];
  const layer = (name: string): ConsumeMiddleware => async (delivery, info, next) => {
    log.push(`${name}>`);
    const result = await next(delivery, info);
    log.push(`<${name}`);
    return result;
  };
  await using bus = await openOn(createBroker(), {}, { consumeMiddleware: [layer("a")] });
  const prices = freshTopic();
  const got = collector<number>();
  const first = await bus.subscribe(prices, () => void log.push("h"), {
    middleware: [layer("b"), async (delivery, info, next) => {
      const result = await next(delivery, info);
      got.add(numberOf(delivery.event as never));
      return result;
    }],
  });
  await bus.publish(prices, aPriceUpdated());
  await got.until((seen) => seen.length >= 1);
  await first.close();
  assert.deepEqual(log, ["a>", "b>", "h", "<b", "<a"]);
});

test("row 19 a layer of handling that does not go on has handled the event itself", async () => {
  const seen = collector<number>();
  const handled: number[] = [];
  await using bus = await openOn(createBroker({ partitions: 1 }), {}, {
    consumeMiddleware: [(delivery, info, next) => {
      const number = numberOf(delivery.event as never);
      seen.add(number);
      return number === 0 ? Promise.resolve() : next(delivery, info);
    }],
  });
  const prices = freshTopic();
  const subscription = await bus.subscribe(prices, (event) => void handled.push(numberOf(event)));
  for (const n of [0n, 1n]) await bus.publish(prices, aPriceUpdated({ sequence: n }), { key: "k" });
  await seen.until((all) => all.length >= 2);
  await subscription.close();
  assert.deepEqual(seen.seen, [0, 1]);
  assert.deepEqual(handled, [1]);
});
