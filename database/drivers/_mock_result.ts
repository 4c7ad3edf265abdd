import { refuse } from "../../internal/options.ts";
import type { SqlValue } from "../sql.ts";
import type { DriverResult } from "../types.ts";
import { encode, JsonDocument } from "../value.ts";

// Object ids of pg_type, by what a JavaScript value is; the second is that of its array.
const TYPES = {
  text: [25, 1009],
  boolean: [16, 1000],
  number: [701, 1022],
  bigint: [20, 1016],
  date: [1184, 1185],
  bytes: [17, 1001],
  json: [3802, 3807],
} as const;

type Kind = keyof typeof TYPES;

function kindOf(value: unknown): Kind {
  if (typeof value === "boolean" || typeof value === "number" || typeof value === "bigint") {
    return typeof value as "boolean" | "number" | "bigint";
  }
  if (value instanceof Date) return "date";
  if (value instanceof Uint8Array) return "bytes";
  return typeof value === "object" && value !== null ? "json" : "text";
}

/** The first item of an array, however deep, that is neither null nor an array. */
function firstItem(items: readonly unknown[]): unknown {
  return items.flat(Infinity).find((item) => item !== null);
}

function typeOf(values: readonly unknown[]): number {
  const first = values.find((value) => value !== null);
  if (!Array.isArray(first)) return TYPES[kindOf(first)][0];
  const item = values.flatMap((value) => Array.isArray(value) ? [firstItem(value)] : [])
    .find((value) => value !== undefined);
  return TYPES[kindOf(item)][1];
}

function bindable(value: unknown): SqlValue {
  if (Array.isArray(value)) return value.map(bindable);
  return kindOf(value) === "json" ? new JsonDocument(value) : value as SqlValue;
}

/** Rows as the server would send them. */
export function mockResult(rows: readonly Readonly<Record<string, unknown>>[]): DriverResult {
  const names = Object.keys(rows[0] ?? {});
  rows.forEach((row, i) => {
    if (Object.keys(row).length !== names.length || !names.every((n) => Object.hasOwn(row, n))) {
      refuse(`rows[${i}]`, row, "a row with the same columns as the first");
    }
  });
  return {
    command: "SELECT",
    count: rows.length,
    columns: names.map((name) => ({ name, type: typeOf(rows.map((row) => row[name])) })),
    rows: rows.map((row) => names.map((name) => encode(bindable(row[name]), `column '${name}'`))),
  };
}
