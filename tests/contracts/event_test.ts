import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventOptions, eventTypes, fromJson, partitionKeyOf } from "../../contracts/mod.ts";
import {
  OrderPlacedSchema,
  PositionChangedSchema,
  PriceUpdatedSchema,
  RiskAlertSchema,
} from "../../gen/ts/cqc/events/v1/mod.ts";
import { PriceSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { example } from "./_image.ts";

test("eventTypes, has the events of the contracts", () => {
  for (const type of [OrderPlacedSchema, PositionChangedSchema, PriceUpdatedSchema]) {
    assert.ok(eventTypes.includes(type));
  }
});

test("eventOptions, is undefined for a message that is no event", () => {
  assert.equal(eventOptions(PriceSchema), undefined);
});

test("partitionKeyOf, reads the field that the option names", () => {
  const keys = [PriceUpdatedSchema, OrderPlacedSchema, PositionChangedSchema, RiskAlertSchema].map((
    type,
  ) => partitionKeyOf(type, fromJson(type, example(type.typeName))));
  assert.deepEqual(keys, [
    "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b11",
    "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "e4eaaaf2-d142-41b3-9a6b-2e5d0c8f7a21",
    "2c5ea4c0-4067-41e9-8bad-9b1deb4d3b7d",
  ]);
});

test("partitionKeyOf, is undefined where a field on the path is not set", () => {
  assert.equal(partitionKeyOf(PriceUpdatedSchema, create(PriceUpdatedSchema)), undefined);
  const event = create(PriceUpdatedSchema, { price: {} });
  assert.equal(partitionKeyOf(PriceUpdatedSchema, event), undefined);
});

test("partitionKeyOf, is undefined for a message that is no event", () => {
  assert.equal(partitionKeyOf(PriceSchema, create(PriceSchema, { marketId: "m" })), undefined);
});
