import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  duration,
  type DurationInput,
  durationMs,
  parseDuration,
  toMilliseconds,
} from "../../core/mod.ts";

const READ: Readonly<Record<string, number>> = {
  "250ms": 250,
  "0ms": 0,
  "0s": 0,
  "5s": 5000,
  "1.5s": 1500,
  "0.25ms": 0.25,
  "90m": 5_400_000,
  "1h30m": 5_400_000,
  "30m1h": 5_400_000,
  "1d": 86_400_000,
  "1d2h3m4s5ms": 93_784_005,
  "1m1ms": 60_001,
  "007s": 7000,
};

for (const [text, ms] of Object.entries(READ)) {
  test(`parseDuration() reads '${text}' as ${ms} ms`, () => {
    assert.equal(parseDuration(text), ms);
  });
}

const REFUSED: readonly string[] = [
  "",
  " ",
  "5",
  "s",
  "ms",
  ".5s",
  "5.s",
  "1.5.2s",
  "10 minuts",
  "10 s",
  " 5s",
  "5s ",
  "5s\n",
  "1e3s",
  "1_000s",
  "1,5s",
  "0x10s",
  "-1s",
  "+1s",
  "1s-2ms",
  "1s1s",
  "1h1m1h",
  "5S",
  "5us",
  "5w",
  "NaN",
  "NaNs",
  "Infinity",
  "Infinitys",
  "٥s",
  "5ｓ",
  "1s__proto__",
  "1constructor",
  "1234567890123456s",
  "1.1234567890s",
  `${"1".repeat(70)}s`,
  "1s".repeat(1e6),
];

for (const text of REFUSED) {
  test(`parseDuration() refuses ${JSON.stringify(text.slice(0, 20))} (${text.length})`, () => {
    assert.equal(parseDuration(text), undefined);
  });
}

test("toMilliseconds() takes numbers as milliseconds, Infinity included", () => {
  for (const ms of [0, 0.5, 250, 2 ** 53, Infinity]) assert.equal(toMilliseconds("ttl", ms), ms);
  assert.equal(toMilliseconds("ttl", "2s"), 2000);
});

test("toMilliseconds() names the option, what it is and what is wanted", () => {
  const wanted = "it must be milliseconds or a duration such as '250ms' or '1h30m'";
  const shapes: readonly (readonly [unknown, string])[] = [
    [-1, "-1"],
    [NaN, "NaN"],
    [-Infinity, "-Infinity"],
    ["hunter2", "a string of 7 characters"],
    [null, "null"],
    [undefined, "of type undefined"],
    [5n, "5n"],
    [{}, "an object"],
    [["5s"], "an array of 1"],
  ];
  for (const [value, shape] of shapes) {
    assert.throws(() => toMilliseconds("ttl", value as DurationInput), {
      code: "CQI_OPTION_INVALID",
      message: `Cannot use option 'ttl': ${wanted}, current value is ${shape}`,
    });
  }
});

test("duration() splits into seconds and nanoseconds", () => {
  assert.deepEqual(duration(0), { seconds: 0n, nanos: 0 });
  assert.deepEqual(duration("90m"), { seconds: 5400n, nanos: 0 });
  assert.deepEqual(duration(1.000001), { seconds: 0n, nanos: 1_000_001 });
  assert.deepEqual(duration(999.999999), { seconds: 0n, nanos: 999_999_999 });
});

test("duration() carries what rounds up to a whole second", () => {
  assert.deepEqual(duration(999.9999999), { seconds: 1n, nanos: 0 });
  assert.deepEqual(duration(1999.9999999), { seconds: 2n, nanos: 0 });
});

test("duration() refuses what a Duration cannot hold", () => {
  const most = 315_576_000_000_000;
  assert.deepEqual(duration(most), { seconds: 315_576_000_000n, nanos: 0 });
  for (const value of [most + 1000, Infinity, NaN, -1, "99999999999d"] as const) {
    assert.throws(() => duration(value), { code: "CQI_OPTION_INVALID" });
  }
});

test("durationMs() reads absence as the fallback, and zero as zero", () => {
  assert.equal(durationMs(undefined, 5000), 5000);
  assert.equal(durationMs({ seconds: 0n, nanos: 0 }, 5000), 0);
  assert.equal(durationMs({ seconds: -1n, nanos: -500_000_000 }, 5000), -1500);
});

test("duration() and durationMs() undo each other, to the nanosecond", () => {
  const nanoseconds = fc.bigInt({ min: 0n, max: 9_000_000_000_000_000n });
  fc.assert(fc.property(nanoseconds, (total) => {
    const fields = duration(Number(total) / 1e6);
    assert.ok(fields.nanos >= 0 && fields.nanos < 1e9);
    const read = fields.seconds * 1_000_000_000n + BigInt(fields.nanos);
    // Milliseconds are a double: 53 bits, and one rounding each way.
    assert.ok(read - total <= 2n && total - read <= 2n, `${total} became ${read}`);
    assert.ok(Math.abs(durationMs(fields, -1) - Number(total) / 1e6) < 1e-5);
  }));
});

test("duration() and durationMs() keep whole milliseconds exactly", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 315_576_000_000_000 }), (ms) => {
    assert.equal(durationMs(duration(ms), -1), ms);
  }));
});

test("parseDuration() reads what it is given in any order of units", () => {
  const units = fc.shuffledSubarray(["ms", "s", "m", "h", "d"], { minLength: 1 });
  const counts = fc.array(fc.nat(99_999), { minLength: 5, maxLength: 5 });
  fc.assert(fc.property(units, counts, (names, numbers) => {
    const text = names.map((name, i) => `${numbers[i]}${name}`);
    const sum = text.reduce((total, part) => total + parseDuration(part)!, 0);
    assert.equal(parseDuration(text.join("")), sum);
  }));
});
