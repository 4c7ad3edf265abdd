import { CqiError } from "../errors/mod.ts";

/** Most digits before the point, and most behind it: the bounds of the contracts' patterns. */
export const MAX_DIGITS = 38;

/** A decimal taken apart: its value is `coefficient / 10 ** scale`, scale 0 to 38. */
export interface DecimalParts {
  /** The digits as a whole number, negative for a negative decimal. */
  readonly coefficient: bigint;
  /** Digits behind the point. */
  readonly scale: number;
}

/** How a result that does not fit is rounded. */
export type Rounding =
  /** To the nearest; ties to the even digit (IEEE 754 default, no drift in sums). */
  | "half-even"
  /** To the nearest; ties away from zero (as taught at school). */
  | "half-up"
  /** Towards zero. */
  | "down"
  /** Away from zero. */
  | "up"
  /** Towards negative infinity (a bid). */
  | "floor"
  /** Towards positive infinity (an ask). */
  | "ceiling";

// The signed pattern of the contracts without its rule on "-0", which is looked at apart, so that
// the expression has one way to match and takes linear time.
const DECIMAL = /^(-?)(0|[1-9][0-9]{0,37})(?:\.([0-9]{1,38}))?$/;
const LONGEST = 1 + MAX_DIGITS + 1 + MAX_DIGITS;

/** Error for text that is no decimal. It tells the length, not the text, which may be anything. */
export function invalidDecimal(reason: string, details: Record<string, unknown> = {}): CqiError {
  return new CqiError("CQI_DECIMAL_INVALID", reason, { details });
}

/** Takes text apart, or returns undefined when it is no decimal of the contracts. */
export function tryParse(text: string): DecimalParts | undefined {
  if (typeof text !== "string" || text.length > LONGEST) return undefined;
  const match = DECIMAL.exec(text);
  // In JavaScript "$" without the flag m is the very end, so "1\n" does not match.
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = ""] = match;
  const coefficient = BigInt(whole + fraction);
  if (sign === "") return { coefficient, scale: fraction.length };
  return coefficient === 0n ? undefined : { coefficient: -coefficient, scale: fraction.length };
}

/** Takes text apart or throws. */
export function requireParts(text: string): DecimalParts {
  const parts = tryParse(text);
  if (parts !== undefined) return parts;
  const shape = typeof text === "string" ? `a text of ${text.length} characters` : typeof text;
  throw invalidDecimal(
    `Cannot read a decimal from ${shape}: want digits with at most ${MAX_DIGITS} before and ` +
      `${MAX_DIGITS} behind the point, without exponent, '+', leading zeros or '-0'`,
  );
}

/** Puts parts together, refusing more digits than the contracts have. */
export function formatParts({ coefficient, scale }: DecimalParts): string {
  if (typeof coefficient !== "bigint" || !Number.isInteger(scale)) {
    throw invalidDecimal(
      `Cannot format a coefficient of type ${typeof coefficient} with a scale of type ` +
        `${typeof scale}: want a bigint and a whole number`,
    );
  }
  if (scale < 0 || scale > MAX_DIGITS) {
    throw invalidDecimal(
      `Cannot hold a result with ${scale} digits behind the point: at most ${MAX_DIGITS} fit, ` +
        `so round it with the option 'scale'`,
      { scale },
    );
  }
  const negative = coefficient < 0n;
  const digits = (negative ? -coefficient : coefficient).toString().padStart(scale + 1, "0");
  const whole = digits.length - scale;
  if (whole > MAX_DIGITS) {
    throw invalidDecimal(
      `Cannot hold a result with ${whole} digits before the point: at most ${MAX_DIGITS} fit`,
      { digits: whole },
    );
  }
  const text = scale === 0 ? digits : `${digits.slice(0, whole)}.${digits.slice(whole)}`;
  return negative ? `-${text}` : text;
}

/** Divides whole numbers, rounding the quotient. The divisor is not zero. */
export function divideRounded(dividend: bigint, divisor: bigint, rounding: Rounding): bigint {
  const quotient = dividend / divisor;
  const remainder = dividend % divisor;
  if (remainder === 0n) return quotient;
  const negative = (dividend < 0n) !== (divisor < 0n);
  return awayFromZero(quotient, remainder, divisor, negative, rounding)
    ? quotient + (negative ? -1n : 1n)
    : quotient;
}

function awayFromZero(
  quotient: bigint,
  remainder: bigint,
  divisor: bigint,
  negative: boolean,
  rounding: Rounding,
): boolean {
  const twice = magnitude(remainder) * 2n - magnitude(divisor);
  switch (rounding) {
    case "half-even":
      return twice > 0n || (twice === 0n && quotient % 2n !== 0n);
    case "half-up":
      return twice >= 0n;
    case "down":
      return false;
    case "up":
      return true;
    case "floor":
      return negative;
    case "ceiling":
      return !negative;
  }
}

const ROUNDINGS: readonly unknown[] = ["half-even", "half-up", "down", "up", "floor", "ceiling"];

/** Throws for an unknown way of rounding, also where nothing is to be rounded. */
export function requireRounding(rounding: Rounding): Rounding {
  if (ROUNDINGS.includes(rounding)) return rounding;
  throw invalidDecimal(`Cannot round: option 'rounding' must be one of ${ROUNDINGS.join(", ")}`);
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

/** Ten to a power of 0 or more. */
export function pow10(power: number): bigint {
  return 10n ** BigInt(power);
}

/** The coefficient at another scale: exact when the scale grows, rounded when it shrinks. */
export function rescale(parts: DecimalParts, scale: number, rounding: Rounding): DecimalParts {
  const more = scale - parts.scale;
  const coefficient = more >= 0
    ? parts.coefficient * pow10(more)
    : divideRounded(parts.coefficient, pow10(-more), rounding);
  return { coefficient, scale };
}

/** Drops zeros at the end of the fraction until at most `least` digits are left or one is not 0. */
export function stripZeros(parts: DecimalParts, least: number): DecimalParts {
  let { coefficient, scale } = parts;
  while (scale > least && coefficient % 10n === 0n) {
    coefficient /= 10n;
    scale -= 1;
  }
  return { coefficient, scale };
}
