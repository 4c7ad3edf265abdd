import assert from "node:assert/strict";
import { test } from "node:test";
import { create, isFieldSet } from "@bufbuild/protobuf";
import { violations } from "../../contracts/mod.ts";
import { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { PriceSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { aPriceUpdated, SAMPLE_MARKET_ID } from "../../testing/mod.ts";

test("aPriceUpdated() breaks no rule once the bus has filled in what is the bus's", () => {
  const event = aPriceUpdated();
  const fields = ["eventId", "timestamp", "actorId"] as const;
  for (const field of fields) {
    assert.ok(!isFieldSet(event, PriceUpdatedSchema.field[field]), field);
  }
  event.eventId = "0198f1a0-0000-7000-8000-000000000001";
  event.actorId = "system";
  event.timestamp = event.price?.observedAt!;
  assert.deepEqual(violations(PriceUpdatedSchema, event), []);
});

test("aPriceUpdated() takes over what a test cares about, as fields or as a message", () => {
  const fields = aPriceUpdated({ price: "101.5" }).price;
  const message = aPriceUpdated(create(PriceSchema, { price: "101.5" })).price;
  for (const price of [fields, message]) {
    assert.equal(price?.price, "101.5");
    assert.equal(price?.marketId, SAMPLE_MARKET_ID);
    assert.equal(price?.source, "test");
  }
});

test("aPriceUpdated() makes an event of its own each time", () => {
  const [one, two] = [aPriceUpdated(), aPriceUpdated()];
  one.price!.price = "7";
  assert.equal(two.price?.price, "100");
});
