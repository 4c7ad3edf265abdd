import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { type Bus, type BusRecord, HEADER, type HeaderValue } from "../../bus/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { freshTopic } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { openOn } from "./_kit.ts";

async function firstRecord(bus: Bus, topic: string): Promise<BusRecord> {
  for await (const record of bus.records(topic)) return record;
  throw new Error("The stream ended");
}

const manyHeaders = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`h${n}`, "v"]));

const REFUSED: [name: string, headers: Record<string, unknown>][] = [
  ["an empty name", { "": "v" }],
  ["a name of 129 characters", { ["n".repeat(129)]: "v" }],
  ["a name with an upper-case letter", { Tenant: "v" }],
  ["a name with a space", { "a b": "v" }],
  ["a name with CR LF", { "a\r\nset-cookie": "v" }],
  ["a name with a line feed at its end", { "a\n": "v" }],
  ["a name with NUL", { "a\0": "v" }],
  ["a name beyond ASCII", { "größe": "v" }],
  ["a name of a CloudEvents attribute", { ce_id: "v" }],
  ["a name with the prefix ce_", { ce_anything: "v" }],
  ["a name with the prefix cqc_", { cqc_dlq_reason: "v" }],
  ["a name with the prefix cqi-", { "cqi-tenant": "v" }],
  ["traceparent", { traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01` }],
  ["tracestate", { tracestate: "a=b" }],
  ["baggage", { baggage: "a=b" }],
  ["content-type", { "content-type": "text/plain" }],
  ["a value with CR LF", { a: "v\r\nx: y" }],
  ["a value with NUL", { a: "\0" }],
  ["a value with DEL", { a: "\x7f" }],
  ["a value with a lone surrogate", { a: "\ud800" }],
  ["a text of 8193 bytes", { a: "v".repeat(8193) }],
  ["a text of 8193 bytes in fewer characters", { a: "é".repeat(4097) }],
  ["bytes beyond the limit", { a: new Uint8Array(8193) }],
  ["null as value", { a: null }],
  ["undefined as value", { a: undefined }],
  ["a number as value", { a: 1 }],
  ["an object as value", { a: {} }],
  ["an ArrayBuffer as value", { a: new ArrayBuffer(2) }],
  ["65 headers", manyHeaders],
];

for (const [what, headers] of REFUSED) {
  test(`B1 publish refuses ${what} in its headers and writes nothing`, async () => {
    const broker = createBroker();
    await using bus = await openOn(broker);
    const prices = freshTopic();
    const options = { headers: headers as Record<string, HeaderValue> };
    await assert.rejects(bus.publish(prices, aPriceUpdated(), options), (error) => {
      assert.ok(isCqiError(error, "CQI_BUS_HEADER_INVALID"), String(error));
      // deno-lint-ignore no-control-regex -- an error goes into logs
      assert.doesNotMatch(error.message, /[\x00-\x1f]/);
      return true;
    });
    assert.ok(broker.topic(prices.name).logs.every((log) => log.records.length === 0));
  });
}

const TAKEN: [name: string, headers: Record<string, HeaderValue>][] = [
  ["a name of 128 characters", { ["n".repeat(128)]: "v" }],
  ["all kinds of characters of a name", { "a.b_c-1": "v" }],
  ["an empty value", { a: "" }],
  ["text beyond ASCII", { a: "füßchen 🚀" }],
  ["8192 bytes of text", { a: "é".repeat(4096) }],
  ["bytes of all values", { a: Uint8Array.from({ length: 256 }, (_, n) => n) }],
  ["__proto__ as a plain name", { ["__proto__"]: "v" }],
];

for (const [what, headers] of TAKEN) {
  test(`B1 publish takes ${what} in its headers and hands it on untouched`, async () => {
    await using bus = await openOn(createBroker());
    const prices = freshTopic();
    await bus.publish(prices, aPriceUpdated(), { headers });
    const record = await firstRecord(bus, prices.name);
    for (const [name, value] of Object.entries(headers)) {
      assert.deepEqual(record.headers.get(name), value);
    }
  });
}

for (
  const [what, options] of [
    ["key", { key: "a\r\nb" }],
    ["key with a lone surrogate", { key: "\udc00" }],
    ["key that is no text", { key: 7 as unknown as string }],
    ["correlationId", { correlationId: "a\nb" }],
    ["causationId", { causationId: "\0" }],
    ["correlationId beyond the limit", { correlationId: "c".repeat(8193) }],
  ] as const
) {
  test(`B1 publish refuses a hostile ${what}`, async () => {
    await using bus = await openOn(createBroker());
    const wrong = bus.publish(freshTopic(), aPriceUpdated(), options);
    await assert.rejects(wrong, { code: "CQI_BUS_HEADER_INVALID" });
  });
}

test("B1 a published record is a CloudEvent in binary mode with our extensions", async () => {
  await using bus = await openOn(createBroker(), {}, {
    service: { name: "cq pm", instanceId: "a/b" },
  });
  const prices = freshTopic();
  const { eventId } = await bus.publish(prices, aPriceUpdated(), { key: "k", causationId: "c-1" });
  const { headers } = await firstRecord(bus, prices.name);
  const { ce_time: time, ...rest } = Object.fromEntries(headers);
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, {
    "content-type": "application/protobuf",
    ce_specversion: "1.0",
    ce_id: eventId,
    ce_source: "/cq/cq-pm/a-b",
    ce_type: "cqc.events.v1.PriceUpdated",
    ce_dataschema: "type.googleapis.com/cqc.events.v1.PriceUpdated",
    ce_partitionkey: "k",
    ce_correlationid: eventId,
    ce_causationid: "c-1",
  });
});

const HOSTILE_INBOUND: [what: string, name: string, value: HeaderValue][] = [
  ["ids with CR LF", HEADER.id, "x\r\ny"],
  ["ids beyond 256 characters", HEADER.id, "x".repeat(257)],
  ["ids that are not UTF-8", HEADER.id, new Uint8Array([0xff, 0xfe])],
  ["empty ids", HEADER.id, ""],
  ["correlation ids with NUL", HEADER.correlationId, "\0"],
  ["correlation ids of a megabyte", HEADER.correlationId, "x".repeat(2 ** 20)],
  ["a trace that is none", HEADER.traceparent, "00-zz-zz-zz"],
];

for (const [what, name, value] of HOSTILE_INBOUND) {
  test(`B1 a handler never sees or hands on inbound ${what}`, async () => {
    const broker = createBroker();
    await using foreign = await openOn(broker, {}, {
      publishMiddleware: [
        (record, wait, next) =>
          next({ ...record, headers: new Map([...record.headers, [name, value]]) }, wait),
      ],
    });
    await using bus = await openOn(broker);
    const [prices, after] = [freshTopic(), freshTopic()];
    const seen = Promise.withResolvers<{ id: string; correlation: string }>();
    await bus.subscribe(prices, async (event, { eventId, correlationId }) => {
      await bus.publish(after, { price: event.price! });
      seen.resolve({ id: eventId, correlation: correlationId });
    });
    await foreign.publish(prices, aPriceUpdated());
    const { id, correlation } = await seen.promise;
    // deno-lint-ignore no-control-regex -- what must not be there
    const clean = /^[^\x00-\x1f]{1,256}$/;
    assert.match(id, clean);
    assert.match(correlation, clean);
    const record = await firstRecord(bus, after.name);
    assert.match(String(record.headers.get(HEADER.correlationId)), clean);
    assert.match(String(record.headers.get(HEADER.causationId)), clean);
  });
}
