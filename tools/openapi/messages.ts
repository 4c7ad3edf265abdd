import type { DescEnum, DescField, DescMessage, JsonValue } from "@bufbuild/protobuf";
import {
  exclusives,
  expectOnly,
  isRequired,
  rulesOfField,
  rulesOfMessage,
} from "../schema/rules.ts";
import { described, type Schema } from "../schema/schema.ts";
import { stringKeywords } from "../schema/strings.ts";
import type { DocumentContext } from "./context.ts";
import { type ValueField, valueSchema } from "./values.ts";

const VALUE_RULES = "string bool bytes int32 uint32 int64 uint64 double enum duration field_mask"
  .split(" ");

/**
 * The schema of a field.
 *
 * @param field The field.
 * @param context The document.
 */
export function fieldSchema(field: DescField, context: DocumentContext): Schema {
  const text = context.comments.get(`${field.parent.typeName}.${field.name}`)?.text ?? "";
  const schema = described(bareSchema(field, context), text);
  return field.deprecated ? { ...schema, deprecated: true } : schema;
}

function bareSchema(field: DescField, context: DocumentContext): Schema {
  const rules = rulesOfField(field);
  expectOnly(rules, ["required", "repeated", "map", ...VALUE_RULES]);
  const leave = (rule: string): void => {
    const known = context.leftOut.some((each) =>
      each.message === field.parent.typeName && each.field === field.name && each.rule === rule
    );
    if (!known) context.leftOut.push({ message: field.parent.typeName, field: field.name, rule });
  };
  if (field.fieldKind === "list") {
    const { type } = rules;
    const list = type.case === "repeated" ? type.value : undefined;
    if (list !== undefined) expectOnly(list, ["min_items", "max_items", "unique", "items"]);
    const min = Math.max(Number(list?.minItems ?? 0n), rules.required ? 1 : 0);
    return {
      type: "array",
      items: valueSchema(field as ValueField, list?.items, context, leave),
      ...(min === 0 ? {} : { minItems: min }),
      ...(list === undefined || list.maxItems === 0n ? {} : { maxItems: Number(list.maxItems) }),
      ...(list?.unique ? { uniqueItems: true } : {}),
    };
  }
  if (field.fieldKind === "map") {
    const { type } = rules;
    const map = type.case === "map" ? type.value : undefined;
    if (map !== undefined) expectOnly(map, ["min_pairs", "max_pairs", "keys", "values"]);
    // OpenAPI 3.0 has no `propertyNames`.
    if (map?.keys?.type.case === "string") {
      const { base, patterns } = stringKeywords(map.keys.type.value);
      if ("minLength" in base) leave("string.min_len");
      if ("maxLength" in base) leave("string.max_len");
      if (patterns.length > 0) leave("string.pattern");
    }
    const min = Math.max(Number(map?.minPairs ?? 0n), rules.required ? 1 : 0);
    return {
      type: "object",
      additionalProperties: valueSchema(field as ValueField, map?.values, context, leave),
      ...(min === 0 ? {} : { minProperties: min }),
      ...(map === undefined || map.maxPairs === 0n ? {} : { maxProperties: Number(map.maxPairs) }),
    };
  }
  return valueSchema(field as ValueField, rules, context, leave);
}

/** What is asked of a message besides its fields. */
export interface MessageOptions {
  /** Fields that are not in it, since they stand in the path. */
  readonly without?: readonly string[];
  /** Whether fields that are not known are refused. */
  readonly closed: boolean;
}

/**
 * The schema of a message.
 *
 * @param desc The message.
 * @param context The document.
 * @param options What is left out, and whether it is closed.
 */
export function messageSchema(
  desc: DescMessage,
  context: DocumentContext,
  { without = [], closed }: MessageOptions,
): Schema {
  const fields = desc.fields.filter((field) => !without.includes(field.name));
  const properties = fields.map((field) => [field.name, fieldSchema(field, context)] as const);
  const required = fields.filter(isRequired).map((field) => field.name);
  const choices = exclusives(desc).map(({ fields: names, required: one }) => choice(names, one));
  const { text = "", example } = context.comments.get(desc.typeName) ?? {};
  return {
    type: "object",
    ...(text === "" ? {} : { description: [text, ...ruleTexts(desc, context)].join("\n\n") }),
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required }),
    ...(choices.length === 1 ? choices[0] : {}),
    ...(choices.length > 1 ? { allOf: choices } : {}),
    ...(closed ? { additionalProperties: false } : {}),
    ...(example === undefined ? {} : { example: withoutFields(example, without) }),
  };
}

function withoutFields(json: JsonValue, names: readonly string[]): JsonValue {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).filter(([name]) => !names.includes(name)));
}

/** One of some fields, or at most one. */
export function choice(names: readonly string[], required: boolean): Schema {
  const each = names.map((name) => ({ required: [name] }));
  return { oneOf: required ? each : [...each, { not: { anyOf: each } }] };
}

/**
 * What a schema cannot say of a message, in words: rules over several fields.
 *
 * @param desc The message.
 * @param context The document, which takes a note of them.
 */
export function ruleTexts(desc: DescMessage, context: DocumentContext): string[] {
  const rules = rulesOfMessage(desc);
  expectOnly(rules, ["cel", "oneof"]);
  return rules.cel.map(({ id, message }) => {
    const known = context.leftOut.some((each) =>
      each.message === desc.typeName && each.rule === id
    );
    if (!known) context.leftOut.push({ message: desc.typeName, field: "", rule: id });
    return `Rule: ${message}.`;
  });
}

/**
 * The schema of an enum: the names of its values.
 *
 * @param desc The enum.
 * @param context The document.
 */
export function enumValues(desc: DescEnum, context: DocumentContext): Schema {
  const text = (name: string): string => context.comments.get(name)?.text ?? "";
  const values = desc.values.map(({ name }) =>
    `- \`${name}\`: ${text(`${desc.typeName}.${name}`)}`
  );
  return {
    type: "string",
    description: [text(desc.typeName), values.join("\n")].join("\n\n"),
    enum: desc.values.map(({ name }) => name),
  };
}
