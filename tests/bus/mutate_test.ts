import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { type BusRecord, type EventHandler, HEADER } from "../../bus/mod.ts";
import { type PriceUpdated, PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { collector, freshGroup, freshTopic } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { openOn } from "./_kit.ts";

test("B9 a publisher that changes its event and headers after publish changes nothing", async () => {
  await using bus = await openOn(createBroker());
  const prices = freshTopic();
  const event = aPriceUpdated({ price: "1" });
  const bytes = new Uint8Array([1, 2, 3]);
  const headers: Record<string, Uint8Array> = { raw: bytes };
  const publishing = bus.publish(prices, event, { headers });
  event.price!.price = "666";
  bytes.fill(9);
  headers["late"] = bytes;
  await publishing;
  bytes.fill(8);
  for await (const delivery of bus.subscribe(prices)) {
    assert.equal(delivery.event.price?.price, "1");
    assert.deepEqual(delivery.headers.get("raw"), new Uint8Array([1, 2, 3]));
    assert.equal(delivery.headers.get("late"), undefined);
    break;
  }
});

test("B9 publish fills in ids on a copy: the message handed in stays as it was", async () => {
  await using bus = await openOn(createBroker());
  const event = aPriceUpdated();
  const before = create(PriceUpdatedSchema, event);
  await bus.publish(freshTopic(), event);
  assert.equal(event.eventId, "");
  assert.equal(event.timestamp, undefined);
  assert.deepEqual(Object.keys(event), Object.keys(before));
});

test("B9 what a handler does to its delivery is seen by no other group, attempt or dead letter", async () => {
  await using bus = await openOn(createBroker(), {
    retry: { maxAttempts: 2, initialDelay: { nanos: 1_000_000 } },
  });
  const prices = freshTopic();
  const seen = collector<string>();
  const vandal: EventHandler<PriceUpdated> = async (event, { headers }) => {
    const raw = headers.get("raw") as Uint8Array;
    seen.add(`${event.price?.price} ${raw} ${headers.has(HEADER.id)}`);
    event.price!.price = "666";
    raw.fill(9);
    (headers as Map<string, unknown>).clear();
    await Promise.resolve();
    throw new Error("tries again");
  };
  await bus.subscribe(prices, vandal, { group: freshGroup() });
  await bus.subscribe(prices, vandal, { group: freshGroup() });
  await bus.publish(prices, aPriceUpdated({ price: "1" }), {
    headers: { raw: new Uint8Array([1]) },
  });
  assert.deepEqual(await seen.until((all) => all.length === 4), Array(4).fill("1 1 true"));
  let letters = 0;
  for await (const letter of bus.records(`${prices.name}.dlq`)) {
    assert.deepEqual(letter.headers.get("raw"), new Uint8Array([1]));
    assert.ok(letter.headers.has(HEADER.id));
    if (++letters === 2) break;
  }
});

test("B9 a reader of records that changes their bytes changes no log", async () => {
  await using bus = await openOn(createBroker());
  const prices = freshTopic();
  await bus.publish(prices, aPriceUpdated(), { headers: { raw: new Uint8Array([1]) } });
  const read = async (): Promise<BusRecord> => {
    for await (const record of bus.records(prices.name)) return record;
    throw new Error("The stream ended");
  };
  const first = await read();
  const value = [...first.value!];
  first.value!.fill(0);
  (first.headers.get("raw") as Uint8Array).fill(9);
  (first.headers as Map<string, unknown>).clear();
  const second = await read();
  assert.deepEqual([...second.value!], value);
  assert.deepEqual(second.headers.get("raw"), new Uint8Array([1]));
});
