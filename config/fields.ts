import type { StandardSchema, StandardSchemaIssue, StandardSchemaResult } from "../core/mod.ts";
import type { Field } from "./field.ts";
import { didYouMean, suggest } from "./_suggest.ts";
import { isForbidden } from "./source.ts";

/** Settings by name; a name in camelCase is written in snake_case in files. */
export type FieldTable = Readonly<Record<string, Field<unknown> | FieldsSchema<unknown>>>;

/**
 * A section that knows its settings, and a Standard Schema.
 *
 * @typeParam T What it gives.
 */
export interface FieldsSchema<T> extends StandardSchema<unknown, T> {
  /** The settings. */
  readonly fields: FieldTable;
}

/** What a section gives. */
export type FieldsOutput<F extends FieldTable> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T
    : F[K] extends FieldsSchema<infer O> ? O
    : never;
};

/** The name that files use for a name in code: `tickSize` is `tick_size`. */
export function externalName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Whether a schema, or a setting, is a section of {@linkcode fields}. */
export function isFieldsSchema(schema: object): schema is FieldsSchema<unknown> {
  return "fields" in schema && "~standard" in schema;
}

/**
 * A section of a service's own settings. It reads texts as files and variables have them, names
 * what is wrong, knows which names exist, and its type follows. Any other Standard Schema will do
 * as well; this one needs no library.
 *
 * @param table Settings by name, sections within it included.
 *
 * @example
 * ```ts
 * import { decimal, duration, fields, load, number, oneOf, yamlText } from "@cq/cqi/config";
 * import assert from "node:assert/strict";
 *
 * const tapeSection = fields({
 *   strategy: oneOf(["momentum", "reversion"]),
 *   cash: decimal({ default: "100000" }),
 *   barInterval: duration({ default: "1m" }),
 *   fees: fields({ taker: number({ min: 0, max: 1, default: 0.001 }) }),
 * });
 *
 * const { cqi, tape } = await load({
 *   extend: { tape: tapeSection },
 *   sources: [yamlText(`
 *     service: { name: tape, version: 1.0.0, environment: test }
 *     tape:
 *       strategy: momentum
 *       bar_interval: 5m
 *       fees: { taker: 0.04% }
 *   `)],
 * });
 * assert.equal(cqi.service?.name, "tape");
 * assert.deepEqual(tape, {
 *   strategy: "momentum",
 *   cash: "100000",
 *   barInterval: 300_000,
 *   fees: { taker: 0.0004 },
 * });
 * ```
 */
export function fields<const F extends FieldTable>(table: F): FieldsSchema<FieldsOutput<F>> {
  return {
    fields: table,
    "~standard": {
      version: 1,
      vendor: "cqi",
      validate: (value) => check<FieldsOutput<F>>(table, value),
    },
  };
}

function check<T>(table: FieldTable, value: unknown): StandardSchemaResult<T> {
  const issues: StandardSchemaIssue[] = [];
  const output = checkGroup(table, value, [], issues);
  return issues.length > 0 ? { issues } : { value: output as T };
}

function checkGroup(
  table: FieldTable,
  value: unknown,
  path: readonly string[],
  issues: StandardSchemaIssue[],
): Record<string, unknown> {
  const output: Record<string, unknown> = {};
  if (
    value !== undefined && (typeof value !== "object" || value === null || Array.isArray(value))
  ) {
    issues.push({ path, message: "must be settings by name" });
    return output;
  }
  const given = new Map(Object.entries(value ?? {}));
  const names = new Map(Object.keys(table).map((name) => [externalName(name), name]));
  // What was mistyped is not missing as well.
  const meant = new Set<string | undefined>();
  for (const key of given.keys()) {
    if (names.has(key) && !isForbidden(key)) continue;
    meant.add(suggest(key, names.keys()));
    const message = `is no setting${didYouMean(key, names.keys())}`;
    issues.push({ path: [...path, key], message });
  }
  for (const [external, name] of names) {
    const field = table[name]!;
    const at = [...path, external];
    const part = given.get(external);
    if (isFieldsSchema(field)) {
      output[name] = checkGroup(field.fields, part, at, issues);
    } else if (part === undefined || part === null) {
      if (field.absent !== undefined) output[name] = field.absent.value;
      else if (!meant.has(external)) issues.push({ path: at, message: "is required" });
    } else {
      const result = field.read(part);
      if ("wanted" in result) issues.push({ path: at, message: `must be ${result.wanted}` });
      else output[name] = result.value;
    }
  }
  return output;
}
