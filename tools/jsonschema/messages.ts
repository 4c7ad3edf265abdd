import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Comments } from "../schema/comments.ts";
import {
  type Exclusive,
  exclusives,
  expectOnly,
  isRequired,
  rulesOfField,
  rulesOfMessage,
} from "../schema/rules.ts";
import type { Schema } from "../schema/schema.ts";
import { stringKeywords } from "../schema/strings.ts";
import { durationValues } from "./durations.ts";
import { definition } from "./references.ts";
import { has, RULES, UNSAID } from "./rules.ts";
import { enumValues, scalarValues, timestampValues } from "./values.ts";

/** Where a message stands. */
export interface Placement {
  /** In a list, which is replaced as a whole: nothing in it is taken back or filled in. */
  readonly inList: boolean;
  /** Whether what is required has to be there, since nothing else gives it. */
  readonly whole: boolean;
}

/** A schema while it is made. */
export interface SchemaContext {
  readonly comments: Comments;
  /** Messages that something refers to, by the name of their definition. */
  readonly messages: Map<string, { desc: DescMessage; placement: Placement }>;
}

const SECRET_REF = "cqc.config.v1.SecretRef";
const NULL: Schema = { type: "null" };

/** The definition of a message. */
export function messageReference(
  desc: DescMessage,
  placement: Placement,
  context: SchemaContext,
): Schema {
  const name = placement.inList ? `${desc.typeName}.item` : desc.typeName;
  context.messages.set(name, { desc, placement });
  return definition(name);
}

/**
 * The schema of the settings of a message.
 *
 * @param desc The message.
 * @param placement Where it stands.
 * @param context The schema as a whole.
 */
export function messageSchema(
  desc: DescMessage,
  placement: Placement,
  context: SchemaContext,
): Schema {
  const rules = rulesOfMessage(desc);
  expectOnly(rules, ["cel", "oneof"]);
  const conditions = [
    ...exclusives(desc).map((each) => choice(each, placement)),
    ...rules.cel.flatMap(({ id }) => ruleSchemas(id, placement)),
  ];
  const required = placement.whole ? desc.fields.filter(isRequired).map((field) => field.name) : [];
  const { text = "", example } = context.comments.get(desc.typeName) ?? {};
  const properties = desc.fields.map((field) =>
    [field.name, fieldSchema(field, !required.includes(field.name), placement, context)] as const
  );
  return {
    ...(text === "" ? {} : { description: text }),
    type: "object",
    properties: Object.fromEntries(properties),
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
    ...(conditions.length === 0 ? {} : { allOf: conditions }),
    ...(example === undefined ? {} : { examples: [example] }),
  };
}

function choice({ fields, required }: Exclusive, { whole }: Placement): Schema {
  const each = fields.map(has);
  return { oneOf: required && whole ? each : [...each, { not: { anyOf: each } }] };
}

function ruleSchemas(id: string, { whole }: Placement): Schema[] {
  const rule = RULES[id];
  if (rule === undefined) {
    if (UNSAID.includes(id)) return [];
    throw new Error(`Cannot write the rule ${id}: say in rules.ts what of it a schema can hold`);
  }
  return [...rule.always ?? [], ...(whole ? rule.whole ?? [] : [])];
}

function fieldSchema(
  field: DescField,
  optional: boolean,
  placement: Placement,
  context: SchemaContext,
): Schema {
  const { text = "" } = context.comments.get(`${field.parent.typeName}.${field.name}`) ?? {};
  // Null takes back what weaker sources say, save within a list.
  const values = [...fieldValues(field, placement, context)];
  if (optional && !placement.inList) values.push(NULL);
  return { ...(text === "" ? {} : { description: text }), ...anyOf(values) };
}

const anyOf = (values: readonly Schema[]): Schema =>
  values.length === 1 ? values[0]! : { anyOf: [...values] };

function fieldValues(field: DescField, placement: Placement, context: SchemaContext): Schema[] {
  const rules = rulesOfField(field);
  switch (field.fieldKind) {
    case "scalar":
      return scalarValues(field.scalar, field.name, rules);
    case "enum":
      return enumValues(field.enum, rules);
    case "message":
      return messageValues(field.message, rules, placement, context);
    case "list":
      return [listSchema(field, rules, context)];
    case "map":
      return [mapSchema(field, rules, placement, context)];
  }
}

function messageValues(
  desc: DescMessage,
  rules: FieldRules | undefined,
  placement: Placement,
  context: SchemaContext,
): Schema[] {
  switch (desc.typeName) {
    case "google.protobuf.Duration":
      return durationValues(rules);
    case "google.protobuf.Timestamp":
      return timestampValues();
    case "google.protobuf.Struct":
      return [definition("settings_of_any_name")];
    case SECRET_REF:
      return [messageReference(desc, placement, context), definition("secret_reference")];
  }
  if (desc.typeName.startsWith("google.")) {
    throw new Error(`Cannot write a schema for ${desc.typeName}`);
  }
  return [messageReference(desc, placement, context)];
}

type ListField = Extract<DescField, { fieldKind: "list" }>;
type MapField = Extract<DescField, { fieldKind: "map" }>;

function listSchema(field: ListField, rules: FieldRules, context: SchemaContext): Schema {
  const list = rules.type.case === "repeated" ? rules.type.value : undefined;
  if (list !== undefined) expectOnly(list, ["min_items", "max_items", "unique", "items"]);
  const item = field.listKind === "message"
    ? messageValues(field.message, list?.items, { inList: true, whole: true }, context)
    : field.listKind === "enum"
    ? enumValues(field.enum, list?.items)
    : scalarValues(field.scalar, field.name, list?.items);
  const min = Math.max(Number(list?.minItems ?? 0n), rules.required ? 1 : 0);
  return {
    type: "array",
    items: anyOf(item),
    ...(min === 0 ? {} : { minItems: min }),
    ...(list === undefined || list.maxItems === 0n ? {} : { maxItems: Number(list.maxItems) }),
    ...(list?.unique ? { uniqueItems: true } : {}),
  };
}

function mapSchema(
  field: MapField,
  rules: FieldRules,
  placement: Placement,
  context: SchemaContext,
): Schema {
  const map = rules.type.case === "map" ? rules.type.value : undefined;
  if (map !== undefined) expectOnly(map, ["max_pairs", "keys", "values"]);
  const values = field.mapKind === "message"
    ? messageValues(field.message, map?.values, placement, context)
    : field.mapKind === "enum"
    ? enumValues(field.enum, map?.values)
    : scalarValues(field.scalar, field.name, map?.values);
  const { type } = map?.keys ?? {};
  const { base, patterns } = stringKeywords(type?.case === "string" ? type.value : undefined);
  return {
    type: "object",
    propertyNames: {
      allOf: [definition("key"), base, ...patterns.map((pattern) => ({ pattern }))],
    },
    additionalProperties: anyOf(placement.inList ? values : [...values, NULL]),
    ...(map === undefined || map.maxPairs === 0n ? {} : { maxProperties: Number(map.maxPairs) }),
  };
}
