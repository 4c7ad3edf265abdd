import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hex, uuidV5, uuidV7 } from "../../internal/ids.ts";

const zeros = (): Uint8Array => new Uint8Array(16);
const ones = (): Uint8Array => new Uint8Array(16).fill(0xff);

test("hex() writes two lower-case digits a byte", () => {
  assert.equal(hex(new Uint8Array([0, 1, 15, 16, 171, 255])), "00010f10abff");
  assert.equal(hex(new Uint8Array()), "");
});

test("uuidV7() writes the example of RFC 9562 appendix A.6", () => {
  const random = new Uint8Array(16);
  // rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F, in the bytes behind the 48 bits of time.
  random.set([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f], 6);
  assert.equal(uuidV7(0x017f22e279b0, random), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
});

test("uuidV7() sets version and variant whatever the random bits are", () => {
  assert.equal(uuidV7(0, zeros()), "00000000-0000-7000-8000-000000000000");
  assert.equal(uuidV7(0, ones()), "00000000-0000-7fff-bfff-ffffffffffff");
});

test("uuidV7() holds the time at either end of 48 bits, so that order stays", () => {
  const most = "ffffffff-ffff-7000-8000-000000000000";
  for (const ms of [2 ** 48 - 1, 2 ** 48, 2 ** 60, Infinity]) {
    assert.equal(uuidV7(ms, zeros()), most);
  }
  const least = "00000000-0000-7000-8000-000000000000";
  for (const ms of [0, -1, -Infinity, 0.9]) assert.equal(uuidV7(ms, zeros()), least);
});

test("uuidV7() sorts by time as text, for any two times", () => {
  const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  fc.assert(fc.property(time, time, (a, b) => {
    if (a < b) assert.ok(uuidV7(a, ones()) < uuidV7(b, zeros()));
  }));
});

test("uuidV5() sets version and variant", async () => {
  const space = "ffffffff-ffff-ffff-ffff-ffffffffffff";
  for (let i = 0; i < 100; i++) {
    assert.match(await uuidV5(space, String(i)), /^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab]/);
  }
});
