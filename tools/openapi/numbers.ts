import { ScalarType } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { either, integers } from "../schema/ranges.ts";
import { type Bounds, boundsOf, expectOnly } from "../schema/rules.ts";
import type { Schema } from "../schema/schema.ts";

const BOUNDS = ["gt", "gte", "lt", "lte"];
const MAX_UINT32 = 2 ** 32 - 1;
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/**
 * The schema of a number as ProtoJSON writes it; undefined for what is none.
 *
 * @param scalar Its type.
 * @param rules Its rules.
 */
export function numberSchema(
  scalar: ScalarType | undefined,
  rules: FieldRules | undefined,
): Schema | undefined {
  switch (scalar) {
    case ScalarType.INT32:
    case ScalarType.UINT32:
      return narrow(scalar === ScalarType.INT32, rules);
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return wide(scalar === ScalarType.INT64, rules);
    case ScalarType.DOUBLE:
      return double(rules);
    default:
      return undefined;
  }
}

function narrow(isSigned: boolean, rules: FieldRules | undefined): Schema {
  const { type } = rules ?? {};
  const has = type?.case === "int32" || type?.case === "uint32";
  if (has) expectOnly(type.value, BOUNDS);
  const { min, max }: Partial<Bounds<number>> = has ? boundsOf<number>(type.value) : {};
  return {
    type: "integer",
    // OpenAPI knows no format of 32 bits without a sign.
    format: isSigned ? "int32" : "int64",
    minimum: min ?? (isSigned ? -(2 ** 31) : 0),
    maximum: max ?? (isSigned ? 2 ** 31 - 1 : MAX_UINT32),
  };
}

/** 64 bits are a text in JSON, whose numbers many readers keep in 53. */
function wide(isSigned: boolean, rules: FieldRules | undefined): Schema {
  const { type } = rules ?? {};
  const has = type?.case === "int64" || type?.case === "uint64";
  if (has) expectOnly(type.value, BOUNDS);
  const bounds: Partial<Bounds<bigint>> = has ? boundsOf<bigint>(type.value) : {};
  const min = bounds.min ?? (isSigned ? -MAX_INT64 - 1n : 0n);
  const max = bounds.max ?? (isSigned ? MAX_INT64 : MAX_UINT64);
  const parts: string[] = [];
  if (min < 0n) parts.push(`-${upTo(1n, -min)}`);
  if (max >= 0n) parts.push(upTo(min < 0n ? 0n : min, max));
  return { type: "string", format: isSigned ? "int64" : "uint64", pattern: `^${either(parts)}$` };
}

/** A range that ends where the type does needs no more than the number of digits. */
function upTo(min: bigint, max: bigint): string {
  const isWhole = max >= MAX_INT64 && min <= 1n;
  if (!isWhole) return integers(min, max);
  const rest = String(max).length - 1;
  return min === 0n ? `(?:0|[1-9][0-9]{0,${rest}})` : `[1-9][0-9]{0,${rest}}`;
}

function double(rules: FieldRules | undefined): Schema {
  const { type } = rules ?? {};
  if (type?.case !== "double") {
    const words = { type: "string", enum: ["NaN", "Infinity", "-Infinity"] };
    return { oneOf: [{ type: "number", format: "double" }, words] };
  }
  const { value } = type;
  expectOnly(value, [...BOUNDS, "finite"]);
  if (!value.finite) throw new Error("Cannot write a schema for bounds that let infinity through");
  const { greaterThan: low, lessThan: high } = value;
  return {
    type: "number",
    format: "double",
    ...(low.case === undefined ? {} : { minimum: low.value }),
    ...(low.case === "gt" ? { exclusiveMinimum: true } : {}),
    ...(high.case === undefined ? {} : { maximum: high.value }),
    ...(high.case === "lt" ? { exclusiveMaximum: true } : {}),
  };
}
