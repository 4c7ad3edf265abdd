import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { decimals, either } from "../schema/ranges.ts";
import { durationBounds } from "../schema/rules.ts";
import type { Schema } from "../schema/schema.ts";
import { definition, orReference } from "./references.ts";

/** Milliseconds by unit, as core/duration.ts has them. */
const UNITS: Readonly<Record<string, bigint>> = {
  ms: 1n,
  s: 1000n,
  m: 60_000n,
  h: 3_600_000n,
  d: 86_400_000n,
};
/** Bound of google.protobuf.Duration in seconds. */
const MAX_SECONDS = 315_576_000_000n;

/** Definitions that durations refer to. */
export const DURATION_DEFINITIONS: Readonly<Record<string, Schema>> = {
  duration: {
    description: "A duration with its units, each at most once: 250ms, 30s, 1h30m, 2d.",
    type: "string",
    maxLength: 64,
    pattern: "^(?:[0-9]{1,15}(?:\\.[0-9]{1,9})?(?:ms|s|m|h|d))+$",
    not: { pattern: "ms.*ms|[0-9]s.*[0-9]s|m[0-9].*m(?:[0-9]|$)|h.*h|d.*d" },
  },
};

/**
 * What a duration may be in a file. Of its bounds each part with its unit holds the upper one, but
 * not all parts together.
 *
 * @param rules Its rules.
 */
export function durationValues(rules: FieldRules | undefined): Schema[] {
  const { min, above, max = MAX_SECONDS } = durationBounds(rules) ??
    { min: 0n, above: false, max: undefined };
  if (min !== 0n) throw new Error("Cannot write a range of durations that begins above zero");
  const parts = Object.entries(UNITS).map(([unit, ms]) =>
    `0{0,14}${decimals({ min: 0n, above: false, max: max * 1000n / ms, fraction: 9 })}${unit}`
  );
  // Where the bound is no whole number of a unit, a fraction of the last one is let through.
  const loose = Object.entries(UNITS).flatMap(([unit, ms]) =>
    max * 1000n % ms === 0n ? [] : [`0{0,14}${max * 1000n / ms}\\.[0-9]{1,9}${unit}`]
  );
  const text: Schema = {
    allOf: [
      definition("duration"),
      { pattern: `^${either([...parts, ...loose])}+$` },
      ...(above ? [{ not: { pattern: "^[0.msdh]+$" } }] : []),
    ],
  };
  const whole = (limit: bigint): Schema => ({
    anyOf: orReference(
      { type: "integer", minimum: 0, maximum: Number(limit) },
      { type: "string", pattern: "^[0-9]{1,15}$" },
      { type: "null" },
    ),
  });
  const fields: Schema = {
    description: "A duration in parts.",
    type: "object",
    properties: { seconds: whole(max), nanos: whole(999_999_999_999_999n) },
    additionalProperties: false,
  };
  return orReference(text, ...(above ? [] : [{ enum: [0, "0"] }]), fields);
}
