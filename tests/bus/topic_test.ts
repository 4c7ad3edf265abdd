import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { topic } from "../../bus/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { PriceSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { freshTopic } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { openOn } from "./_kit.ts";

const BAD_NAMES: [what: string, name: string][] = [
  ["nothing", ""],
  [".", "."],
  ["..", ".."],
  ["250 characters", "t".repeat(250)],
  ["a megabyte", "t".repeat(2 ** 20)],
  ["a slash", "a/b"],
  ["a path upwards", "../etc/passwd"],
  ["a space", "a b"],
  ["a line feed at the end", "a\n"],
  ["CR LF", "a\r\nb"],
  ["NUL", "a\0b"],
  ["a colon", "a:1"],
  ["a wildcard", "cqc.*"],
  ["a letter beyond ASCII", "größe"],
  ["a look-alike letter", "cqc.events.v1.prіce"],
];

for (const [what, name] of BAD_NAMES) {
  test(`B5 topic refuses ${what} as a name, wherever one is given`, async () => {
    await using bus = await openOn(createBroker());
    const refused = (error: unknown): boolean => {
      assert.ok(isCqiError(error, "CQI_BUS_TOPIC_INVALID"), String(error));
      assert.ok(error.message.length < 300);
      return true;
    };
    const forged = { ...topic(PriceUpdatedSchema), name };
    assert.throws(() => topic(PriceUpdatedSchema, { name }), refused);
    await assert.rejects(bus.publish(name, aPriceUpdated()), refused);
    await assert.rejects(bus.publish(forged, aPriceUpdated()), refused);
    await assert.rejects(bus.subscribe(name, () => {}), refused);
    await assert.rejects(bus.subscribe(forged, () => {}), refused);
    await assert.rejects(bus.subscribe(name)[Symbol.asyncIterator]().next(), refused);
    await assert.rejects(bus.records(name)[Symbol.asyncIterator]().next(), refused);
  });
}

for (const name of ["a", "...", "A-Z_0.9", "t".repeat(249)]) {
  test(`B5 topic takes ${name.slice(0, 10)} (${name.length} characters)`, () => {
    assert.equal(topic(PriceUpdatedSchema, { name }).name, name);
  });
}

test("B5 topic_prefix counts towards the length of a name", async () => {
  await using bus = await openOn(createBroker(), { topicPrefix: "fund1." });
  const long = topic(PriceUpdatedSchema, { name: "t".repeat(244) });
  await assert.rejects(bus.publish(long, aPriceUpdated()), { code: "CQI_BUS_TOPIC_INVALID" });
  await assert.rejects(bus.subscribe(long, () => {}), { code: "CQI_BUS_TOPIC_INVALID" });
});

test("B5 a topic whose dead-letter topic has no legal name cannot be subscribed to", async () => {
  await using bus = await openOn(createBroker());
  const long = topic(PriceUpdatedSchema, { name: "t".repeat(246) });
  await bus.publish(long, aPriceUpdated());
  await assert.rejects(bus.subscribe(long, () => {}), { code: "CQI_BUS_TOPIC_INVALID" });
  for await (const { topic: name } of bus.subscribe(long)) {
    assert.equal(name, long.name);
    break;
  }
});

test("B5 names that differ in . and _ alone are warned of, once", async () => {
  const logger = testLogger();
  await using bus = await openOn(createBroker(), {}, { logger });
  const name = freshTopic().name;
  for (const other of [name, name.replace(".", "_"), name, name.replace(".", "_")]) {
    await bus.publish(topic(PriceUpdatedSchema, { name: other }), aPriceUpdated());
  }
  const warned = logger.entries.filter(({ level, message }) =>
    level === "warn" && message.includes("differ")
  );
  assert.equal(warned.length, 1);
});

test("B5 topic_prefix parts tenants: none sees what another publishes, dead letters included", async () => {
  const broker = createBroker();
  await using one = await openOn(broker, { topicPrefix: "fund1." });
  await using two = await openOn(broker, { topicPrefix: "fund2." });
  const prices = freshTopic();
  const seen: string[] = [];
  const got = Promise.withResolvers<void>();
  await one.subscribe(prices, (_event, delivery) => {
    seen.push(delivery.topic);
    got.resolve();
  });
  const published = await two.publish(prices, aPriceUpdated());
  await one.publish(prices, aPriceUpdated());
  await got.promise;
  assert.deepEqual(seen, [`fund1.${prices.name}`]);
  assert.equal(published.topic, `fund2.${prices.name}`);
});

test("topic without an option of the contracts asks for a name", () => {
  assert.throws(() => topic(PriceSchema), { code: "CQI_BUS_TOPIC_INVALID" });
  assert.equal(topic(PriceSchema, { name: "prices" }).name, "prices");
});

test("topic takes name and key from the option of the contracts", () => {
  const prices = topic(PriceUpdatedSchema);
  assert.equal(prices.name, "cqc.events.v1.price_updated");
  const event = aPriceUpdated();
  assert.equal(prices.key(event), event.price?.marketId);
});
