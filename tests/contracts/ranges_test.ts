import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { decimals, integers } from "../../tools/schema/ranges.ts";

const whole = (source: string): RegExp => new RegExp(`^${source}$`, "u");
const bounds = fc.tuple(fc.bigInt(0n, 10n ** 20n), fc.bigInt(0n, 10n ** 20n)).map(([a, b]) =>
  a < b ? { min: a, max: b } : { min: b, max: a }
);

test("integers matches every whole number within its bounds and none outside", () => {
  fc.assert(fc.property(bounds, fc.bigInt(0n, 10n ** 21n), ({ min, max }, value) => {
    const range = whole(integers(min, max));
    for (const each of [value, min, max, min - 1n, max + 1n, (min + max) / 2n]) {
      assert.equal(range.test(String(each)), each >= min && each <= max, `${each}`);
    }
  }));
});

test("integers agrees with counting for all small bounds", () => {
  for (let min = 0; min <= 120; min += 7) {
    for (let max = min; max <= 1100; max += 83) {
      const range = whole(integers(BigInt(min), BigInt(max)));
      for (let value = 0; value <= 1200; value++) {
        assert.equal(range.test(String(value)), value >= min && value <= max, `${value}`);
      }
    }
  }
});

test("integers matches no leading zero, sign or fraction", () => {
  const range = whole(integers(0n, 65535n));
  for (const text of ["", "00", "01", "-1", "+1", "1.0", "1e1", "1\n", " 1"]) {
    assert.ok(!range.test(text), JSON.stringify(text));
  }
});

test("integers refuses bounds that are negative or the wrong way round", () => {
  assert.throws(() => integers(-1n, 1n), /Cannot write a range/);
  assert.throws(() => integers(2n, 1n), /Cannot write a range/);
});

test("decimals matches what lies within its bounds, fractions included", () => {
  const small = fc.tuple(fc.bigInt(0n, 5000n), fc.bigInt(1n, 5000n)).map(([min, more]) => ({
    min,
    max: min + more,
  }));
  const value = fc.tuple(fc.bigInt(0n, 11_000n), fc.stringMatching(/^[0-9]{0,9}$/));
  fc.assert(fc.property(small, fc.boolean(), value, ({ min, max }, above, [int, fraction]) => {
    const range = whole(decimals({ min, above, max, fraction: 9 }));
    for (const each of [int, min, max, min - 1n, max - 1n]) {
      if (each < 0n) continue;
      const scaled = each * 10n ** 9n + BigInt(fraction.padEnd(9, "0"));
      const isIn = (above ? scaled > min * 10n ** 9n : scaled >= min * 10n ** 9n) &&
        scaled <= max * 10n ** 9n;
      const text = fraction === "" ? String(each) : `${each}.${fraction}`;
      assert.equal(range.test(text), isIn, `${text} in ${min}..${max}, ${above}`);
    }
  }));
});
