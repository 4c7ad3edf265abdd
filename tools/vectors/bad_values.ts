import { type DescField, ScalarType } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { JsonValue } from "../../contracts/mod.ts";

/** A rule of a value, and values that may break it. */
export interface BadValues {
  /** Id of the rule, or its beginning. */
  readonly rule: string;
  /** Values, one of which is taken. */
  readonly values: readonly JsonValue[];
}

type Kind = NonNullable<FieldRules["type"]["value"]>;

/** What sources deliver and no decimal text may be. */
export const NO_DECIMALS: readonly string[] = [
  "1e5",
  "+1",
  ".5",
  "01",
  "NaN",
  "-0",
  "",
  "1\n",
  "1.",
  " 1",
  "Infinity",
  "1_000",
  "1,5",
  "0x10",
  "\u0661",
  "-0.0",
  "1".repeat(39),
  `1.${"0".repeat(39)}`,
];

/** What some pattern or format may refuse. */
const NO_TEXTS: readonly string[] = [
  "1e5",
  "",
  "\n",
  " ",
  "a b",
  "\u00fc",
  "no such thing!",
  "-",
  "%zz",
  "a".repeat(300),
  "x:y:z",
  "1.2.3.4/99",
  "\u0000",
];

const text = (length: number): string => "a".repeat(length);

/** Rules that are set in a message of rules, by name. */
function setRules(rules: Kind): [name: string, value: unknown][] {
  const schema = Object.entries(rules).filter(([name]) => !name.startsWith("$"));
  return schema.flatMap(([name, value]): [string, unknown][] => {
    if (typeof value === "object" && value !== null && "case" in value) {
      const chosen = value as { case: string | undefined; value?: unknown };
      return chosen.case === undefined ? [] : [[chosen.case, chosen.value]];
    }
    if (Array.isArray(value)) return value.length === 0 ? [] : [[name, value]];
    return Object.hasOwn(rules, name) ? [[name, value]] : [];
  });
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (a) => `_${a.toLowerCase()}`);

function ofText(name: string, value: unknown): readonly JsonValue[] {
  switch (name) {
    case "minLen":
      return [text(Number(value) - 1)];
    case "maxLen":
      return [text(Number(value) + 1)];
    case "notIn":
      return value as string[];
    default:
      return NO_TEXTS;
  }
}

function ofNumber(name: string, value: unknown, step: number): readonly JsonValue[] {
  const bound = Number(value);
  switch (name) {
    case "gt":
      return [bound];
    case "gte":
      return [bound - step];
    case "lt":
      return [bound];
    case "lte":
      return [bound + step];
    case "finite":
      return ["NaN", "Infinity", "-Infinity"];
    default:
      return [];
  }
}

/** A duration as JSON, from seconds and a number of nanoseconds more. */
function duration(value: unknown, nanos: bigint): string {
  const { seconds, nanos: own } = value as { seconds: bigint; nanos: number };
  const total = seconds * 1_000_000_000n + BigInt(own) + nanos;
  const size = total < 0n ? -total : total;
  const fraction = String(size % 1_000_000_000n).padStart(9, "0");
  return `${total < 0n ? "-" : ""}${size / 1_000_000_000n}.${fraction}s`;
}

/** Beyond a bound by this many nanoseconds: Python's durations know nothing below a microsecond. */
const LIMITS: Readonly<Record<string, bigint>> = { gt: 0n, gte: -1000n, lt: 0n, lte: 1000n };

/**
 * Lists the rules of a single value (a field, an item, a key) with values that may break each.
 *
 * @param field The field, whose type says what a number may be.
 * @param rules The rules.
 */
export function badValues(field: DescField, rules: FieldRules["type"]): BadValues[] {
  if (rules.case === undefined || rules.case === "repeated" || rules.case === "map") return [];
  const integer = field.scalar !== ScalarType.DOUBLE;
  return setRules(rules.value).map(([name, value]): BadValues => {
    const rule = `${snake(rules.case!)}.${snake(name)}`;
    switch (rules.case) {
      case "string":
        return { rule, values: ofText(name, value) };
      case "bytes":
        return { rule, values: [btoa(text(Number(value) + (name === "minLen" ? -1 : 1)))] };
      case "enum":
        // 999 is no value of any enum; not_in names its bad ones itself.
        return { rule, values: name === "notIn" ? (value as number[]) : [999] };
      case "bool":
        return { rule, values: [!value] };
      case "duration":
        return { rule, values: [duration(value, LIMITS[name] ?? 0n)] };
      case "fieldMask":
        return { rule, values: ["noSuchField"] };
      default:
        return { rule, values: ofNumber(name, value, integer ? 1 : 0.5) };
    }
  });
}
