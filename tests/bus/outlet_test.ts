import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { outletOf, type PublishMiddleware } from "../../bus/mod.ts";
import { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { freshTopic } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { openOn, turn } from "./_kit.ts";

/** Sends events of these keys in one call, and says which came through and what was written. */
async function sent(keys: readonly (string | null)[], layer: PublishMiddleware) {
  const broker = createBroker({ partitions: 1 });
  const { name } = freshTopic();
  await using bus = await openOn(broker, {}, { publishMiddleware: [layer] });
  const outlet = outletOf(bus);
  const records = keys.map((key, at) => ({
    ...outlet.prepare(PriceUpdatedSchema, aPriceUpdated({ sequence: BigInt(at) }), { key }),
    topic: name,
    timestampMs: at,
  }));
  const outcomes = await outlet.send(records);
  return {
    passed: outcomes.flatMap((outcome, at) => outcome instanceof Error ? [] : [at]),
    codes: outcomes.map((outcome) => (outcome as { readonly code?: string }).code),
    written: broker.topic(name).logs[0]!.records.map((record) => record!.timestampMs),
  };
}

test("outlet sends nothing of a key behind an event that a layer failed on", async () => {
  const result = await sent(["a", "b", "a", null, "a", null], async (record, wait, next) => {
    // Later ones are through the layer long before.
    if (record.timestampMs !== 2) return await next(record, wait);
    await turn();
    throw new Error("no");
  });
  assert.deepEqual(result.written, [0, 1, 3, 5]);
  assert.deepEqual(result.passed, [0, 1, 3, 5]);
  assert.equal(result.codes[4], "CQI_BUS_UNAVAILABLE");
});

test("outlet lets no layer push what stands behind a failed event by trying again", async () => {
  const result = await sent(["a", "a", "b"], async (record, wait, next) => {
    if (record.timestampMs === 0) throw new Error("no");
    return await next(record, wait).catch(() => next(record, wait));
  });
  assert.deepEqual(result.written, [2]);
});

test("outlet sends nothing of an event that a layer gave up while it waited", async () => {
  const result = await sent([null, null], async (record, wait, next) => {
    if (record.timestampMs === 0) {
      const outcome = next(record, wait);
      outcome.catch(() => {});
      throw new Error("late");
    }
    await turn();
    return await next(record, wait);
  });
  assert.deepEqual(result.written, [1]);
});
