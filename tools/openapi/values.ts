import { type DescEnum, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { expectOnly } from "../schema/rules.ts";
import { also, besideRef, type Schema } from "../schema/schema.ts";
import { stringKeywords } from "../schema/strings.ts";
import { type DocumentContext, reference } from "./context.ts";
import { numberSchema } from "./numbers.ts";
import { wellKnown } from "./well_known.ts";

/** What a field, a list or a map holds. */
export interface ValueField {
  readonly scalar?: ScalarType | undefined;
  readonly enum?: DescEnum | undefined;
  readonly message?: DescMessage | undefined;
}

/**
 * The schema of a value as ProtoJSON writes it, with its rules.
 *
 * @param value What it is.
 * @param rules Its rules.
 * @param context The document.
 * @param leave Takes the ids of rules that the schema does not hold, or holds in part.
 */
export function valueSchema(
  value: ValueField,
  rules: FieldRules | undefined,
  context: DocumentContext,
  leave: (rule: string) => void,
): Schema {
  if (rules !== undefined) expectOnly(rules, ["required", rules.type.case ?? ""].map(snakeCase));
  if (value.message !== undefined) {
    return wellKnown(value.message, rules) ?? reference(value.message, context);
  }
  if (value.enum !== undefined) return enumSchema(value.enum, rules, context);
  switch (value.scalar) {
    case ScalarType.STRING:
      return stringSchema(rules, leave);
    case ScalarType.BOOL:
      return booleanSchema(rules);
    case ScalarType.BYTES:
      return bytesSchema(rules);
  }
  const schema = numberSchema(value.scalar, rules);
  if (schema === undefined) throw new Error(`Cannot write a schema for type ${value.scalar}`);
  return schema;
}

const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function stringSchema(rules: FieldRules | undefined, leave: (rule: string) => void): Schema {
  const type = rules?.type;
  const { base, patterns, partly } = stringKeywords(
    type?.case === "string" ? type.value : undefined,
  );
  partly.forEach(leave);
  return also({ type: "string", ...base }, patterns.map((pattern) => ({ pattern })));
}

function booleanSchema(rules: FieldRules | undefined): Schema {
  if (rules?.type.case !== "bool") return { type: "boolean" };
  expectOnly(rules.type.value, ["const"]);
  return { type: "boolean", enum: [rules.type.value.const] };
}

// RFC 4648 section 4, with padding.
const BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";

function bytesSchema(rules: FieldRules | undefined): Schema {
  const schema = { type: "string", format: "byte", pattern: BASE64 };
  if (rules?.type.case !== "bytes") return schema;
  const { value } = rules.type;
  expectOnly(value, ["min_len", "max_len"]);
  const inBase64 = (bytes: bigint): number => Math.ceil(Number(bytes) / 3) * 4;
  return {
    ...schema,
    ...(value.minLen === 0n ? {} : { minLength: inBase64(value.minLen) }),
    ...(value.maxLen === 0n ? {} : { maxLength: inBase64(value.maxLen) }),
  };
}

/** Names of values. Those that the rules refuse are taken from the ones that the enum has. */
function enumSchema(
  desc: DescEnum,
  rules: FieldRules | undefined,
  context: DocumentContext,
): Schema {
  const schema = reference(desc, context);
  if (rules?.type.case !== "enum") return schema;
  const { value } = rules.type;
  expectOnly(value, ["defined_only", "in", "not_in"]);
  const refused = desc.values.filter(({ number }) =>
    value.notIn.includes(number) || (value.in.length > 0 && !value.in.includes(number))
  );
  if (refused.length === 0) return schema;
  return { ...besideRef(schema), not: { enum: refused.map(({ name }) => name) } };
}
