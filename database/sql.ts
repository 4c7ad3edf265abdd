import { CqiError } from "../errors/mod.ts";
import { refuse } from "../internal/options.ts";
import { JsonDocument } from "./value.ts";
import { Fragment, fromTemplate } from "./_fragment.ts";

/** A piece of SQL with its values apart. Only `sql` makes one: no other object passes for it. */
export interface SqlFragment {
  /** Always `SqlFragment`. */
  readonly [Symbol.toStringTag]: "SqlFragment";
}

/** A document for a `json` or `jsonb` column. Only `sql.json` makes one. */
export interface SqlJson {
  /** Always `SqlJson`. */
  readonly [Symbol.toStringTag]: "SqlJson";
}

/**
 * What may stand between the texts of a query. It is always bound as a parameter, save a fragment,
 * whose text was written in code.
 *
 * An array is a PostgreSQL array; a document is `sql.json(...)`; `undefined` is refused: say null.
 * Text with a NUL character is refused, as PostgreSQL has no place for it.
 */
export type SqlValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Uint8Array
  | SqlJson
  | SqlFragment
  | readonly SqlValue[];

/** A row to insert: column name to value. */
export type SqlRecord = Readonly<Record<string, SqlValue>>;

/** Makes pieces of SQL. None of its functions takes SQL as a string. */
export interface SqlTools {
  /**
   * A piece of SQL, to be put into a query.
   *
   * @param strings The template's texts.
   * @param values Bound, or fragments.
   */
  fragment(strings: TemplateStringsArray, ...values: readonly SqlValue[]): SqlFragment;
  /**
   * A quoted name: `sql.identifier("app", "order")` is `"app"."order"`.
   *
   * @param names Parts of the name, outermost first.
   * @throws `CQI_DATABASE_IDENTIFIER_INVALID` for an empty part, a NUL character or over 63 bytes
   * of UTF-8, which PostgreSQL would cut silently.
   */
  identifier(...names: readonly string[]): SqlFragment;
  /**
   * Puts pieces together.
   *
   * @param parts Fragments, or values that are bound; at least one.
   * @param separator What stands between. @default {", "}
   */
  join(parts: readonly SqlValue[], separator?: SqlFragment): SqlFragment;
  /**
   * Rows for `values`: `insert into t (a, b) values ${sql.values([[1, 2], [3, 4]])}`.
   *
   * @param rows At least one, all of one length.
   */
  values(rows: readonly (readonly SqlValue[])[]): SqlFragment;
  /**
   * Columns and rows: `insert into t ${sql.records([{ a: 1, b: 2 }])}`.
   *
   * @param records At least one, all with the keys of the first.
   */
  records(records: readonly SqlRecord[]): SqlFragment;
  /**
   * A document for a `json` or `jsonb` column.
   *
   * @param value Anything that `JSON.stringify` takes; a bigint inside is refused.
   */
  json(value: unknown): SqlJson;
}

const MAX_NAME_BYTES = 63;
const encoder = new TextEncoder();
const COMMA: Fragment = new Fragment([", "], []);

/**
 * Quotes a name as PostgreSQL wants it (Lexical Structure, 4.1.1).
 *
 * @param name The bare name.
 */
export function quoteIdentifier(name: string): string {
  const problem = typeof name !== "string"
    ? "it is not a string"
    : name === ""
    ? "it is empty"
    : name.includes("\0")
    ? "it has a NUL character"
    : !name.isWellFormed()
    ? "it is not well-formed Unicode"
    : encoder.encode(name).length > MAX_NAME_BYTES
    ? `it has ${encoder.encode(name).length} bytes`
    : undefined;
  if (problem !== undefined) {
    throw new CqiError(
      "CQI_DATABASE_IDENTIFIER_INVALID",
      `Cannot use a name in SQL: ${problem}, wanted 1 to ${MAX_NAME_BYTES} bytes of text`,
    );
  }
  return `"${name.replaceAll('"', '""')}"`;
}

function fragmentOf(value: SqlFragment): Fragment {
  return Fragment.is(value) ? value : refuse("separator", value, "what sql.fragment gave");
}

function identifier(...names: readonly string[]): SqlFragment {
  if (names.length === 0) refuse("names", names, "at least one name");
  return new Fragment([names.map(quoteIdentifier).join(".")], []);
}

function join(parts: readonly SqlValue[], separator: SqlFragment = COMMA): SqlFragment {
  if (parts.length === 0) refuse("parts", parts, "at least one part: an empty list is not SQL");
  const texts = [""];
  const values: SqlValue[] = [];
  parts.forEach((part, i) => {
    if (i > 0) Fragment.append(fragmentOf(separator), texts, values);
    if (Fragment.is(part)) Fragment.append(part, texts, values);
    else {
      values.push(part);
      texts.push("");
    }
  });
  return new Fragment(texts, values);
}

function values(rows: readonly (readonly SqlValue[])[]): SqlFragment {
  const width = rows[0]?.length ?? 0;
  if (width === 0) refuse("rows", rows, "at least one row of at least one value");
  const open = new Fragment(["("], []);
  const close = new Fragment([")"], []);
  const texts = [""];
  const bound: SqlValue[] = [];
  rows.forEach((row, i) => {
    if (row.length !== width) refuse(`rows[${i}]`, row, `a row of ${width} values like the first`);
    if (i > 0) Fragment.append(COMMA, texts, bound);
    Fragment.append(open, texts, bound);
    Fragment.append(fragmentOf(join(row)), texts, bound);
    Fragment.append(close, texts, bound);
  });
  return new Fragment(texts, bound);
}

function records(rows: readonly SqlRecord[]): SqlFragment {
  const names = Object.keys(rows[0] ?? {});
  if (names.length === 0) refuse("records", rows, "at least one record of at least one field");
  const table = rows.map((row, i) => {
    if (Object.keys(row).length !== names.length || !names.every((n) => Object.hasOwn(row, n))) {
      refuse(`records[${i}]`, row, "a record with the same fields as the first");
    }
    return names.map((name) => row[name]!);
  });
  const columns = join(names.map((name) => identifier(name)));
  return sql.fragment`(${columns}) values ${values(table)}`;
}

/** Makes pieces of SQL: names, lists, rows, documents. */
export const sql: SqlTools = {
  fragment: (strings, ...given) => fromTemplate(strings, given),
  identifier,
  join,
  values,
  records,
  json: (value) => new JsonDocument(value),
};
