import { type DescField, getOption, ScalarType } from "@bufbuild/protobuf";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { type JsonValue, messageTypes } from "../../contracts/mod.ts";
import { example } from "../../tests/contracts/_image.ts";
import type { JsonObject } from "./vector.ts";

/** Rules of a field. */
export function rulesOf(field: DescField): FieldRules {
  return getOption(field, fieldRules);
}

/** Rules of an item of a list, of the key and of the value of a map, and of a field itself. */
export function rulesWithin(
  field: DescField,
): { value: FieldRules["type"]; key: FieldRules["type"] } {
  const none = { case: undefined } as FieldRules["type"];
  const { type } = rulesOf(field);
  if (type.case === "repeated") return { value: type.value.items?.type ?? none, key: none };
  if (type.case === "map") {
    return { value: type.value.values?.type ?? none, key: type.value.keys?.type ?? none };
  }
  return { value: type, key: none };
}

const UUIDS: readonly string[] = [
  "3b0f6a52-8c1d-4e7a-9f35-6d2e1c4b5a70",
  "9d4c7e13-2a6b-4f80-8e59-1b3a5c7d9e2f",
];
const TEXTS: readonly string[] = [
  ..."text 1 0.5 1.5 0 BTC USD a.b a_b a:b / * 0x00 2 01 US eip155:1 k1 127.0.0.1 localhost:9092"
    .split(" "),
  "a".repeat(32),
  "0".repeat(64),
  "env:KEY",
  "cqc.events.v1.order_placed",
  "0x52908400098527886E0F7030069857D2E4169EE7",
  "10.0.0.0/8",
];
const TIMES: readonly string[] = [
  "2026-01-15T09:31:59.500Z",
  "2020-01-01T00:00:00Z",
  "2030-01-01T00:00:00.000000001Z",
];
const DURATIONS: readonly string[] = ["1s", "0.250s", "60s", "3600s", "28800s", "0s"];

/** What the Examples of all messages give to fields of a name. */
const given: Map<string, JsonValue[]> = new Map();

function collect(): void {
  for (const type of messageTypes) {
    for (const [name, value] of Object.entries(example(type.typeName))) {
      given.set(name, [...given.get(name) ?? [], value]);
    }
  }
}

function samplesOfScalar(field: DescField): JsonValue[] {
  const { value } = rulesWithin(field);
  const bounds = (value.case === undefined ? [] : [value.value]).flatMap((rules) =>
    ["greaterThan", "lessThan"].flatMap((side) => {
      const bound = (rules as unknown as Record<string, { value?: unknown } | undefined>)[side];
      return typeof bound?.value === "number" || typeof bound?.value === "bigint"
        ? [Number(bound.value)]
        : [];
    })
  );
  switch (field.scalar) {
    case ScalarType.STRING:
      if (value.case === "string" && value.value.in.length > 0) return [...value.value.in];
      return [...UUIDS, ...TEXTS, "https://example.com/a"];
    case ScalarType.BOOL:
      return [true, false];
    case ScalarType.BYTES:
      return ["AAEC/w=="];
    case ScalarType.DOUBLE:
      return [0.5, 1.25, 10, ...bounds];
    default:
      return [1, 2, 10, 100, 5000, ...bounds];
  }
}

/** Some values that one field, item of a list or value of a map may take. */
function samplesOfOne(
  field: DescField,
  nested: (typeName: string) => readonly JsonValue[],
): JsonValue[] {
  if (field.enum !== undefined) return field.enum.values.map((value) => value.name).reverse();
  switch (field.message?.typeName) {
    case undefined:
      return samplesOfScalar(field);
    case "google.protobuf.Timestamp":
      return [...TIMES];
    case "google.protobuf.Duration":
      return [...DURATIONS];
    case "google.protobuf.Struct":
      return [{ note: "text", nested: { list: [1.5, true, null, "a"] } }];
    case "google.protobuf.FieldMask": {
      const { value } = rulesWithin(field);
      const paths = value.case === "fieldMask" ? value.value.in : [];
      return paths.map((path) => path.replace(/_([a-z])/g, (_, a: string) => a.toUpperCase()));
    }
    default:
      return [...nested(field.message!.typeName)];
  }
}

/**
 * Values that a field may well take, the likeliest first: what Examples give to fields of that name,
 * then what fits its type.
 *
 * @param field The field.
 * @param nested Gives valid messages of a type.
 */
export function samplesOf(
  field: DescField,
  nested: (typeName: string) => readonly JsonValue[],
): JsonValue[] {
  if (given.size === 0) collect();
  const known = given.get(field.name) ?? [];
  // The one text whose choices are in a pattern: (?:field|other field)(?: desc)?
  if (field.name === "order_by") {
    const { value } = rulesWithin(field);
    const [first = ""] = /[a-z_]+/.exec(value.case === "string" ? value.value.pattern : "") ?? [];
    return [first, `${first} desc`];
  }
  const ones = samplesOfOne(field, nested);
  switch (field.fieldKind) {
    case "list":
      return [...known, ...ones.map((one) => [one])];
    case "map":
      return [...known, ...ones.flatMap((one): JsonObject[] => [{ a: one }, { traceparent: one }])];
    default:
      return [...known, ...ones];
  }
}
