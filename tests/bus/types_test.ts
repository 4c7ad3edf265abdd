// Type tests: the runtimes pass over them, `deno check` holds them. Each wrong line must be an error
// of the compiler, or the directive above it is one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { type Bus, type Delivery, type EventHandler, topic } from "../../bus/mod.ts";
import {
  type PriceUpdated,
  PriceUpdatedSchema,
  RiskAlertSchema,
} from "../../gen/ts/cqc/events/v1/mod.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { openOn } from "./_kit.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;
const isTrue = <_ extends true>(): void => {};

/** Never called: it stands for the compiler alone. */
export async function compiled(bus: Bus): Promise<void> {
  const prices = topic(PriceUpdatedSchema);
  await bus.publish(prices, { price: { price: "1" } });
  await bus.publish(PriceUpdatedSchema, { price: { price: "1" } });
  await bus.publish(prices, aPriceUpdated());
  await bus.publish("any.name", aPriceUpdated());

  // @ts-expect-error -- a field that the event does not have
  await bus.publish(prices, { portfolioId: "x" });
  // @ts-expect-error -- a field of another type
  await bus.publish(prices, { price: { price: 1 } });
  // @ts-expect-error -- fields of another event
  await bus.publish(RiskAlertSchema, { price: { price: "1" } });
  // @ts-expect-error -- a message of another type
  await bus.publish(RiskAlertSchema, aPriceUpdated());
  // @ts-expect-error -- a topic by name takes a whole message
  await bus.publish("any.name", { price: { price: "1" } });
  // @ts-expect-error -- no event
  await bus.publish(prices);

  await bus.subscribe(prices, (event, delivery) => {
    isTrue<Equal<typeof event, PriceUpdated>>();
    isTrue<Equal<typeof delivery, Delivery<PriceUpdated>>>();
    // @ts-expect-error -- headers are for reading
    delivery.headers.set("a", "b");
    // @ts-expect-error -- a field that the event does not have
    return void event.portfolioId;
  });
  await bus.subscribe("any.name", (event) => {
    isTrue<Equal<typeof event.$typeName, string>>();
  });
  await bus.subscribe(prices, (_event, { skip }) => skip("noise"));
  // @ts-expect-error -- what a handler gives is nothing or a skip
  await bus.subscribe(prices, () => ({ retry: true }));
  const foreign: EventHandler<ReturnType<typeof aPriceUpdated>> = () => {};
  // @ts-expect-error -- a handler of another event
  await bus.subscribe(RiskAlertSchema, foreign);
  // @ts-expect-error -- not a place to start at
  await bus.subscribe(prices, () => {}, { startAt: "middle" });
  // @ts-expect-error -- a stream has no handler to time out
  bus.subscribe(prices, { timeout: "1s" });

  for await (const { event, offset } of bus.subscribe(prices)) {
    isTrue<Equal<typeof event, PriceUpdated>>();
    isTrue<Equal<typeof offset, bigint>>();
  }
  topic(PriceUpdatedSchema, { key: (event) => event.price?.marketId });
  // @ts-expect-error -- a key is text
  topic(PriceUpdatedSchema, { key: () => 7 });
}

test("row 4 a handler gets the message that its topic is typed with, at run time too", async () => {
  await using bus = await openOn(createBroker());
  const got = Promise.withResolvers<PriceUpdated>();
  await bus.subscribe(PriceUpdatedSchema, (event) => got.resolve(event));
  await bus.publish(PriceUpdatedSchema, aPriceUpdated({ price: "42.5" }));
  const event = await got.promise;
  assert.equal(event.$typeName, "cqc.events.v1.PriceUpdated");
  assert.equal(event.price?.price, "42.5");
});

test("B4 a message of one type is never published on a topic of another", async () => {
  await using bus = await openOn(createBroker());
  const wrong = bus.publish(topic(RiskAlertSchema), aPriceUpdated() as never);
  await assert.rejects(wrong, { code: "CQI_BUS_TYPE_MISMATCH" });
});
