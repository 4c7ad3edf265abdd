import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type PriceUpdated, PriceUpdatedSchema } from "../gen/ts/cqc/events/v1/mod.ts";
import { PriceSchema, PriceType } from "../gen/ts/cqc/markets/v1/mod.ts";

/** A market for tests that need just one. */
export const SAMPLE_MARKET_ID = "6f1c2d3e-4a5b-4c6d-8e7f-90a1b2c3d4e5";

const SAMPLE_TIME = timestampFromMs(1_767_225_600_000);

/**
 * A valid price event, with whatever a test cares about.
 *
 * @param price Fields of the price; the rest is filled in.
 * @returns A message without `event_id`, `timestamp` and `actor_id`, which the bus fills in.
 *
 * @example
 * ```ts
 * import { aPriceUpdated } from "@cq/cqi/testing";
 * import assert from "node:assert/strict";
 *
 * assert.equal(aPriceUpdated({ price: "101.5" }).price?.price, "101.5");
 * ```
 */
export function aPriceUpdated(price: MessageInitShape<typeof PriceSchema> = {}): PriceUpdated {
  return create(PriceUpdatedSchema, {
    price: create(PriceSchema, {
      marketId: SAMPLE_MARKET_ID,
      priceType: PriceType.LAST,
      price: "100",
      source: "test",
      observedAt: SAMPLE_TIME,
      ...price,
    }),
  });
}
