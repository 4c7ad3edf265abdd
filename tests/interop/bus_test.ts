// Events on a real Kafka between TypeScript, Go and Python. The other languages have clients and
// partitioners of their own: franz-go, and librdkafka.

import type { DescMessage, JsonObject, Message } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as kafka from "../../bus/drivers/kafka.ts";
import * as bus from "../../bus/mod.ts";
import { decode, encode, eventTypes, fromJson, toJson } from "../../contracts/mod.ts";
import { systemClock, systemRandom, uuid } from "../../core/mod.ts";
import { type PriceUpdated, PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { testTracer } from "../../testing/test_spans.ts";
import { fromLine } from "../../tools/vectors/vector.ts";
import { real } from "../_real.ts";
import { turn, until } from "../_until.ts";
import { busPeers, type Wanted } from "./_bus_peers.ts";
import { ROOT } from "./_run.ts";
import { tools } from "./_tools.ts";

const CODECS = ["gzip", "snappy", "lz4", "zstd"];
const PARTITIONS = 7;
const TRACE = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
const PRICE = PriceUpdatedSchema.typeName;

/** A valid event of each kind, with all its fields. */
const FULL: readonly Message[] = readFileSync(
  join(ROOT, "testdata", "vectors", "events.jsonl"),
  "utf8",
).trimEnd().split("\n").map(fromLine).flatMap(({ type, name, bytes }) => {
  const schema = eventTypes.find(({ typeName }) => typeName === type);
  return name === "full" && schema !== undefined ? [decode(schema, bytes)] : [];
});

function schemaOf(event: Message): DescMessage {
  return eventTypes.find(({ typeName }) => typeName === event.$typeName)!;
}

function freshId(): string {
  return uuid(systemClock, systemRandom);
}

function freshName(): string {
  return `interop.${freshId()}`;
}

/** A price as others write it: with what the bus would have filled in. */
function priceOf(number: number, changes: JsonObject = {}): JsonObject {
  const event = aPriceUpdated({ sequence: BigInt(number) });
  event.eventId = freshId();
  event.timestamp = timestampFromMs(1_767_225_600_150);
  event.actorId = "service:peer";
  return { ...toJson(PriceUpdatedSchema, event) as JsonObject, ...changes };
}

/** Keys of all lengths and scripts; the empty one apart, which librdkafka takes for none. */
const KEYS = [
  ...Array.from({ length: 40 }, (_, n) => "x".repeat(n + 1)),
  ...Array.from({ length: 200 }, (_, n) => `market-${n}`),
  ...Array.from({ length: 50 }, freshId),
  ..."Ä €/₿ 東京 🚀 a\u00a0b".split(" "),
];

// Asked for before the first test: Deno does not fail a file that throws after one.
const toolsAreHere = tools("go", "python3");
const server = toolsAreHere ? await real(() => realKafka()) : undefined;

if (server !== undefined) {
  const peers = await busPeers(server.brokers);

  const open = (
    section: Omit<bus.EventBusConfigInit, "$typeName" | "kafka"> = {},
    options: Omit<bus.OpenOptions, "drivers"> & { readonly compression?: string } = {},
  ): Promise<bus.Bus> => {
    const { compression = "none", ...rest } = options;
    const heartbeatInterval = { nanos: 50_000_000 };
    return bus.open({
      ...section,
      driver: "kafka",
      ensureTopics: true,
      kafka: { brokers: [...server.brokers], heartbeatInterval, compression },
    }, { ...rest, drivers: { kafka: () => kafka } });
  };

  for (const peer of peers) {
    const { language } = peer;

    test(`bus, every kind of event that TypeScript publishes is read in ${language}`, async () => {
      assert.equal(FULL.length, eventTypes.length);
      const tracer = testTracer();
      const prefix = `${freshName()}.`;
      await using ours = await open({ topicPrefix: prefix, source: "/ts/test" }, { tracer });
      const published = await tracer.span("work", {}, () =>
        Promise.all(
          FULL.map((event) =>
            ours.publish(schemaOf(event), event, { correlationId: "c-1", headers: { plan: "Ω" } })
          ),
        ));
      const found = await peer.read(published.map(({ topic }) => topic), FULL.length);
      const { traceId } = tracer.spans[0]!.context;
      for (const [index, event] of FULL.entries()) {
        const name = event.$typeName;
        const got = found.find(({ headers }) => headers["ce_type"] === name)!;
        const { eventId, partition, offset, topic } = published[index]!;
        const json = toJson(schemaOf(event), event) as JsonObject;
        const sent = tracer.spans.find((span) => span.name === `send ${topic}`)!;
        assert.deepEqual(got.event, json, name);
        assert.deepEqual(got.rules, [], name);
        assert.deepEqual(
          [got.topic, got.partition, BigInt(got.offset), got.event_id, got.actor_id],
          [topic, partition, offset, eventId, json["actor_id"]],
        );
        assert.equal(Date.parse(got.time), Date.parse(json["timestamp"] as string));
        const { ce_time, ce_partitionkey, ...headers } = got.headers;
        assert.equal(Date.parse(ce_time!), Date.parse(json["timestamp"] as string));
        assert.equal(ce_partitionkey ?? null, got.key);
        assert.deepEqual(headers, {
          "content-type": "application/protobuf",
          ce_specversion: "1.0",
          ce_id: json["event_id"],
          ce_source: "/ts/test",
          ce_type: name,
          ce_dataschema: `type.googleapis.com/${name}`,
          ce_correlationid: "c-1",
          traceparent: `00-${traceId}-${sent.context.spanId}-01`,
          plan: "Ω",
        });
      }
      assert.ok(found.some(({ key }) => key !== null));
    });

    test(`bus, every kind of event that ${language} writes is handled in TypeScript`, async () => {
      const tracer = testTracer();
      const prefix = `${freshName()}.`;
      await using ours = await open({ topicPrefix: prefix, consumerGroup: freshName() }, {
        tracer,
      });
      const got = new Map<string, bus.Delivery>();
      for (const event of FULL) {
        await ours.subscribe(
          schemaOf(event),
          (_, delivery) => void got.set(delivery.type, delivery),
        );
      }
      const places = await peer.write(FULL.map((event) => ({
        topic: `${prefix}${bus.topic(schemaOf(event)).name}`,
        type: event.$typeName,
        event: toJson(schemaOf(event), event),
        key: bus.topic(schemaOf(event)).key(event) ?? null,
        headers: {
          ce_correlationid: "order-7",
          traceparent: `00-${TRACE.traceId}-${TRACE.spanId}-01`,
          "x-desk": "東京",
        },
      })));
      await until(() => got.size === FULL.length, "an event of each kind");
      for (const [index, event] of FULL.entries()) {
        const delivery = got.get(event.$typeName)!;
        const { topic, partition, offset } = places[index]!;
        const json = toJson(schemaOf(event), event) as JsonObject;
        assert.deepEqual(toJson(schemaOf(event), delivery.event), json);
        assert.deepEqual(
          [delivery.topic, delivery.partition, delivery.offset, delivery.eventId],
          [topic, partition, BigInt(offset), json["event_id"]],
        );
        assert.equal(delivery.key, bus.topic(schemaOf(event)).key(event));
        assert.deepEqual([delivery.correlationId, delivery.attempt], ["order-7", 1]);
        assert.equal(text(delivery.headers.get("x-desk")), "東京");
        const span = tracer.spans.find((each) => each.name === `process ${topic}`)!;
        assert.deepEqual([span.context.traceId, span.parentSpanId], [TRACE.traceId, TRACE.spanId]);
      }
    });

    test(`bus, a key has the same partition in ${language} and in TypeScript`, async () => {
      const name = freshName();
      await using ours = await open({ topics: [{ name, partitions: PARTITIONS }] });
      const prices = bus.topic(PriceUpdatedSchema, { name });
      const published = await Promise.all(
        KEYS.map((key, n) => ours.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key })),
      );
      const places = await peer.write(
        KEYS.map((key, n) => ({ topic: name, type: PRICE, event: priceOf(n), key })),
      );
      const own = published.map(({ partition }) => partition);
      assert.deepEqual(places.map(({ partition }) => partition), own);
      assert.deepEqual(own, KEYS.map((key) => bus.partitionOfKey(key, PARTITIONS)));
      assert.equal(new Set(own).size, PARTITIONS);
    });

    test(`bus, what ${language} and TypeScript write under a key is handled in its order`, async () => {
      const name = freshName();
      const prices = bus.topic(PriceUpdatedSchema, { name });
      await using ours = await open({ concurrency: 8, consumerGroup: freshName() });
      const seen = new Map<string, number[]>();
      let handled = 0;
      await ours.subscribe(prices, async (event, { key }) => {
        const own = seen.get(key!) ?? [];
        seen.set(key!, own);
        // Of one key no handler begins while the one before is at work.
        for (let n = Number(event.price?.sequence) % 3; n >= 0; n--) await turn();
        own.push(Number(event.price?.sequence));
        handled++;
      });
      const keyOf = (n: number): string => `k${n % 6}`;
      const numbers = Array.from({ length: 120 }, (_, n) => n);
      await peer.write(
        numbers.map((n) => ({ topic: name, type: PRICE, event: priceOf(n), key: keyOf(n) })),
      );
      await Promise.all(numbers.map((n) => {
        const event = aPriceUpdated({ sequence: BigInt(1000 + n) });
        return ours.publish(prices, event, { key: keyOf(n) });
      }));
      await until(() => handled >= 240, "all events");
      assert.equal(seen.size, 6);
      for (const [key, own] of seen) {
        const wanted = numbers.filter((n) => keyOf(n) === key);
        assert.deepEqual(own, [...wanted, ...wanted.map((n) => 1000 + n)], key);
      }
    });

    test(`bus, an event from ${language} that breaks a rule is set aside with its bytes`, async () => {
      const name = freshName();
      const prices = bus.topic(PriceUpdatedSchema, { name });
      await using ours = await open({ consumerGroup: freshName() });
      const handled: bigint[] = [];
      await ours.subscribe(prices, (event) => void handled.push(event.price!.sequence));
      const bad = priceOf(1, { previous_price: "cheap" });
      const record = (event: JsonObject): Wanted => ({ topic: name, type: PRICE, event, key: "k" });
      await peer.write([record(priceOf(0)), record(bad), record(priceOf(2))]);
      await until(() => handled.length === 2, "the valid events");
      assert.deepEqual(handled, [0n, 2n]);
      const [letter, ...more] = await ours.deadLetters(prices).list();
      assert.equal(more.length, 0);
      assert.deepEqual([letter!.reason, letter!.attempts, letter!.key], ["invalid", 0, "k"]);
      assert.match(letter!.message, /previous_price/);
      const value = encode(PriceUpdatedSchema, fromJson(PriceUpdatedSchema, bad));
      assert.deepEqual(letter!.value, value);
    });

    test(`bus, an event from ${language} without a header is handled as its topic says`, async () => {
      const name = freshName();
      const prices = bus.topic(PriceUpdatedSchema, { name });
      await using ours = await open({ consumerGroup: freshName() });
      const got: bus.Delivery<PriceUpdated>[] = [];
      await ours.subscribe(prices, (_, delivery) => void got.push(delivery));
      const event = priceOf(5);
      const [place] = await peer.write([{
        topic: name,
        type: PRICE,
        event,
        key: null,
        bare: true,
      }]);
      await until(() => got.length > 0, "the event");
      const { eventId, key, headers } = got[0]!;
      assert.equal(eventId, `${name}/${place!.partition}/${place!.offset}`);
      assert.deepEqual([key, headers.size], [undefined, 0]);
      assert.deepEqual(toJson(PriceUpdatedSchema, got[0]!.event), event);
    });

    test(`bus, ${language} and TypeScript read each other's compressed events`, async () => {
      for (const compression of CODECS) {
        const name = freshName();
        const prices = bus.topic(PriceUpdatedSchema, { name });
        await using ours = await open({ consumerGroup: freshName() }, { compression });
        const numbers = Array.from({ length: 20 }, (_, n) => n);
        await Promise.all(
          numbers.map((n) =>
            ours.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key: "k" })
          ),
        );
        const theirs = numbers.map((n) => 100 + n);
        await peer.write(
          theirs.map((n) => ({ topic: name, type: PRICE, event: priceOf(n), key: "k" })),
          compression,
        );
        const wanted = [...numbers, ...theirs];
        const got: number[] = [];
        await ours.subscribe(prices, (event) => void got.push(Number(event.price?.sequence)));
        const read = await peer.read([name], wanted.length);
        await until(() => got.length >= wanted.length, `the events of ${compression}`);
        assert.deepEqual(got, wanted, compression);
        assert.deepEqual(
          read.map(({ event }) => {
            const { price } = event as { price: { sequence: string } };
            return Number(price.sequence);
          }),
          wanted,
          compression,
        );
      }
    });
  }
}

function text(value: bus.HeaderValue | undefined): string | undefined {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
}
