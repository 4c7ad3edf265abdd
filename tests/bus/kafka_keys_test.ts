import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { keyBytes, keyText } from "../../bus/drivers/_kafka_keys.ts";
import { partsOf } from "../../bus/drivers/_kafka_parts.ts";
import { readPartition, recordWriter } from "../../bus/drivers/_kafka_records.ts";
import { murmur2 } from "../../bus/murmur2.ts";
import { emptyPart, partOf } from "./_kafka_cluster.ts";

const written = (key: string) =>
  recordWriter()(
    { topic: "t", key, value: null, headers: new Map(), timestampMs: 0 },
    0,
  ).key as Buffer;

test("keyBytes gives back any bytes that keyText was given", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      assert.deepEqual([...keyBytes(keyText(bytes))], [...bytes]);
    }),
    { numRuns: 2000 },
  );
});

test("keyText gives keys that differ texts that differ, and text its own", () => {
  const bytes = fc.uint8Array({ maxLength: 6 });
  fc.assert(fc.property(bytes, bytes, (a, b) => {
    assert.equal(keyText(a) === keyText(b), Buffer.from(a).equals(Buffer.from(b)));
  }));
  fc.assert(fc.property(fc.array(fc.nat(0x10ffff), { maxLength: 8 }), (points) => {
    const text = String.fromCodePoint(...points).toWellFormed();
    assert.equal(keyText(Buffer.from(text)), text);
  }));
});

test("keyBytes writes well-formed text as UTF-8, characters beyond 16 bits as well", () => {
  const text = "\ufeffk\u{1f600}\u{10fc80}é";
  assert.deepEqual(keyBytes(text), Buffer.from(text));
});

test("keyText takes a megabyte that is no UTF-8 in good time", () => {
  const bytes = new Uint8Array(1_000_000).fill(0xff);
  assert.equal(keyBytes(keyText(bytes)).length, 1_000_000);
});

test("readPartition and recordWriter carry a key of arbitrary bytes unchanged", () => {
  const key = Buffer.from([0, 0xff, 0xfe, 0xed, 0xa0, 0x80, 0x41, 0xc3, 0xa9, 0xc3]);
  const part = partOf(0, 0n, 1);
  Object.assign(part.records![0]!.records[0]!, { key });
  const { records: [record] } = readPartition({ topic: "t", partition: 0 }, 0n, part);
  assert.deepEqual(written(record!.key!), key);
  assert.equal(emptyPart(0).errorCode, 0);
});

test("partsOf puts a key of arbitrary bytes where Java's client puts those bytes", () => {
  const key = Uint8Array.of(0xff, 0x00, 0x80);
  const record = {
    topic: "t",
    key: keyText(key),
    value: null,
    headers: new Map(),
    timestampMs: 0,
  };
  const [part] = partsOf(new Map(), () => 0)(
    [record],
    new Map([["t", { partitions: { length: 97 } }]]),
    [],
  );
  assert.equal(part!.partition, (murmur2(key) & 0x7fffffff) % 97);
});
