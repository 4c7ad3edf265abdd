import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { decimal, violations } from "../../contracts/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { FeeSchema } from "../../gen/ts/cqc/venues/v1/mod.ts";

const refused = (call: () => unknown): void => {
  assert.throws(call, (error) => isCqiError(error, "CQI_DECIMAL_INVALID"));
};

const digits = (min: number, max: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(..."0123456789"), { minLength: min, maxLength: max }).map((all) =>
    all.join("")
  );

/** Decimals of up to `whole` digits before and `fraction` behind the point. */
const decimals = (whole = 18, fraction = 18): fc.Arbitrary<string> =>
  fc.tuple(fc.boolean(), digits(0, whole), digits(0, fraction)).map(([negative, left, right]) => {
    const text = (left.replace(/^0+/, "") || "0") + (right === "" ? "" : `.${right}`);
    return negative && /[1-9]/.test(text) ? `-${text}` : text;
  });

/** The value as a fraction over 10^38, to check results in another way than the code's. */
function big(text: string): bigint {
  const [whole = "", fraction = ""] = text.replace("-", "").split(".");
  const value = BigInt(whole + fraction.padEnd(38, "0"));
  return text.startsWith("-") ? -value : value;
}

test("decimal.isDecimal, agrees with the rule of the contracts on any text", () => {
  const texts = fc.oneof(
    decimals(40, 40),
    fc.string({ maxLength: 6 }),
    fc.stringMatching(/^[-+0-9.eE\n ]{0,8}$/),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const fee = create(FeeSchema, {
        assetId: "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
        amount: text,
        kind: 1,
      });
      assert.equal(decimal.isDecimal(text), violations(FeeSchema, fee).length === 0);
    }),
    { numRuns: 2000, seed: 17 },
  );
});

test("decimal.parse, refuses what is no decimal", () => {
  const bad = ["1e5", "+1", ".5", "01", "NaN", "-0", "-0.0", "", "1\n", "1.", " 1", "٣", "1_0"];
  for (const text of [...bad, "1".repeat(39), `0.${"1".repeat(39)}`, "1".repeat(1e6)]) {
    refused(() => decimal.parse(text));
  }
  for (const value of [1, 1n, null, undefined, {}]) refused(() => decimal.parse(value as never));
});

test("decimal.parse, does not quote what it refuses", () => {
  assert.throws(() => decimal.parse("canary"), (error: Error) => !/canary/.test(error.message));
});

test("decimal.format, gives back what parse took apart, for all that 38 and 38 digits hold", () => {
  fc.assert(
    fc.property(decimals(38, 38), (text) => {
      assert.equal(decimal.format(decimal.parse(text)), text);
    }),
    { seed: 19 },
  );
});

test("decimal.format, refuses parts out of bounds", () => {
  refused(() => decimal.format({ coefficient: 1n, scale: 39 }));
  refused(() => decimal.format({ coefficient: 1n, scale: -1 }));
  refused(() => decimal.format({ coefficient: 10n ** 38n, scale: 0 }));
});

test("decimal.format, refuses a scale that is no whole number and digits that are no bigint", () => {
  for (const scale of [0.5, NaN, "1" as unknown as number]) {
    refused(() => decimal.format({ coefficient: 5n, scale }));
  }
  refused(() => decimal.format({ coefficient: 5 as unknown as bigint, scale: 1 }));
});

test("decimal.from, gives the shortest form of a number", () => {
  assert.deepEqual([0.1, 1e-7, 1e21, -0, 5, 1.5e-10, 123456.789].map(decimal.from), [
    "0.1",
    "0.0000001",
    "1000000000000000000000",
    "0",
    "5",
    "0.00000000015",
    "123456.789",
  ]);
});

test("decimal.from, takes what sources write", () => {
  const given = ["+1.50", ".5", "007", "1.", "1e-8", "2.5E+3", "-0", "-0.00", "00.10", "0e999"];
  assert.deepEqual(given.map(decimal.from), [
    "1.50",
    "0.5",
    "7",
    "1",
    "0.00000001",
    "2500",
    "0",
    "0.00",
    "0.10",
    "0",
  ]);
  assert.equal(decimal.from(-12345678901234567890n), "-12345678901234567890");
});

test("decimal.from, refuses what is no number or does not fit", () => {
  for (const value of [NaN, Infinity, -Infinity, "", ".", "-", "1e", "e5", "0x10", "1 ", "1\n"]) {
    refused(() => decimal.from(value));
  }
  for (const value of ["1e38", "1e-39", "1e999", "1e-999", 1e300, 5e-324, 10n ** 38n]) {
    refused(() => decimal.from(value));
  }
});

test("decimal.from, loses nothing of any double that fits", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-20, max: 1e20, noNaN: true }), (value) => {
      assert.equal(decimal.toNumber(decimal.from(value)), value);
      assert.equal(decimal.toNumber(decimal.from(-value)), -value);
    }),
    { seed: 23 },
  );
});

test("decimal.add, subtract and compare are exact", () => {
  fc.assert(
    fc.property(decimals(), decimals(), (a, b) => {
      assert.equal(big(decimal.add(a, b)), big(a) + big(b));
      assert.equal(big(decimal.subtract(a, b)), big(a) - big(b));
      assert.equal(decimal.compare(a, b), big(a) < big(b) ? -1 : big(a) > big(b) ? 1 : 0);
      assert.equal(decimal.equals(a, b), big(a) === big(b));
    }),
    { seed: 29 },
  );
});

test("decimal, every result is a decimal of the contracts", () => {
  const modes = fc.constantFrom<decimal.Rounding>(
    "half-even",
    "half-up",
    "down",
    "up",
    "floor",
    "ceiling",
  );
  fc.assert(
    fc.property(decimals(), decimals(), fc.nat(38), modes, (a, b, scale, rounding) => {
      const options = { scale: Math.min(scale, 18), rounding };
      const results = [
        decimal.add(a, b),
        decimal.subtract(a, b),
        decimal.multiply(a, b),
        decimal.multiply(a, b, options),
        decimal.negate(a),
        decimal.abs(a),
        decimal.normalize(a),
        decimal.toScale(a, options),
        decimal.min(a, b),
        decimal.max(a, b),
        decimal.sum([a, b, a]),
        ...(decimal.isZero(b) ? [] : [decimal.divide(a, b, options)]),
        ...(decimal.sign(b) > 0 ? [decimal.roundToTick(a, b, { rounding })] : []),
      ];
      for (const result of results) assert.ok(decimal.isDecimal(result), result);
    }),
    { seed: 31 },
  );
});

test("decimal.add, keeps the scale of the finer one", () => {
  assert.equal(decimal.add("1.10", "2.2"), "3.30");
  assert.equal(decimal.subtract("1.0", "1.00"), "0.00");
});

test("decimal.add, refuses a result of 39 digits", () => {
  refused(() => decimal.add("9".repeat(38), "1"));
  assert.equal(decimal.add("9".repeat(37), "1"), `1${"0".repeat(37)}`);
});

test("decimal.sum, of none is zero and of many is exact", () => {
  assert.equal(decimal.sum([]), "0");
  assert.equal(decimal.sum(Array.from({ length: 1000 }, () => "0.001")), "1.000");
});

test("decimal.sum, is bounded by its result alone, not by the order of what it adds up", () => {
  const most = "9".repeat(38);
  assert.equal(decimal.sum([most, "1", "-1"]), most);
  assert.equal(decimal.sum([most, "0.5", `-${most}`]), "0.5");
  refused(() => decimal.sum([most, "1"]));
});

test("decimal.multiply, is exact and adds the scales", () => {
  fc.assert(
    fc.property(decimals(), decimals(), (a, b) => {
      assert.equal(big(decimal.multiply(a, b)) * 10n ** 38n, big(a) * big(b));
    }),
    { seed: 37 },
  );
  assert.equal(decimal.multiply("1.50", "2"), "3.00");
  assert.equal(decimal.multiply("-0.5", "0.0"), "0.00");
});

test("decimal.multiply, drops zeros beyond 38 digits and refuses other digits there", () => {
  const tiny = `0.${"0".repeat(19)}1`;
  assert.equal(decimal.multiply(`${tiny}0`, "1.0000000000000000000"), `${tiny}${"0".repeat(18)}`);
  refused(() => decimal.multiply(tiny, tiny));
  assert.equal(decimal.multiply(tiny, tiny, { scale: 2, rounding: "up" }), "0.01");
  refused(() => decimal.multiply("9".repeat(20), "9".repeat(20)));
});

test("decimal.divide, is within half a unit of the last digit when rounded to the nearest", () => {
  fc.assert(
    fc.property(decimals(), decimals(), fc.nat(18), (a, b, scale) => {
      fc.pre(!decimal.isZero(b));
      const quotient = decimal.divide(a, b, { scale });
      // |a - q*b| <= |b| / 2 / 10^scale, with everything as whole numbers.
      const error = big(a) * 10n ** 38n - big(quotient) * big(b);
      const bound = big(decimal.abs(b)) * 10n ** BigInt(38 - scale);
      assert.ok(2n * (error < 0n ? -error : error) <= bound);
    }),
    { seed: 41 },
  );
});

test("decimal.divide, refuses a zero divisor", () => {
  refused(() => decimal.divide("1", "0.00", { scale: 2 }));
});

test("decimal.divide, rounding modes on both sides of zero", () => {
  const table: Record<decimal.Rounding, string[]> = {
    "half-even": ["0", "2", "2", "0", "-2", "-2", "1", "-1"],
    "half-up": ["1", "2", "3", "-1", "-2", "-3", "1", "-1"],
    "down": ["0", "1", "2", "0", "-1", "-2", "0", "0"],
    "up": ["1", "2", "3", "-1", "-2", "-3", "1", "-1"],
    "floor": ["0", "1", "2", "-1", "-2", "-3", "0", "-1"],
    "ceiling": ["1", "2", "3", "0", "-1", "-2", "1", "0"],
  };
  for (const [rounding, want] of Object.entries(table)) {
    const options = { scale: 0, rounding: rounding as decimal.Rounding };
    const halves = ["0.5", "1.5", "2.5", "-0.5", "-1.5", "-2.5", "0.51", "-0.51"];
    assert.deepEqual(halves.map((text) => decimal.toScale(text, options)), want, rounding);
    assert.deepEqual(halves.map((text) => decimal.divide(text, "1", options)), want, rounding);
  }
});

test("decimal, an unknown rounding mode is refused", () => {
  refused(() => decimal.toScale("1.5", { scale: 0, rounding: "nearest" as never }));
  refused(() => decimal.roundToTick("1.5", "1", { rounding: "" as never }));
  // Also where there is nothing to round, so that it is not found out by the first odd price.
  refused(() => decimal.toScale("1.5", { scale: 4, rounding: "nearest" as never }));
  refused(() => decimal.roundToTick("2", "1", { rounding: "HALF_UP" as never }));
  refused(() => decimal.divide("4", "2", { scale: 0, rounding: null as never }));
  refused(() => decimal.multiply("1", "1", { scale: 2, rounding: "toString" as never }));
});

test("decimal.toScale, refuses a scale that is no whole number from 0 to 38", () => {
  for (const scale of [-1, 39, 1.5, NaN, undefined]) {
    assert.throws(
      () => decimal.toScale("1", { scale: scale as number }),
      (error) => isCqiError(error, "CQI_OPTION_INVALID"),
    );
  }
});

test("decimal.toScale, fills up with zeros and refuses what then does not fit", () => {
  assert.equal(decimal.toScale("2.5", { scale: 4 }), "2.5000");
  assert.equal(
    decimal.toScale("9".repeat(38), { scale: 38 }),
    `${"9".repeat(38)}.${"0".repeat(38)}`,
  );
  refused(() => decimal.toScale(`${"9".repeat(38)}.9`, { scale: 0 }));
});

test("decimal.normalize, drops zeros of the fraction only", () => {
  assert.deepEqual(["2.50", "3.00", "100", "0.000", "-1.0"].map(decimal.normalize), [
    "2.5",
    "3",
    "100",
    "0",
    "-1",
  ]);
});

test("decimal.roundToTick, gives a multiple on the asked side", () => {
  const ticks = decimals(6, 8).filter((tick) => decimal.sign(tick) > 0);
  fc.assert(
    fc.property(decimals(12, 12), ticks, (value, tick) => {
      const floor = decimal.roundToTick(value, tick, { rounding: "floor" });
      const ceiling = decimal.roundToTick(value, tick, { rounding: "ceiling" });
      assert.ok(decimal.isOnTick(floor, tick) && decimal.isOnTick(ceiling, tick));
      assert.ok(decimal.compare(floor, value) <= 0 && decimal.compare(ceiling, value) >= 0);
      assert.ok(decimal.compare(decimal.subtract(ceiling, floor), tick) <= 0);
      assert.equal(decimal.equals(floor, ceiling), decimal.isOnTick(value, tick));
    }),
    { seed: 43 },
  );
});

test("decimal.roundToTick, has the scale of the tick", () => {
  assert.equal(decimal.roundToTick("64250.13", "0.50"), "64250.00");
  assert.equal(decimal.roundToTick("64250.13", "25"), "64250");
  assert.equal(decimal.roundToTick("-0.1", "5"), "0");
});

test("decimal.roundToTick, refuses a tick of zero or less", () => {
  refused(() => decimal.roundToTick("1", "0"));
  refused(() => decimal.isOnTick("1", "-0.5"));
});

test("decimal.min and max, give the first of equal ones", () => {
  assert.equal(decimal.min("1.0", "1"), "1.0");
  assert.equal(decimal.max("1.0", "1"), "1.0");
  assert.deepEqual([decimal.min("-2", "1"), decimal.max("-2", "1")], ["-2", "1"]);
});

test("decimal.sign and isZero, look at the value", () => {
  assert.deepEqual(["-0.01", "0.000", "3"].map(decimal.sign), [-1, 0, 1]);
  assert.deepEqual(["0.000", "0.001"].map(decimal.isZero), [true, false]);
});
