import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../internal/ids.ts";
import { systemRandom } from "../../internal/random.ts";

const POOL_BYTES = 4096;

/** The pool itself, seen as it is filled anew. */
function capturePool(): Uint8Array {
  const own = crypto.getRandomValues.bind(crypto);
  let pool: Uint8Array | undefined;
  crypto.getRandomValues = (array) => {
    if (array instanceof Uint8Array) pool = array;
    return own(array);
  };
  try {
    systemRandom.bytes(POOL_BYTES);
    systemRandom.bytes(POOL_BYTES);
  } finally {
    crypto.getRandomValues = own;
  }
  return pool ?? assert.fail("the pool was not filled");
}

test("bytes() gives as many as were asked for, up to the most", () => {
  for (const length of [0, 1, 16, 4095, 4096, 4097, 65_536]) {
    assert.equal(systemRandom.bytes(length).length, length);
  }
});

test("bytes() gives 100,000 different ids", () => {
  const ids = new Set(Array.from({ length: 100_000 }, () => hex(systemRandom.bytes(16))));
  assert.equal(ids.size, 100_000);
});

test("bytes() never gives the same bytes twice, across odd lengths and refills", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 5000; i++) {
    const id = hex(systemRandom.bytes(9 + (i % 40)).subarray(0, 9));
    assert.ok(!seen.has(id));
    seen.add(id);
  }
});

test("bytes() gives more than the pool holds, all of them random", () => {
  const bytes = systemRandom.bytes(65_536);
  for (let at = 0; at < bytes.length; at += 1024) {
    assert.ok(new Set(bytes.subarray(at, at + 1024)).size > 200);
  }
});

test("bytes() wipes from the pool what it gave out", () => {
  const pool = capturePool();
  assert.equal(pool.length, POOL_BYTES);
  assert.ok(pool.every((byte) => byte === 0));
});

test("bytes() gives a copy: who changes it changes nothing else", () => {
  const pool = capturePool();
  systemRandom.bytes(16).fill(0xff);
  assert.ok(pool.subarray(0, 16).every((byte) => byte === 0));
});

test("bytes() refuses a length that is no count, and goes on well", () => {
  systemRandom.bytes(100);
  for (const length of [-1, -4096, 1.5, NaN, Infinity, 65_537]) {
    assert.throws(() => systemRandom.bytes(length), { code: "CQI_OPTION_INVALID" });
  }
  assert.throws(() => systemRandom.bytes("16" as unknown as number), /a whole number from 0/);
  assert.ok(systemRandom.bytes(64).some((byte) => byte !== 0));
});

test("bytes() spread evenly over their values", () => {
  const counts = new Array<number>(256).fill(0);
  for (let i = 0; i < 64; i++) for (const byte of systemRandom.bytes(4096)) counts[byte]!++;
  // 262,144 bytes: 1,024 of each, standard deviation 32. Eight of them are not seen in a lifetime.
  for (const count of counts) assert.ok(Math.abs(count - 1024) < 256);
});

test("next() is at least 0 and below 1", () => {
  for (let i = 0; i < 10_000; i++) {
    const value = systemRandom.next();
    assert.ok(value >= 0 && value < 1);
  }
});
