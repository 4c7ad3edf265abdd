import { ScalarType } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { decimals, either, integers } from "../schema/ranges.ts";
import { boundsOf, expectOnly } from "../schema/rules.ts";
import type { Schema } from "../schema/schema.ts";
import { orReference } from "./references.ts";

const BOUNDS = ["gt", "gte", "lt", "lte"];

/** Bytes by unit, as config/size.ts has them. */
const UNITS: Readonly<Record<string, bigint>> = {
  "": 1n,
  B: 1n,
  kB: 10n ** 3n,
  KB: 10n ** 3n,
  MB: 10n ** 6n,
  GB: 10n ** 9n,
  TB: 10n ** 12n,
  KiB: 2n ** 10n,
  MiB: 2n ** 20n,
  GiB: 2n ** 30n,
  TiB: 2n ** 40n,
};

/**
 * What a whole number may be in a file: a number, a text of one, and with a name that ends in
 * `_bytes` a size.
 *
 * @param scalar Its type.
 * @param name Name of the field.
 * @param rules Its rules.
 */
export function integerValues(
  scalar: ScalarType,
  name: string,
  rules: FieldRules | undefined,
): Schema[] {
  const { min, max } = integerBounds(scalar, rules);
  const texts = [`\\+?${integers(min, max)}`, ...(min === 0n ? ["-0"] : [])];
  const sizes = name.endsWith("_bytes") ? sizesOf(min, max) : [];
  return orReference(
    { type: "integer", minimum: Number(min), maximum: Number(max) },
    { type: "string", pattern: `^${either([...texts, ...sizes])}$` },
  );
}

function integerBounds(
  scalar: ScalarType,
  rules: FieldRules | undefined,
): { min: bigint; max: bigint } {
  const { type } = rules ?? {};
  if (scalar === ScalarType.UINT32) {
    if (type?.case !== "uint32") return { min: 0n, max: 2n ** 32n - 1n };
    expectOnly(type.value, BOUNDS);
    const { min = 0, max = 2 ** 32 - 1 } = boundsOf<number>(type.value);
    return { min: BigInt(min), max: BigInt(max) };
  }
  if (scalar !== ScalarType.UINT64) throw new Error("Cannot write a range with negative numbers");
  if (type?.case !== "uint64") return { min: 0n, max: 2n ** 64n - 1n };
  expectOnly(type.value, BOUNDS);
  const { min = 0n, max = 2n ** 64n - 1n } = boundsOf<bigint>(type.value);
  return { min, max };
}

/** Sizes within bounds; those with a fraction to the nearest whole unit. */
function sizesOf(min: bigint, max: bigint): string[] {
  const sizes: string[] = [];
  for (const [unit, factor] of Object.entries(UNITS)) {
    const [low, high] = [(min + factor - 1n) / factor, max / factor];
    if (low <= high) sizes.push(integers(low, high) + unit);
    const fraction = factor === 1n ? "0{1,9}" : "[0-9]{1,9}";
    if (min / factor <= high) sizes.push(`${integers(min / factor, high)}\\.${fraction}${unit}`);
  }
  return sizes;
}

/** A number with a fraction, without an exponent. */
const NUMBER = "[-+]?(?:0|[1-9][0-9]{0,99})(?:\\.[0-9]{1,99})?";
const EXPONENT = "[eE][-+]?[0-9]{1,3}";
const PERCENT = "[-+]?[0-9]{1,15}(?:\\.[0-9]{1,15})?%";

/**
 * What a number may be in a file: a number, a text of one, a percentage.
 *
 * @param rules Its rules.
 */
export function numberValues(rules: FieldRules | undefined): Schema[] {
  const { type } = rules ?? {};
  if (type?.case !== "double") return anyNumber();
  const { value } = type;
  expectOnly(value, [...BOUNDS, "finite"]);
  const { greaterThan: low, lessThan: high } = value;
  if (low.case === undefined && high.case === undefined) return anyNumber();
  if (low.case === undefined || high.case !== "lte") {
    throw new Error("Cannot write a range of numbers without both bounds");
  }
  const above = low.case === "gt";
  const range = { min: BigInt(low.value), above, max: BigInt(high.value) };
  const [min, max] = [range.min * 100n, range.max * 100n];
  const text = decimals({ ...range, fraction: 99 });
  const percent = `0{0,12}${decimals({ min, above, max, fraction: 15 })}%`;
  const zero = range.min === 0n && !above ? ["-0{1,15}(?:\\.0{1,15})?%?"] : [];
  return orReference(
    { type: "number", [above ? "exclusiveMinimum" : "minimum"]: low.value, maximum: high.value },
    // A number with an exponent is taken as it is: its range is not that of its digits.
    {
      type: "string",
      pattern: `^${either([`\\+?${either([text, percent])}`, ...zero, NUMBER + EXPONENT])}$`,
    },
  );
}

function anyNumber(): Schema[] {
  return orReference(
    { type: "number" },
    { type: "string", pattern: `^${either([`${NUMBER}(?:${EXPONENT})?`, PERCENT])}$` },
  );
}
