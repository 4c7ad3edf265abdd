import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { CqiError } from "../../errors/mod.ts";
import { Secret } from "../../core/mod.ts";
import { parseArray } from "../../database/_array.ts";
import { dateText, parseTimestamptz, timestampText } from "../../database/_time.ts";
import { encode } from "../../database/value.ts";

const text = fc.string({ unit: "binary" })
  .filter((value) => !value.includes("\0") && value.isWellFormed());

test("encode() and parseArray() agree on arrays of texts and nulls", () => {
  fc.assert(fc.property(fc.array(fc.option(text)), (items) => {
    const parsed = parseArray(encode(items, "value")!, (item) => item, () => false);
    assert.deepEqual(parsed, items);
  }));
});

test("encode() and parseArray() agree on arrays in arrays", () => {
  const nested = fc.array(fc.array(text, { minLength: 1 }), { minLength: 1 });
  fc.assert(fc.property(nested, (items) => {
    assert.deepEqual(parseArray(encode(items, "value")!, String, () => false), items);
  }));
});

for (const broken of ["", "{", "}", "{1", '{"a', "{1}}", "1", "{1}x", "{{1}", "[0:1]", "[0:1]="]) {
  test(`parseArray() gives nothing for ${JSON.stringify(broken)}`, () => {
    assert.equal(parseArray(broken, String, () => false), undefined);
  });
}

test("dateText() is read back by parseTimestamptz()", () => {
  const dates = fc.date({ min: new Date(-6e13), max: new Date(8.64e15), noInvalidDate: true });
  fc.assert(fc.property(dates, (date) => {
    assert.deepEqual(parseTimestamptz(dateText(date)!), date);
  }));
});

test("parseTimestamptz() knows zones down to seconds, and cuts microseconds", () => {
  const read = (value: string) => parseTimestamptz(value)?.toISOString();
  assert.equal(read("2026-01-01 00:00:00.123999+05:30"), "2025-12-31T18:30:00.123Z");
  assert.equal(read("1880-01-01 00:00:00-00:25:21"), "1880-01-01T00:25:21.000Z");
  assert.equal(read("2026-01-01 00:00:00.5+00"), "2026-01-01T00:00:00.500Z");
});

test("timestampText() keeps microseconds, in any zone", () => {
  assert.equal(timestampText("2026-01-01 00:00:00.123999+05:30"), "2025-12-31T18:30:00.123999Z");
  assert.equal(timestampText("2026-01-01 00:00:00.0001+00"), "2026-01-01T00:00:00.0001Z");
  assert.equal(timestampText("2026-01-01 00:00:00.5+00"), "2026-01-01T00:00:00.500Z");
  assert.equal(timestampText("infinity"), undefined);
});

for (const other of ["infinity", "-infinity", "294276-12-31 23:59:59+00", "2026-01-01", ""]) {
  test(`parseTimestamptz() gives nothing for '${other}'`, () => {
    assert.equal(parseTimestamptz(other), undefined);
  });
}

for (
  const [what, value] of Object.entries({
    "undefined": undefined,
    "an object": { a: 1 },
    "a secret": new Secret("hunter2"),
    "an invalid date": new Date(Number.NaN),
    "a promise": Promise.resolve(1),
    "seven dimensions": [[[[[[[1]]]]]]],
    "a hole in an array": [, 1],
    "NUL deep in an array": [["a\0"]],
    "half a surrogate pair": "\udc00",
  })
) {
  test(`encode() refuses ${what}, and does not show it`, () => {
    assert.throws(() => encode(value, "value $3"), (error: unknown) => {
      assert(error instanceof CqiError && error.code === "CQI_DATABASE_QUERY");
      assert.match(error.message, /^Cannot bind value \$3: /);
      assert(!error.message.includes("hunter2"));
      return true;
    });
  });
}

test("encode() refuses an array that holds itself", () => {
  const loop: unknown[] = [];
  loop.push(loop);
  assert.throws(() => encode(loop, "value"), { code: "CQI_DATABASE_QUERY" });
});
