import assert from "node:assert/strict";
import { test } from "node:test";
import { partitionOfKey } from "../../bus/mod.ts";
import { partsOf } from "../../bus/drivers/_kafka_parts.ts";
import { HASHES, keyNumber } from "./_kafka_java_hashes.ts";

const keys = HASHES.map((_, n) => keyNumber(n));

for (const count of [1, 6, 12, 100]) {
  const wanted = HASHES.map((hash) => (hash & 0x7fffffff) % count);

  test(`row 10 1,000 keys go to the partition where Java's client puts them, of ${count}`, () => {
    assert.equal(new Set(keys).size, 1000);
    assert.deepEqual(keys.map((key) => partitionOfKey(key, count)), wanted);
  });

  test(`row 10 the driver kafka puts each of 1,000 keys there, of ${count}`, () => {
    const cut = partsOf(new Map(), () => 0);
    const topics = new Map([["t", { partitions: { length: count } }]]);
    const records = keys.map((key) => ({
      topic: "t",
      key,
      value: null,
      headers: new Map(),
      timestampMs: 0,
    }));
    const found = new Map<string, number>();
    for (const part of cut(records, topics, [])) {
      for (const record of part.records) found.set(record.key!, part.partition);
    }
    assert.deepEqual(keys.map((key) => found.get(key)), wanted);
  });
}
