import { create, equals } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { HEADER, topic } from "../bus/mod.ts";
import { systemClock } from "../core/mod.ts";
import { PriceUpdatedSchema, RiskAlertSchema } from "../gen/ts/cqc/events/v1/mod.ts";
import type { BusBackend } from "./bus_contract.ts";
import { collector, freshId, freshTopic, numberOf, publishNumbers, range } from "./_bus_kit.ts";
import type { SuiteTest } from "./_suite.ts";
import { aPriceUpdated } from "./builders.ts";

// RFC 9562, section 5.7.
const UUID_V7_REGEXP = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

/** What is published reaches whom it should, as it was. */
export function deliveryTests(backend: BusBackend): SuiteTest[] {
  return [
    {
      name: "a published event reaches a handler equal to what was sent",
      async run() {
        await using bus = await backend.open({}, { service: { name: "maker", instanceId: "1" } });
        const prices = freshTopic();
        const got = collector<
          { equal: boolean; sentMs: number; delivery: Record<string, unknown> }
        >();
        const sent = aPriceUpdated({ price: "0.00141342", sequence: 7n });
        const earliest = systemClock.now() - 1000;
        const published = await bus.publish(prices, sent);
        await bus.subscribe(prices, (event, { eventId, type, partition, offset, attempt }) => {
          const { eventId: id, timestamp, actorId } = event;
          const expected = create(PriceUpdatedSchema, {
            ...sent.price && { price: sent.price },
            eventId: id,
            ...timestamp && { timestamp },
            actorId,
          });
          got.add({
            equal: equals(PriceUpdatedSchema, event, expected),
            sentMs: timestamp === undefined ? 0 : timestampMs(timestamp),
            delivery: { eventId, type, partition, offset, attempt, actorId },
          });
        });
        const [first] = await got.until((seen) => seen.length >= 1);
        assert.equal(first?.equal, true);
        assert.match(published.eventId, UUID_V7_REGEXP);
        const { sentMs = 0 } = first ?? {};
        assert.ok(sentMs >= earliest && sentMs <= systemClock.now() + 1000, `sent at ${sentMs}`);
        assert.deepEqual(first?.delivery, {
          eventId: published.eventId,
          type: "cqc.events.v1.PriceUpdated",
          partition: published.partition,
          offset: published.offset,
          attempt: 1,
          actorId: "service:maker",
        });
      },
    },
    {
      name: "a topic by name delivers each event decoded as the type its header names",
      async run() {
        await using bus = await backend.open();
        const name = freshTopic().name;
        const got = collector<string>();
        await bus.subscribe(name, (event) => got.add(event.$typeName));
        await bus.publish(name, aPriceUpdated());
        await bus.publish(
          topic(RiskAlertSchema, { name, key: () => "k" }),
          {
            alertId: freshId(),
            alertType: 1,
            severity: 1,
            message: "large",
            detectedAt: { seconds: 1n },
          },
        );
        const seen = await got.until((all) => all.length >= 2);
        assert.deepEqual([...seen].sort(), [
          "cqc.events.v1.PriceUpdated",
          "cqc.events.v1.RiskAlert",
        ]);
      },
    },
    {
      name: "headers, a missing key and a large event arrive as they were sent",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const got = collector<
          { key: string | undefined; headers: ReadonlyMap<string, unknown>; size: number }
        >();
        await bus.subscribe(
          prices,
          (event, { key, headers }) =>
            got.add({ key, headers, size: event.price?.source.length ?? 0 }),
        );
        const bytes = new Uint8Array([0, 255, 10, 13]);
        await bus.publish(prices, aPriceUpdated({ source: "s".repeat(128) }), {
          key: null,
          headers: { tenant: "füßchen", raw: bytes },
        });
        const [seen] = await got.until((all) => all.length >= 1);
        assert.equal(seen?.key, undefined);
        assert.equal(seen?.size, 128);
        assert.equal(asText(seen?.headers.get("tenant")), "füßchen");
        assert.deepEqual(asBytes(seen?.headers.get("raw")), bytes);
        assert.equal(asText(seen?.headers.get(HEADER.type)), "cqc.events.v1.PriceUpdated");
        assert.equal(asText(seen?.headers.get(HEADER.specVersion)), "1.0");
      },
    },
    {
      name: "what handlers publish carries the correlation id and names its cause",
      async run() {
        await using bus = await backend.open();
        const [a, b, c] = [freshTopic(), freshTopic(), freshTopic()];
        const got = collector<{ correlation: string; causation: string; id: string }>();
        const middle = collector<string>();
        await bus.subscribe(a, async (event) => void await bus.publish(b, { price: event.price! }));
        await bus.subscribe(b, async (event, { eventId }) => {
          middle.add(eventId);
          await bus.publish(c, { price: event.price! });
        });
        await bus.subscribe(c, (_event, delivery) =>
          got.add({
            correlation: delivery.correlationId,
            causation: asText(delivery.headers.get(HEADER.causationId)),
            id: delivery.eventId,
          }));
        const first = await bus.publish(a, aPriceUpdated());
        const [last] = await got.until((seen) => seen.length >= 1);
        assert.equal(last?.correlation, first.eventId);
        assert.equal(last?.causation, middle.seen[0]);
        assert.notEqual(last?.id, first.eventId);
      },
    },
    {
      name: "many topics at once do not mix",
      async run() {
        await using bus = await backend.open();
        const topics = range(20).map(() => freshTopic());
        const got = collector<string>();
        await Promise.all(
          topics.map((each) =>
            bus.subscribe(each, (e, { topic: from }) => got.add(`${from}/${numberOf(e)}`))
          ),
        );
        await Promise.all(topics.map((each, index) => publishNumbers(bus, each, index, index + 1)));
        const seen = await got.until((all) => all.length >= 20);
        assert.deepEqual([...seen].sort(), topics.map((each, i) => `${each.name}/${i}`).sort());
      },
    },
  ];
}

function asText(value: unknown): string {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value);
}

function asBytes(value: unknown): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value as Uint8Array;
}
