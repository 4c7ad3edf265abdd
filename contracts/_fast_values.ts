import { type DescEnum, isFieldSet, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import {
  BoolRulesSchema,
  type DurationRules,
  DurationRulesSchema,
  type EnumRules,
  EnumRulesSchema,
  type FieldRules,
  type StringRules,
  StringRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { nativePattern } from "./_fast_regexp.ts";

/** Whether a value keeps its rules for sure; false for one that breaks them, or is hard to say. */
export type Check = (value: unknown) => boolean;

/** Units of a text up to which the runtime's own engine looks for a pattern in it. */
export const MAX_MATCHED = 256;

const UUID_REGEXP = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

// The names of the rules that are set, or undefined when one of them is an extension.
function namesOf(schema: GenMessage<Message>, rules: Message): Set<string> | undefined {
  if (rules.$unknown !== undefined && rules.$unknown.length > 0) return undefined;
  const names = schema.fields.filter((field) => isFieldSet(rules, field))
    .map((field) => field.localName);
  // Examples ask for nothing.
  return new Set(names.filter((name) => name !== "example"));
}

function all(checks: readonly Check[]): Check {
  if (checks.length === 1) return checks[0]!;
  return (value) => {
    for (const check of checks) if (!check(value)) return false;
    return true;
  };
}

// Every rule that is set must be one of those known.
function known(names: ReadonlySet<string>, makers: Record<string, () => Check | undefined>) {
  const checks: Check[] = [];
  for (const name of names) {
    const check = Object.hasOwn(makers, name) ? makers[name]!() : undefined;
    if (check === undefined) return undefined;
    checks.push(check);
  }
  return checks;
}

// Code points, counted only where the number of units does not tell.
function lengthBetween(min: bigint, max: bigint): Check {
  const [low, high] = [Number(min), Number(max)];
  return (value) => {
    const { length } = value as string;
    if (length < low) return false;
    if (length <= high && length >= 2 * low) return true;
    let points = 0;
    for (const _ of value as string) points++;
    return points >= low && points <= high;
  };
}

// Plain web addresses; of all others protovalidate must say.
const WEB_REGEXP =
  /^https?:\/\/[a-z0-9](?:[a-z0-9.-]{0,200}[a-z0-9])?(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~/-]{0,500})?$/;

function webAddress({ wellKnown }: StringRules): Check | undefined {
  return wellKnown.value === true ? (value) => WEB_REGEXP.test(value as string) : undefined;
}

function stringCheck(rules: StringRules): Check | undefined {
  const names = namesOf(StringRulesSchema, rules);
  const checks = names && known(names, {
    pattern() {
      const pattern = nativePattern(rules.pattern);
      // Two repetitions side by side take quadratic time; of what is short that is nothing.
      return pattern &&
        ((value) => (value as string).length <= MAX_MATCHED && pattern.test(value as string));
    },
    minLen: () => lengthBetween(rules.minLen, BigInt(Number.MAX_SAFE_INTEGER)),
    maxLen: () => lengthBetween(0n, rules.maxLen),
    const: () => (value) => value === rules.const,
    in() {
      const allowed = new Set<unknown>(rules.in);
      return (value) => allowed.has(value);
    },
    notIn() {
      const refused = new Set<unknown>(rules.notIn);
      return (value) => !refused.has(value);
    },
    uri: () => webAddress(rules),
    uriRef: () => webAddress(rules),
    uuid: () =>
      rules.wellKnown.value === true ? (value) => UUID_REGEXP.test(value as string) : undefined,
  });
  return checks && all([(value) => typeof value === "string", ...checks]);
}

function enumCheck(rules: EnumRules, desc: DescEnum): Check | undefined {
  const names = namesOf(EnumRulesSchema, rules);
  const checks = names && known(names, {
    definedOnly() {
      const defined = new Set<unknown>(desc.values.map((value) => value.number));
      return rules.definedOnly ? (value) => defined.has(value) : () => true;
    },
    const: () => (value) => value === rules.const,
    in() {
      const allowed = new Set<unknown>(rules.in);
      return (value) => allowed.has(value);
    },
    notIn() {
      const refused = new Set<unknown>(rules.notIn);
      return (value) => !refused.has(value);
    },
  });
  return checks && all([Number.isInteger, ...checks]);
}

interface Bounds<T> {
  readonly lessThan: { readonly case: string | undefined; readonly value?: T };
  readonly greaterThan: { readonly case: string | undefined; readonly value?: T };
}

// A range turned inside out means its outside; those are left to protovalidate.
function rangeCheck<T>(
  { lessThan, greaterThan }: Bounds<T>,
  compare: (value: unknown, bound: T) => number,
): Check | undefined {
  const [low, high] = [greaterThan.value, lessThan.value];
  if (low !== undefined && high !== undefined && compare(low, high) >= 0) return undefined;
  const now = [lessThan.case, greaterThan.case].some((each) => each?.endsWith("Now"));
  if (now) return undefined;
  return (value) => {
    if (low !== undefined) {
      const order = compare(value, low);
      if (!(greaterThan.case === "gte" ? order >= 0 : order > 0)) return false;
    }
    if (high === undefined) return true;
    const order = compare(value, high);
    return lessThan.case === "lte" ? order <= 0 : order < 0;
  };
}

const NUMBERS: Readonly<Record<string, (value: unknown) => boolean>> = {
  int32: Number.isInteger,
  uint32: Number.isInteger,
  sint32: Number.isInteger,
  fixed32: Number.isInteger,
  sfixed32: Number.isInteger,
  int64: (value) => typeof value === "bigint",
  uint64: (value) => typeof value === "bigint",
  sint64: (value) => typeof value === "bigint",
  fixed64: (value) => typeof value === "bigint",
  sfixed64: (value) => typeof value === "bigint",
  double: Number.isFinite,
};

type NumberRules = Message & Bounds<number | bigint>;

function numberCheck(kind: string, rules: NumberRules): Check | undefined {
  if (rules.$unknown !== undefined && rules.$unknown.length > 0) return undefined;
  const allowed = ["lessThan", "greaterThan", "example", "finite"];
  const odd = Object.entries(rules).some(([name, value]) =>
    !name.startsWith("$") && !allowed.includes(name) &&
    !(Array.isArray(value) && value.length === 0)
  );
  if (odd) return undefined;
  const range = rangeCheck(
    rules,
    (value, bound) => (value as number) < bound ? -1 : (value as number) > bound ? 1 : 0,
  );
  return range && all([NUMBERS[kind]!, range]);
}

interface Span {
  readonly $typeName: string;
  readonly seconds: bigint;
  readonly nanos: number;
}

/** Orders times or durations; NaN, which no comparison holds for, when one is none. */
export function compareSpans(a: unknown, b: unknown): number {
  const [x, y] = [a as Span, b as Span];
  if (typeof x?.seconds !== "bigint" || !Number.isInteger(x.nanos)) return NaN;
  if (typeof y?.seconds !== "bigint" || !Number.isInteger(y.nanos)) return NaN;
  if (x.seconds !== y.seconds) return x.seconds < y.seconds ? -1 : 1;
  return x.nanos - y.nanos;
}

/** Whether seconds and nanos are of one sign and within bounds: else a duration means nothing. */
export function isDuration(value: unknown): boolean {
  const { seconds, nanos } = (value ?? {}) as Span;
  return typeof seconds === "bigint" && Number.isInteger(nanos) &&
    seconds >= -315_576_000_000n && seconds <= 315_576_000_000n &&
    Math.abs(nanos) < 1_000_000_000 &&
    (nanos === 0 || seconds === 0n || nanos > 0 === seconds > 0n);
}

function durationCheck(rules: DurationRules): Check | undefined {
  const names = namesOf(DurationRulesSchema, rules);
  const bounds = ["lt", "lte", "gt", "gte"];
  if (names === undefined || [...names].some((name) => !bounds.includes(name))) return undefined;
  const range = rangeCheck(rules as unknown as Bounds<unknown>, compareSpans);
  return range && all([isDuration, range]);
}

/**
 * The rules of a value, save those of lists and maps.
 *
 * @param rules Rules of the field, or of the items of a list.
 * @param desc Descriptor of the enum, where it is one.
 * @returns Undefined when a rule is not known here.
 */
export function valueCheck(rules: FieldRules, desc: DescEnum | undefined): Check | undefined {
  if (rules.cel.length > 0 || rules.celExpression.length > 0) return undefined;
  const { type } = rules;
  switch (type.case) {
    case undefined:
      return () => true;
    case "string":
      return stringCheck(type.value);
    case "enum":
      return desc && enumCheck(type.value, desc);
    case "bool": {
      const names = namesOf(BoolRulesSchema, type.value);
      if (names === undefined || names.size !== 1 || !names.has("const")) return undefined;
      return (value) => value === type.value.const;
    }
    case "duration":
      return durationCheck(type.value);
    default:
      return Object.hasOwn(NUMBERS, type.case)
        ? numberCheck(type.case, type.value as unknown as NumberRules)
        : undefined;
  }
}
