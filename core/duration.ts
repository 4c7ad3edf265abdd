import { refuse, requireNumber } from "../internal/options.ts";

/** Milliseconds, or a number with a unit: `250`, `"250ms"`, `"5s"`, `"1h"`. */
export type DurationInput = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** The fields of a `google.protobuf.Duration`, as message inits take them. */
export interface DurationFields {
  /** Whole seconds. */
  readonly seconds: bigint;
  /** Nanoseconds beyond them, 0 to 999,999,999, of the same sign. */
  readonly nanos: number;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
// Longest first, so that "ms" is not read as minutes.
const PART_REGEXP = /^(\d{1,15}(?:\.\d{1,9})?)(ms|s|m|h|d)/;
const MAX_TEXT = 64;
/** Bound of `google.protobuf.Duration`. */
const MAX_MS = 315_576_000_000_000;

/**
 * Reads a duration: `"1h30m"`, `"250ms"`, `"1.5s"`. Units are required and none repeats.
 *
 * @param text Parts of number and unit (ms, s, m, h, d), largest first or not.
 * @returns Milliseconds, or undefined when the text is not a duration.
 */
export function parseDuration(text: string): number | undefined {
  if (text.length === 0 || text.length > MAX_TEXT) return undefined;
  let rest = text;
  let total = 0;
  const seen = new Set<string>();
  while (rest !== "") {
    const part = PART_REGEXP.exec(rest);
    const unit = part?.[2];
    if (part === null || unit === undefined || seen.has(unit)) return undefined;
    seen.add(unit);
    total += Number(part[1]) * UNIT_MS[unit]!;
    rest = rest.slice(part[0].length);
  }
  return total;
}

/**
 * Turns a duration option into milliseconds.
 *
 * @param name Name of the option, for the error.
 * @param value Milliseconds, 0 to `Infinity`, or text with a unit.
 * @throws {CqiError} `CQI_OPTION_INVALID` for anything else.
 */
export function toMilliseconds(name: string, value: DurationInput): number {
  const ms = typeof value === "string" ? parseDuration(value) : value;
  if (typeof ms === "number" && ms >= 0) return ms;
  return refuse(name, value, "milliseconds or a duration such as '250ms' or '1h30m'");
}

/**
 * Makes the fields of a `google.protobuf.Duration`, for configuration sections written in code.
 *
 * @param value Milliseconds or text with a unit, up to the 10,000 years of a Duration.
 * @throws {CqiError} `CQI_OPTION_INVALID` for anything else.
 *
 * @example
 * ```ts
 * import { duration } from "@cq/cqi/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(duration("1.5s"), { seconds: 1n, nanos: 500_000_000 });
 * ```
 */
export function duration(value: DurationInput): DurationFields {
  const ms = requireNumber("duration", toMilliseconds("duration", value), 0, MAX_MS);
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1e6);
  // What rounds up to a whole second is one: a billion nanoseconds is not a valid field.
  return nanos < 1e9
    ? { seconds: BigInt(seconds), nanos }
    : { seconds: BigInt(seconds + 1), nanos: 0 };
}

/**
 * Reads a `google.protobuf.Duration`.
 *
 * @param value The message; undefined when the setting is absent.
 * @param fallbackMs What absence means, in milliseconds.
 */
export function durationMs(value: DurationFields | undefined, fallbackMs: number): number {
  return value === undefined ? fallbackMs : Number(value.seconds) * 1000 + value.nanos / 1e6;
}
