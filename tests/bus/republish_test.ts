import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { encode } from "../../contracts/mod.ts";
import { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { collector, freshTopic } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { openOn } from "./_kit.ts";

test("row 5 fields that this version does not know survive a publication of what was handled", async () => {
  await using bus = await openOn(createBroker());
  const [first, second] = [freshTopic(), freshTopic()];
  const got = collector<Uint8Array>();
  await bus.subscribe(first, async (event) => void await bus.publish(second, event));
  await bus.subscribe(second, (event) => got.add(encode(PriceUpdatedSchema, event)));
  const sent = aPriceUpdated();
  // Field 4000, as a later version of the contracts may have it.
  sent.$unknown = [{ no: 4000, wireType: 2, data: new Uint8Array([3, 97, 98, 99]) }];
  await bus.publish(first, sent);
  const [bytes] = await got.until((seen) => seen.length === 1);
  assert.equal(new TextDecoder("latin1").decode(bytes).includes("\u0003abc"), true);
});
