import { systemClock } from "../core/mod.ts";
import { type Database, sql, type SqlFragment } from "../database/mod.ts";

/** What a case of the database contract gets. */
export interface DatabaseCase {
  /** The database under test. */
  readonly db: Database;
  /** Schema of the case's own, dropped afterwards. */
  readonly schema: string;
  /** A name in that schema, quoted. */
  readonly name: (table: string) => SqlFragment;
  /** Makes a table `counters (id text primary key, n int8 not null)` with one row `a`, 0. */
  readonly counters: () => Promise<SqlFragment>;
}

/** Cases by the sentence that names them. */
export type DatabaseCases = Readonly<Record<string, (test: DatabaseCase) => Promise<void>>>;

/** Runs a case in a schema of its own. */
export async function inSchema(
  db: Database,
  serial: number,
  run: (test: DatabaseCase) => Promise<void>,
): Promise<void> {
  const schema = `cqi_contract_${Math.trunc(systemClock.now())}_${serial}`;
  const name = (table: string): SqlFragment => sql.identifier(schema, table);
  await db.sql`create schema ${sql.identifier(schema)}`;
  try {
    await run({
      db,
      schema,
      name,
      async counters() {
        const table = name("counters");
        await db.sql`create table ${table} (id text primary key, n int8 not null)`;
        await db.sql`insert into ${table} values ('a', 0)`;
        return table;
      },
    });
  } finally {
    await db.sql`drop schema ${sql.identifier(schema)} cascade`;
  }
}

/** Texts that have broken databases before. All but NUL have a place in PostgreSQL's text. */
export const NAUGHTY_TEXTS: readonly string[] = [
  "",
  " ",
  "null",
  "NULL",
  "undefined",
  "0",
  "-0",
  "1e309",
  "NaN",
  "true",
  "'",
  '"',
  "''",
  "\\",
  "\\'",
  "\\\\",
  "\\x41",
  "\\N",
  "\\.",
  "$1",
  "$$",
  "$tag$",
  "?",
  ":name",
  "%",
  "_",
  "100%_\\%",
  ";",
  "--",
  "/*",
  "*/",
  "{",
  "}",
  "{a,b}",
  '{"a":1}',
  "[1:2]={1,2}",
  "(1,2)",
  "'; drop table counters; --",
  "1; drop table counters",
  "' or '1'='1",
  "'); delete from counters; --",
  "\\'; drop table counters; --",
  "Robert'); drop table students;--",
  "__proto__",
  "constructor",
  "ünïcödé",
  "日本語",
  "👩‍👩‍👧",
  "e\u0301",
  "\u202eright to left",
  "\u2028\u2029",
  "\ufeff",
  "\uffff",
  "x".repeat(10_000),
  // Every control character of ASCII but NUL, and DEL.
  ...Array.from({ length: 31 }, (_, i) => `a${String.fromCharCode(i + 1)}b`),
  "\u007f",
];
