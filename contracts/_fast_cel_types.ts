import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { Target } from "./_fast_fields.ts";
import { compareSpans, isDuration } from "./_fast_values.ts";

/** What a value of an expression is. */
export type Kind = "bool" | "string" | "int" | "double" | "time" | "duration";
/** The type of an expression. */
export type Type =
  | { readonly kind: Kind }
  | { readonly kind: "message"; readonly desc: DescMessage }
  | { readonly kind: "list"; readonly of: Type };
/** No answer. */
export const UNSURE: unique symbol = Symbol("unsure");

/** What an expression gives. */
export type Value = unknown;
/** Values by the names that an expression has for them. */
export type Scope = Readonly<Record<string, Value>>;
/** Evaluates an expression. */
export type Run = (scope: Scope) => Value;
/** Types by the names that an expression has for values. */
export type Types = ReadonlyMap<string, Type>;

/** A compiled expression. */
export interface Typed {
  readonly type: Type;
  readonly run: Run;
}

/** The type of what is true or false. */
export const BOOL: Type = { kind: "bool" };

const SCALARS: Readonly<Partial<Record<ScalarType, Kind>>> = {
  [ScalarType.STRING]: "string",
  [ScalarType.BOOL]: "bool",
  [ScalarType.DOUBLE]: "double",
  [ScalarType.INT32]: "int",
  [ScalarType.UINT32]: "int",
  [ScalarType.INT64]: "int",
  [ScalarType.UINT64]: "int",
};

/** The type of a field; undefined for one that is not known here. */
export function typeOf(field: DescField): Type | undefined {
  if (field.fieldKind === "scalar") {
    const kind = SCALARS[field.scalar];
    return kind && { kind };
  }
  if (field.fieldKind === "enum") return { kind: "int" };
  if (field.fieldKind === "message") return messageType(field.message);
  if (field.fieldKind !== "list") return undefined;
  if (field.listKind === "message") {
    const of = messageType(field.message);
    return of && { kind: "list", of };
  }
  const kind = field.listKind === "enum" ? "int" : SCALARS[field.scalar];
  return kind && { kind: "list", of: { kind } };
}

function messageType(desc: DescMessage): Type | undefined {
  const { typeName } = desc;
  if (typeName === "google.protobuf.Timestamp") return { kind: "time" };
  if (typeName === "google.protobuf.Duration") return { kind: "duration" };
  // Others of Google's may not be messages as code holds them.
  return typeName.startsWith("google.protobuf.") ? undefined : { kind: "message", desc };
}

/** Whether a value is of a type; malformed messages may hold anything. */
export function valueFits(type: Type): (value: unknown) => boolean {
  switch (type.kind) {
    case "bool":
      return (value) => typeof value === "boolean";
    case "string":
      return (value) => typeof value === "string";
    case "int":
      return (value) => Number.isInteger(value) || typeof value === "bigint";
    case "double":
      return Number.isFinite;
    case "time":
      return (value) => compareSpans(value, value) === 0 && isTime(value as Time);
    case "duration":
      return isDuration;
    case "message":
      return (value) => (value as Target | undefined)?.["$typeName"] === type.desc.typeName;
    case "list": {
      const fits = valueFits(type.of);
      return (value) => Array.isArray(value) && value.every(fits);
    }
  }
}

interface Time {
  readonly seconds: bigint;
  readonly nanos: number;
}

// Years 1 to 9999: beyond, CEL has no such time.
function isTime({ seconds, nanos }: Time): boolean {
  return seconds >= -62_135_596_800n && seconds <= 253_402_300_799n &&
    nanos >= 0 && nanos < 1_000_000_000;
}
