import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { HEADER, type RecordToSend } from "../../bus/mod.ts";
import { collector, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { openOn, turn, until } from "./_kit.ts";

/** Bytes of messages within messages, in a field that no event has. */
function nested(depth: number): Uint8Array {
  let bytes: Uint8Array = new Uint8Array();
  for (let n = 0; n < depth; n++) {
    bytes = new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(bytes).finish();
  }
  return bytes;
}

const HOSTILE: [what: string, change: (record: RecordToSend) => RecordToSend][] = [
  ["nested 10,000 deep", (record) => ({ ...record, value: nested(10_000) })],
  ["with a length of 2 GiB", (record) => ({
    ...record,
    value: new Uint8Array([10, 0xff, 0xff, 0xff, 0xff, 0x07, 1]),
  })],
  ["whose header names another type than its bytes are of", (record) => ({
    ...record,
    headers: new Map(record.headers).set(HEADER.type, "cqc.events.v1.RiskAlert"),
  })],
];

for (const [what, change] of HOSTILE) {
  test(`B4 an event ${what} is set aside and the next one of its key handled`, async () => {
    const broker = createBroker({ partitions: 1 });
    const prices = freshTopic();
    await using good = await openOn(broker, { unknownType: "dead_letter" });
    await using bad = await openOn(broker, {}, {
      publishMiddleware: [(record, wait, next) => next(change(record), wait)],
    });
    const got = collector<number>();
    await good.subscribe(prices, (event) => got.add(numberOf(event)));
    await bad.publish(prices, aPriceUpdated({ sequence: 1n }), { key: "k" });
    await good.publish(prices, aPriceUpdated({ sequence: 2n }), { key: "k" });
    assert.deepEqual(await got.until((seen) => seen.length >= 1), [2]);
    await until(() => broker.topic(`${prices.name}.dlq`).bytes > 0, "the dead letter");
  });
}

test("K19 a wall clock that jumps an hour either way shortens and lengthens no retry", async () => {
  const clock = fakeClock();
  await using bus = await openOn(createBroker(), {
    retry: { maxAttempts: 4, initialDelay: { seconds: 1n }, jitter: "none" },
  }, { clock, logger: testLogger() });
  const prices = freshTopic();
  const attempts = collector<number>();
  await bus.subscribe(prices, (_event, { attempt }) => {
    attempts.add(attempt);
    if (attempt < 3) throw new Error("no luck");
  });
  const published = bus.publish(prices, aPriceUpdated());
  await attempts.until((seen) => seen.length >= 1);
  await published;
  for (const [jumpMs, delayMs] of [[3_600_000, 1000], [-7_200_000, 2000]] as const) {
    const before = attempts.seen.length;
    clock.jump(jumpMs);
    await clock.advance(delayMs - 1);
    await turn();
    assert.equal(attempts.seen.length, before);
    await clock.advance(1);
    await attempts.until((seen) => seen.length > before);
  }
  assert.deepEqual(attempts.seen, [1, 2, 3]);
});
