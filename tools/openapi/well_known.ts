import type { DescMessage } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { decimals, either } from "../schema/ranges.ts";
import { durationBounds, expectOnly } from "../schema/rules.ts";
import type { Schema } from "../schema/schema.ts";

const PACKAGE = "google.protobuf.";

/**
 * The schema of a message that ProtoJSON writes in a way of its own
 * (https://protobuf.dev/programming-guides/json); undefined for others.
 *
 * @param desc The message.
 * @param rules Rules of the field.
 */
export function wellKnown(desc: DescMessage, rules: FieldRules | undefined): Schema | undefined {
  if (!desc.typeName.startsWith(PACKAGE)) return undefined;
  switch (desc.name) {
    case "Timestamp":
      return { type: "string", format: "date-time" };
    case "Duration":
      // No `format`: what others call duration is that of ISO 8601, "PT5S".
      return { type: "string", pattern: durationPattern(rules) };
    case "FieldMask":
      return { type: "string", format: "field-mask", pattern: maskPattern(rules) };
    case "Struct":
      return { type: "object", additionalProperties: true };
    case "ListValue":
      return { type: "array", items: {} };
    case "Value":
      return {};
    case "Any":
      return {
        type: "object",
        properties: { "@type": { type: "string" } },
        required: ["@type"],
        additionalProperties: true,
      };
    default:
      throw new Error(`Cannot write a schema for ${desc.typeName}`);
  }
}

function durationPattern(rules: FieldRules | undefined): string {
  const bounds = durationBounds(rules);
  if (bounds === undefined) return "^-?(?:0|[1-9][0-9]{0,11})(?:\\.[0-9]{1,9})?s$";
  if (bounds.max !== undefined) {
    return `^${decimals({ min: bounds.min, above: bounds.above, max: bounds.max, fraction: 9 })}s$`;
  }
  if (!bounds.above || bounds.min !== 0n) {
    throw new Error("Cannot write a range of durations without an end, save that above zero");
  }
  return "^(?:[1-9][0-9]{0,11}(?:\\.[0-9]{1,9})?|0\\.0{0,8}[1-9][0-9]{0,8})s$";
}

function maskPattern(rules: FieldRules | undefined): string {
  if (rules?.type.case !== "fieldMask") {
    return "^(?:[a-z][A-Za-z0-9.]*(?:,[a-z][A-Za-z0-9.]*)*)?$";
  }
  const { value } = rules.type;
  expectOnly(value, ["in"]);
  // Paths in JSON are in lowerCamelCase; what lies below a path that may be named may be, too.
  const names = value.in.map((path) =>
    path.replaceAll(/_([a-z])/g, (_, c: string) => c.toUpperCase())
  );
  const path = `${either(names)}(?:\\.[A-Za-z0-9]+)*`;
  return `^(?:${path}(?:,${path})*)?$`;
}
