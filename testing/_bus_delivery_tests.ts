import { create, equals } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { HEADER, topic } from "../bus/mod.ts";
import { systemClock } from "../core/mod.ts";
import { PriceUpdatedSchema, RiskAlertSchema } from "../gen/ts/cqc/events/v1/mod.ts";
import type { BusBackend } from "./bus_contract.ts";
import {
  collector,
  freshGroup,
  freshId,
  freshTopic,
  numberOf,
  publishNumbers,
  range,
} from "./_bus_kit.ts";
import type { SuiteTest } from "./_suite.ts";
import { aPriceUpdated } from "./builders.ts";

/** What is published reaches whom it should, as it was. */
export function deliveryTests(backend: BusBackend): SuiteTest[] {
  return [
    {
      name: "a published event reaches a handler equal to what was sent",
      async run() {
        await using bus = await backend.open({}, { service: { name: "maker", instanceId: "1" } });
        const prices = freshTopic();
        const got = collector<{ equal: boolean; delivery: Record<string, unknown> }>();
        const sent = aPriceUpdated({ price: "0.00141342", sequence: 7n });
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
            delivery: { eventId, type, partition, offset, attempt, actorId },
          });
        });
        const [first] = await got.until((seen) => seen.length === 1);
        assert.equal(first?.equal, true);
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
        const seen = await got.until((all) => all.length === 2);
        assert.deepEqual([...seen].sort(), [
          "cqc.events.v1.PriceUpdated",
          "cqc.events.v1.RiskAlert",
        ]);
      },
    },
    {
      name: "members of a group share the events and each group receives all of them",
      async run() {
        await using first = await backend.open();
        await using second = await backend.open();
        const prices = freshTopic();
        const [shared, alone] = [freshGroup(), freshGroup()];
        const inShared = collector<number>();
        const inAlone = collector<number>();
        await first.subscribe(prices, (e) => inShared.add(numberOf(e)), { group: shared });
        await second.subscribe(prices, (e) => inShared.add(numberOf(e)), { group: shared });
        await second.subscribe(prices, (e) => inAlone.add(numberOf(e)), { group: alone });
        await publishNumbers(first, prices, 0, 200, (n) => `k${n % 20}`);
        const all = range(200);
        await inShared.until((seen) => new Set(seen).size === 200);
        await inAlone.until((seen) => new Set(seen).size === 200);
        assert.deepEqual([...new Set(inShared.seen)].sort((a, b) => a - b), all);
        assert.deepEqual([...new Set(inAlone.seen)].sort((a, b) => a - b), all);
      },
    },
    {
      name: "a group that starts later receives what was published before, a latest one does not",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        await publishNumbers(bus, prices, 0, 10);
        const early = collector<number>();
        const late = collector<number>();
        await bus.subscribe(prices, (e) => early.add(numberOf(e)), { group: freshGroup() });
        await bus.subscribe(prices, (e) => late.add(numberOf(e)), {
          group: freshGroup(),
          startAt: "latest",
        });
        await publishNumbers(bus, prices, 10, 11);
        await early.until((seen) => seen.length === 11);
        assert.deepEqual(await late.until((seen) => seen.length > 0), [10]);
      },
    },
    {
      name: "a group that comes back goes on after what it handled",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const group = freshGroup();
        const first = collector<number>();
        const one = await bus.subscribe(prices, (e) => first.add(numberOf(e)), { group });
        await publishNumbers(bus, prices, 0, 5);
        await first.until((seen) => seen.length === 5);
        await one.close();
        await publishNumbers(bus, prices, 5, 8);
        const second = collector<number>();
        await bus.subscribe(prices, (e) => second.add(numberOf(e)), { group });
        assert.deepEqual(await second.until((seen) => seen.length === 3), [5, 6, 7]);
      },
    },
    {
      name: "a start at a time delivers exactly what was written at or after it",
      needs: "startAtTime",
      async run() {
        let now = 1_767_225_600_000;
        const clock = { ...systemClock, now: () => now };
        await using bus = await backend.open({}, { clock });
        const prices = freshTopic();
        await publishNumbers(bus, prices, 0, 3);
        now += 60_000;
        const since = new Date(now);
        await publishNumbers(bus, prices, 3, 5);
        const got = collector<number>();
        await bus.subscribe(prices, (e) => got.add(numberOf(e)), { startAt: since });
        assert.deepEqual(await got.until((seen) => seen.length === 2), [3, 4]);
      },
    },
    {
      name: "row 26 a start at offsets delivers what each partition has from there on, and once",
      needs: "startAtOffset",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const written = await Promise.all(
          range(40).map((n) =>
            bus.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key: `k${n % 8}` })
          ),
        );
        const { partition } = written[0]!;
        const there = written.filter((each) => each.partition === partition);
        const from = there.map(({ offset }) => offset).sort((a, b) => (a < b ? -1 : 1))[2]!;
        const expected = range(40).filter((n) =>
          written[n]!.partition !== partition || written[n]!.offset >= from
        );
        const group = freshGroup();
        const got = collector<number>();
        const offsets = new Map([[partition, from]]);
        const first = await bus.subscribe(prices, (e) => got.add(numberOf(e)), {
          group,
          startAt: { offsets },
        });
        await got.until((seen) => seen.length === expected.length);
        await first.close();
        // What is committed counts, not where it started.
        await bus.subscribe(prices, (e) => got.add(numberOf(e)), { group, startAt: { offsets } });
        await publishNumbers(bus, prices, 40, 41);
        await got.until((seen) => seen.includes(40));
        assert.deepEqual([...got.seen].sort((a, b) => a - b), [...expected, 40]);
      },
    },
    {
      name: "row 26 a start beyond the end waits for what comes, for groups and for readers",
      needs: "startAtOffset",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        await publishNumbers(bus, prices, 0, 5);
        const { partition } = await bus.publish(prices, aPriceUpdated({ sequence: 5n }), {
          key: "k",
        });
        const startAt = { offsets: new Map([[partition, 10n ** 15n]]) };
        const got = collector<number>();
        await bus.subscribe(prices, (e) => got.add(numberOf(e)), { group: freshGroup(), startAt });
        await bus.subscribe(prices, (e) => got.add(numberOf(e)), { broadcast: true, startAt });
        await publishNumbers(bus, prices, 6, 8);
        await got.until((seen) => seen.length === 4);
        assert.deepEqual([...got.seen].sort((a, b) => a - b), [6, 6, 7, 7]);
        for await (
          const { offset } of bus.records(prices.name, {
            startAt: { offsets: new Map([[partition, 3n]]) },
          })
        ) {
          assert.equal(offset, 3n);
          break;
        }
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
        const [seen] = await got.until((all) => all.length === 1);
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
        const [last] = await got.until((seen) => seen.length === 1);
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
        const seen = await got.until((all) => all.length === 20);
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
