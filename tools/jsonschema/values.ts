import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { expectOnly } from "../schema/rules.ts";
import type { Schema } from "../schema/schema.ts";
import { integerValues, numberValues } from "./numbers.ts";
import { orReference } from "./references.ts";
import { textValues } from "./texts.ts";

/**
 * What a scalar value may be in a file, as config/_leaf.ts reads it.
 *
 * @param scalar Its type.
 * @param name Name of the field.
 * @param rules Its rules.
 */
export function scalarValues(
  scalar: ScalarType,
  name: string,
  rules: FieldRules | undefined,
): Schema[] {
  switch (scalar) {
    case ScalarType.STRING:
      return textValues(rules);
    case ScalarType.BOOL:
      return orReference({ type: "boolean" }, { enum: ["true", "false"] });
    case ScalarType.DOUBLE:
      return numberValues(rules);
    case ScalarType.UINT32:
    case ScalarType.UINT64:
      return integerValues(scalar, name, rules);
    default:
      throw new Error(`Cannot write a schema for ${name}, which has the type ${scalar}`);
  }
}

/**
 * What an enum may be in a file: the name of a value, or what is left of it without the prefix of
 * the enum, in any case.
 *
 * @param desc The enum.
 * @param rules Its rules.
 */
export function enumValues(desc: DescEnum, rules: FieldRules | undefined): Schema[] {
  const refused = rules?.type.case === "enum" ? rules.type.value.notIn : [];
  if (rules?.type.case === "enum") expectOnly(rules.type.value, ["defined_only", "not_in"]);
  const names = desc.values.filter(({ number }) => !refused.includes(number)).map((each) =>
    each.name
  );
  const prefix = desc.sharedPrefix ?? "";
  const short = prefix === "" ? [] : names.map((name) => name.slice(prefix.length).toLowerCase());
  const anyCase = short.map((name) =>
    name.replaceAll(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)
  );
  return orReference(
    { enum: [...names, ...short] },
    ...(short.length === 0 ? [] : [{ type: "string", pattern: `^(?:${anyCase.join("|")})$` }]),
  );
}

// As protobuf-es reads it.
const TIMESTAMP = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]{1,9})?" +
  "(?:Z|[+-][0-9]{2}:[0-9]{2})$";

/** What a time may be in a file. */
export function timestampValues(): Schema[] {
  return orReference({ type: "string", format: "date-time", pattern: TIMESTAMP });
}
