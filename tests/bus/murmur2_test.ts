import assert from "node:assert/strict";
import { test } from "node:test";
import { murmur2, partitionOfKey } from "../../bus/mod.ts";
import { VECTORS } from "./_murmur2_vectors.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test("murmur2 gives what the Java client's own tests state", () => {
  // org.apache.kafka.common.utils.UtilsTest
  const stated: [string, number][] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ];
  for (const [text, hash] of stated) assert.equal(murmur2(utf8(text)), hash, text);
});

test("murmur2 of a view over a larger buffer reads the view alone", () => {
  const bytes = utf8("..foobar..");
  assert.equal(murmur2(bytes.subarray(2, 8)), -790332482);
});

for (const partitions of [1, 6, 12, 100]) {
  test(`partitionOfKey agrees with other clients on 100 keys over ${partitions} partitions`, () => {
    for (const [key, hash] of VECTORS) {
      assert.equal(murmur2(utf8(key)), hash, key);
      assert.equal(partitionOfKey(key, partitions), (hash & 0x7fffffff) % partitions, key);
    }
  });
}

test("partitionOfKey spreads keys over all partitions, negative hashes included", () => {
  const hit = new Set(VECTORS.map(([key]) => partitionOfKey(key, 6)));
  assert.deepEqual([...hit].sort(), [0, 1, 2, 3, 4, 5]);
  assert.ok(VECTORS.some(([, hash]) => hash < 0));
});
