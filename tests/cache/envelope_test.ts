import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seal, typeHash, unseal } from "../../cache/_envelope.ts";

const HASH = typeHash("cqc.portfolio.v1.Position");
const payload = fc.uint8Array({ maxLength: 64 });
const fresh = fc.constantFrom(Infinity, 0, 1_767_225_600_000);

test("typeHash() is 32-bit FNV-1a", () => {
  assert.equal(typeHash(""), 0x811c9dc5);
  assert.equal(typeHash("foobar"), 0xbf9cf968);
});

test("unseal() gives back what seal() was given", () => {
  fc.assert(fc.property(payload, fresh, (bytes, freshUntil) => {
    const opened = unseal(HASH, seal(HASH, bytes, freshUntil));
    assert.deepEqual(opened, { payload: bytes, freshUntil });
  }));
});

test("unseal() tells absence from an empty value", () => {
  assert.equal(unseal(HASH, seal(HASH, undefined, Infinity))?.payload, undefined);
  assert.equal(unseal(HASH, seal(HASH, new Uint8Array(), Infinity))?.payload?.length, 0);
});

test("unseal() refuses every truncation and every extension (R2)", () => {
  fc.assert(fc.property(payload, fresh, fc.nat(100), (bytes, freshUntil, cut) => {
    const whole = seal(HASH, bytes, freshUntil);
    assert.equal(unseal(HASH, whole.subarray(0, cut % whole.length)), undefined);
    assert.equal(unseal(HASH, new Uint8Array([...whole, 0])), undefined);
  }));
});

test("unseal() refuses another type's value (R2)", () => {
  const bytes = seal(typeHash("cqc.markets.v1.Price"), new Uint8Array([1]), Infinity);
  assert.equal(unseal(HASH, bytes), undefined);
});

test("unseal() takes any bytes without throwing (R2)", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void unseal(HASH, bytes)));
});

test("unseal() reads a view into a larger buffer", () => {
  const sealed = seal(HASH, new Uint8Array([1, 2]), 5);
  const buffer = new Uint8Array(100);
  buffer.set(sealed, 33);
  const opened = unseal(HASH, buffer.subarray(33, 33 + sealed.length));
  assert.deepEqual(opened, { payload: new Uint8Array([1, 2]), freshUntil: 5 });
});

test("seal() copies, so that a later change of the value changes nothing", () => {
  const bytes = new Uint8Array([1]);
  const sealed = seal(HASH, bytes, Infinity);
  bytes[0] = 9;
  assert.deepEqual(unseal(HASH, sealed)?.payload, new Uint8Array([1]));
});
