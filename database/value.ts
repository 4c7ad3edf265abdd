import { CqiError } from "../errors/mod.ts";
import { hex } from "../internal/ids.ts";
import { shapeOf } from "../internal/options.ts";
import type { SqlJson } from "./sql.ts";
import { dateText } from "./_time.ts";

/** A document that goes into a `json` or `jsonb` column. */
export class JsonDocument implements SqlJson {
  readonly #value: unknown;

  /** @param value Anything that `JSON.stringify` takes. */
  constructor(value: unknown) {
    this.#value = value;
  }

  get [Symbol.toStringTag](): "SqlJson" {
    return "SqlJson";
  }

  /** The document as text. */
  static text(json: JsonDocument, place: string): string {
    let text: string | undefined;
    try {
      text = JSON.stringify(json.#value);
    } catch {
      text = undefined;
    }
    if (text === undefined) bad(place, json.#value, "a value that JSON can say");
    return text;
  }

  /** Whether a value is a document. */
  static is(value: unknown): value is JsonDocument {
    return typeof value === "object" && value !== null && #value in value;
  }
}

/** What `encode` is given; checked, since it comes from outside. */
export type Encodable = unknown;

// PostgreSQL's own bound on the dimensions of an array (MAXDIM in c.h).
const MAX_DIMENSIONS = 6;

function bad(place: string, value: unknown, wanted: string): never {
  const shape = value === undefined ? "undefined" : shapeOf(value);
  throw new CqiError(
    "CQI_DATABASE_QUERY",
    `Cannot bind ${place}: it must be ${wanted}, current value is ${
      // A number or a big integer may be what is secret; its type is enough.
      typeof value === "number" || typeof value === "bigint" ? `a ${typeof value}` : shape}`,
  );
}

function checkedText(text: string, place: string): string {
  if (text.includes("\0")) bad(place, text, "text without a NUL character");
  if (!text.isWellFormed()) bad(place, text, "well-formed Unicode");
  return text;
}

function arrayText(items: readonly unknown[], place: string, depth: number): string {
  if (depth > MAX_DIMENSIONS) bad(place, items, `an array of at most ${MAX_DIMENSIONS} dimensions`);
  const parts = Array.from(items, (item) => {
    if (Array.isArray(item)) return arrayText(item, place, depth + 1);
    const text = encode(item, place);
    // Quoted always: an item may be empty, "null", or have braces, commas and spaces.
    return text === null ? "NULL" : `"${text.replace(/["\\]/g, "\\$&")}"`;
  });
  return `{${parts.join(",")}}`;
}

/**
 * A value in PostgreSQL's text input syntax.
 *
 * @param value What was put between the texts of a query.
 * @param place For the error, such as `value $3`; the error never has the value itself.
 */
export function encode(value: Encodable, place: string): string | null {
  switch (typeof value) {
    case "string":
      return checkedText(value, place);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return String(value);
    case "boolean":
      return value ? "t" : "f";
    case "object":
      break;
    default:
      return bad(place, value, "a value: for SQL's null say null");
  }
  if (value === null) return null;
  if (Array.isArray(value)) return arrayText(value, place, 1);
  if (value instanceof Date) return dateText(value) ?? bad(place, value, "a valid date");
  if (value instanceof Uint8Array) return `\\x${hex(value)}`;
  if (JsonDocument.is(value)) return checkedText(JsonDocument.text(value, place), place);
  return bad(
    place,
    value,
    "text, a number, a bigint, a boolean, null, a Date, a Uint8Array, an array or sql.json(...)",
  );
}
