import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** A schema, of JSON Schema or of OpenAPI 3.0. */
export type Schema = JsonObject;

/**
 * A schema with a description. What stands beside a `$ref` is ignored by readers of OpenAPI 3.0, so
 * the reference moves into an `allOf`.
 *
 * @param schema What is described.
 * @param text The description; nothing is added when it is empty.
 */
export function described(schema: Schema, text: string): Schema {
  return text === "" ? schema : { ...besideRef(schema), description: text };
}

/** A schema without its description, which stands elsewhere, and the description. */
export function undescribed({ description = "", ...schema }: Schema): [Schema, JsonValue] {
  const { allOf } = schema;
  const isWrapped = Object.keys(schema).length === 1 && Array.isArray(allOf) && allOf.length === 1;
  return [isWrapped ? allOf[0] as Schema : schema, description];
}

/** A schema that may be given further keywords. */
export function besideRef(schema: Schema): Schema {
  return "$ref" in schema ? { allOf: [schema] } : schema;
}

/**
 * A schema that asks for all of some schemas: in one object where no keyword is said twice.
 *
 * @param base The schema whose keywords stand on their own.
 * @param others What must hold besides.
 */
export function also(base: Schema, others: readonly Schema[]): Schema {
  let schema = base;
  const rest: Schema[] = [];
  for (const other of others) {
    const fits = !("$ref" in schema) && !("$ref" in other) &&
      Object.keys(other).every((key) => !Object.hasOwn(schema, key));
    if (fits) schema = { ...schema, ...other };
    else rest.push(other);
  }
  if (rest.length === 0) return schema;
  const { allOf, ...open } = besideRef(schema);
  return { ...open, allOf: [...(Array.isArray(allOf) ? allOf : []), ...rest] };
}
