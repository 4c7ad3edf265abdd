/**
 * Exact decimals on the text form of the contracts (`"64250.10"`): amounts, prices and rates are
 * never floating-point numbers here. Written on `bigint` rather than on a decimal library, because
 * the grammar and bounds of the contracts have to be refused or kept exactly, which those libraries
 * leave open (exponents, `-0`, precision settings shared by the whole process).
 *
 * Trailing zeros are kept as in `"2.50"`; `compare` and `equals` ignore them.
 *
 * @example
 * ```ts
 * import { decimal } from "@cq/cqi/contracts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(decimal.add("0.1", "0.2"), "0.3");
 * assert.equal(decimal.divide("1", "3", { scale: 4 }), "0.3333");
 * assert.equal(decimal.roundToTick("64250.13", "0.25", { rounding: "floor" }), "64250.00");
 * ```
 *
 * @module
 */
import { requireInteger } from "../internal/options.ts";
import {
  type DecimalParts,
  divideRounded,
  formatParts,
  invalidDecimal,
  MAX_DIGITS,
  pow10,
  requireParts,
  requireRounding,
  rescale,
  type Rounding,
  stripZeros,
  tryParse,
} from "./_decimal_parts.ts";

export type { DecimalParts, Rounding } from "./_decimal_parts.ts";

/** How a result is rounded. */
export interface RoundingOptions {
  /** Which way. @default {"half-even"} */
  readonly rounding?: Rounding;
}

/** To how many digits, and how, a result is rounded. */
export interface ScaleOptions extends RoundingOptions {
  /** Digits behind the point, 0 to 38. */
  readonly scale: number;
}

/** Whether a text is a decimal of the contracts. */
export function isDecimal(text: string): boolean {
  return tryParse(text) !== undefined;
}

/**
 * Takes a decimal apart.
 *
 * @throws {CqiError} `CQI_DECIMAL_INVALID`, as all functions of this module for a text that is no
 * decimal and for a result of more than 38 digits before or behind the point.
 */
export function parse(text: string): DecimalParts {
  return requireParts(text);
}

/** Puts together what `parse` takes apart. */
export function format(parts: DecimalParts): string {
  return formatParts(parts);
}

// What sources write besides the contracts' grammar: sign, leading zeros, bare point, exponent.
const LOOSE = /^([+-]?)([0-9]{0,80})(?:\.([0-9]{0,80}))?(?:[eE]([+-]?[0-9]{1,3}))?$/;

/**
 * Makes a decimal of what a source delivers: a number (by its shortest form, so `0.1` is `"0.1"`
 * and `1e-7` is `"0.0000001"`), a bigint, or text with exponent, `+` or leading zeros. No digit is
 * lost: what does not fit is refused.
 */
export function from(value: string | number | bigint): string {
  const text = typeof value === "string" ? value : String(value);
  const match = text.length > 168 ? null : LOOSE.exec(text);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match ?? [];
  if (match === null || whole + fraction === "") {
    throw invalidDecimal(
      `Cannot make a decimal of ${
        typeof value === "string"
          ? `a text of ${text.length} characters`
          : `${typeof value} ${text}`
      }: want a finite number`,
    );
  }
  const digits = BigInt(whole + fraction);
  let parts: DecimalParts = {
    coefficient: sign === "-" ? -digits : digits,
    scale: fraction.length - Number(exponent),
  };
  if (digits === 0n) {
    parts = { coefficient: 0n, scale: Math.min(Math.max(parts.scale, 0), MAX_DIGITS) };
  }
  if (parts.scale < 0) {
    parts = { coefficient: parts.coefficient * pow10(-parts.scale), scale: 0 };
  }
  return formatParts(stripZeros(parts, MAX_DIGITS));
}

/** -1, 0 or 1 as `a` is less than, equal to or greater than `b`; trailing zeros do not matter. */
export function compare(a: string, b: string): -1 | 0 | 1 {
  const [left, right] = aligned(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether two decimals have the same value; trailing zeros do not matter. */
export function equals(a: string, b: string): boolean {
  return compare(a, b) === 0;
}

/** -1, 0 or 1 as a decimal is negative, zero or positive. */
export function sign(a: string): -1 | 0 | 1 {
  const { coefficient } = requireParts(a);
  return coefficient < 0n ? -1 : coefficient > 0n ? 1 : 0;
}

/** Whether a decimal is zero. */
export function isZero(a: string): boolean {
  return requireParts(a).coefficient === 0n;
}

/** The lesser of two decimals, the first when they are equal. */
export function min(a: string, b: string): string {
  return compare(a, b) <= 0 ? a : b;
}

/** The greater of two decimals, the first when they are equal. */
export function max(a: string, b: string): string {
  return compare(a, b) >= 0 ? a : b;
}

/** `-a`; zero stays zero. */
export function negate(a: string): string {
  const { coefficient, scale } = requireParts(a);
  return formatParts({ coefficient: -coefficient, scale });
}

/** `a` without its sign. */
export function abs(a: string): string {
  return requireParts(a).coefficient < 0n ? negate(a) : a;
}

/** `a + b`, exact, with the scale of the finer one. */
export function add(a: string, b: string): string {
  const [left, right, scale] = aligned(a, b);
  return formatParts({ coefficient: left + right, scale });
}

/** `a - b`, exact, with the scale of the finer one. */
export function subtract(a: string, b: string): string {
  const [left, right, scale] = aligned(a, b);
  return formatParts({ coefficient: left - right, scale });
}

/** The sum of all, exact, in whatever order they come; of none it is `"0"`. */
export function sum(values: Iterable<string>): string {
  let [total, scale] = [0n, 0];
  for (const value of values) {
    const next = requireParts(value);
    const finer = Math.max(scale, next.scale);
    total = total * pow10(finer - scale) + next.coefficient * pow10(finer - next.scale);
    scale = finer;
  }
  return formatParts({ coefficient: total, scale });
}

/**
 * `a * b`. Exact without options, with the scales added up; trailing zeros beyond 38 digits behind
 * the point are dropped, other digits beyond are refused. With `scale` it is rounded.
 */
export function multiply(a: string, b: string, options?: ScaleOptions): string {
  const [left, right] = [requireParts(a), requireParts(b)];
  const product = {
    coefficient: left.coefficient * right.coefficient,
    scale: left.scale + right.scale,
  };
  return options === undefined
    ? formatParts(stripZeros(product, MAX_DIGITS))
    : formatParts(rescale(product, scaleOf(options), roundingOf(options)));
}

/** `a / b`, rounded to `scale` digits behind the point. A zero divisor is refused. */
export function divide(a: string, b: string, options: ScaleOptions): string {
  const [left, right] = [requireParts(a), requireParts(b)];
  const scale = scaleOf(options);
  if (right.coefficient === 0n) throw invalidDecimal("Cannot divide by zero");
  const shift = scale + right.scale - left.scale;
  const dividend = left.coefficient * pow10(Math.max(shift, 0));
  const divisor = right.coefficient * pow10(Math.max(-shift, 0));
  return formatParts({ coefficient: divideRounded(dividend, divisor, roundingOf(options)), scale });
}

/** `a` with exactly `scale` digits behind the point: rounded, or filled up with zeros. */
export function toScale(a: string, options: ScaleOptions): string {
  return formatParts(rescale(requireParts(a), scaleOf(options), roundingOf(options)));
}

/** `a` without zeros at the end of its fraction: `"2.50"` is `"2.5"`, `"3.00"` is `"3"`. */
export function normalize(a: string): string {
  return formatParts(stripZeros(requireParts(a), 0));
}

/** The multiple of `tick` nearest to `a` in the given direction, with the scale of the tick. */
export function roundToTick(a: string, tick: string, options: RoundingOptions = {}): string {
  const [value, step, scale] = aligned(a, positiveTick(tick));
  const coefficient = divideRounded(value, step, roundingOf(options)) * step;
  return formatParts(rescale({ coefficient, scale }, requireParts(tick).scale, "down"));
}

/** Whether `a` is a multiple of `tick`. */
export function isOnTick(a: string, tick: string): boolean {
  const [value, step] = aligned(a, positiveTick(tick));
  return value % step === 0n;
}

/** The nearest floating-point number, for charts and statistics; digits beyond 15 may change. */
export function toNumber(a: string): number {
  requireParts(a);
  return Number(a);
}

/** Coefficients of two decimals at the finer scale of the two, and that scale. */
function aligned(a: string, b: string): [bigint, bigint, number] {
  const [left, right] = [requireParts(a), requireParts(b)];
  const scale = Math.max(left.scale, right.scale);
  return [
    left.coefficient * pow10(scale - left.scale),
    right.coefficient * pow10(scale - right.scale),
    scale,
  ];
}

function positiveTick(tick: string): string {
  if (sign(tick) > 0) return tick;
  throw invalidDecimal("Cannot round to a tick of zero or less: want one above zero");
}

const scaleOf = ({ scale }: ScaleOptions): number => requireInteger("scale", scale, 0, MAX_DIGITS);

const roundingOf = ({ rounding = "half-even" }: RoundingOptions): Rounding =>
  requireRounding(rounding);
