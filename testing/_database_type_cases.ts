import assert from "node:assert/strict";
import { sql } from "../database/mod.ts";
import type { DatabaseCases } from "./_database_kit.ts";

/** Types: what goes in comes out. */
export const TYPE_CASES: DatabaseCases = {
  "numeric is text with every digit": async ({ db }) => {
    for (
      const text of [
        "0",
        "0.10",
        "-0.00000000000000000001",
        "12345678901234567890123456789012345678.12345678901234567890123456789012345678",
        "NaN",
      ]
    ) {
      assert.deepEqual(await db.sql`select ${text}::numeric as v`, [{ v: text }]);
    }
  },
  "int8 is a bigint, int2 and int4 are numbers": async ({ db }) => {
    const row = await db.sql`
      select ${9223372036854775807n}::int8 as a, ${-9223372036854775808n}::int8 as b,
             ${-32768}::int2 as c, ${2147483647}::int4 as d`.one();
    assert.deepEqual(row, {
      a: 9223372036854775807n,
      b: -9223372036854775808n,
      c: -32768,
      d: 2147483647,
    });
  },
  "floats keep every bit": async ({ db }) => {
    for (
      const value of [0, -0, 0.1, 1e-300, 1.7976931348623157e308, 5e-324, Infinity, -Infinity, NaN]
    ) {
      const { v } = await db.sql<{ v: number }>`select ${value}::float8 as v`.one();
      assert(Object.is(v, value));
    }
  },
  "booleans and nulls are themselves": async ({ db }) => {
    const row = await db.sql`select ${true}::bool as a, ${false}::bool as b, ${null}::bool as c`
      .one();
    assert.deepEqual(row, { a: true, b: false, c: null });
  },
  "timestamptz is a Date, whatever the year": async ({ db }) => {
    for (
      const text of [
        "1970-01-01T00:00:00.000Z",
        "2026-02-28T23:59:59.999Z",
        "0001-01-01T00:00:00.000Z",
        "-000043-03-15T12:00:00.000Z",
        "+012024-02-29T00:00:00.001Z",
      ]
    ) {
      const date = new Date(text);
      const { v } = await db.sql<{ v: Date }>`select ${date}::timestamptz as v`.one();
      assert.equal(v.toISOString(), text);
    }
  },
  "timestamptz that no Date can say is refused by name": async ({ db }) => {
    await assert.rejects(db.sql`select 'infinity'::timestamptz as until`.rows(), {
      code: "CQI_DATABASE_ROW_INVALID",
      message: /'until'/,
    });
  },
  "date, time and timestamp are text, as they name no moment": async ({ db }) => {
    const row = await db.sql`
      select '2026-03-29'::date as a, '02:30:00.5'::time as b,
             '2026-03-29 02:30:00'::timestamp as c`.one();
    assert.deepEqual(row, { a: "2026-03-29", b: "02:30:00.5", c: "2026-03-29 02:30:00" });
  },
  "bytea is a Uint8Array with every byte": async ({ db }) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const row = await db.sql<{ v: Uint8Array; n: number }>`
      select ${bytes}::bytea as v, length(${bytes}::bytea) as n`.one();
    assert.deepEqual([new Uint8Array(row.v), row.n], [bytes, 256]);
  },
  "json goes in as a document and comes out parsed": async ({ db }) => {
    const value = {
      text: "'; drop table x; --",
      list: [1, null, { deep: true }],
      control: Array.from({ length: 31 }, (_, i) => String.fromCharCode(i + 1)).join(""),
      quotes: "\"'\\",
      unicode: "👩‍👩‍👧",
    };
    const row = await db.sql`
      select ${sql.json(value)}::jsonb as a, ${sql.json([1])}::json as b, ${
      sql.json(null)
    }::jsonb as c`
      .one();
    assert.deepEqual(row, { a: value, b: [1], c: null });
  },
  "json refuses NUL and what JSON cannot say": async ({ db }) => {
    for (const value of [{ a: "\0" }, { a: 1n }, undefined]) {
      await assert.rejects(db.sql`select ${sql.json(value)}::jsonb`.rows(), {
        code: "CQI_DATABASE_QUERY",
      });
    }
  },
  "arrays keep nulls, quotes, braces and nesting": async ({ db }) => {
    const texts = ["", "null", "NULL", "a,b", "{}", '"', "\\", " ", "'; drop table x; --", "\n\t"];
    const row = await db.sql`
      select ${[...texts, null]}::text[] as a, ${[[1, 2], [3, 4]]}::int4[] as b, ${[]}::text[] as c,
             ${[1n, null]}::int8[] as d, ${[true, false]}::bool[] as e,
             ${["0.10"]}::numeric[] as f`.one();
    assert.deepEqual(row, {
      a: [...texts, null],
      b: [[1, 2], [3, 4]],
      c: [],
      d: [1n, null],
      e: [true, false],
      f: ["0.10"],
    });
  },
  "arrays of dates, bytes and documents are read": async ({ db }) => {
    const row = await db.sql<{ a: Date[]; b: Uint8Array[]; c: unknown[] }>`
      select ${[new Date(0)]}::timestamptz[] as a, ${[new Uint8Array([0, 255])]}::bytea[] as b,
             ${[sql.json({ q: '"' }), sql.json([1])]}::jsonb[] as c`.one();
    assert.equal(row.a[0]?.getTime(), 0);
    assert.deepEqual([...row.b[0] ?? []], [0, 255]);
    assert.deepEqual(row.c, [{ q: '"' }, [1]]);
  },
  "arrays with bounds of their own are read": async ({ db }) => {
    assert.deepEqual(await db.sql`select '[0:1]={7,8}'::int4[] as v`, [{ v: [7, 8] }]);
  },
  "column names are taken as they are": async ({ db }) => {
    const row = await db.sql`
      select 1 as ${sql.identifier("__proto__")}, 2 as ${sql.identifier("constructor")}`.one();
    assert.deepEqual(Object.entries(row), [["__proto__", 1], ["constructor", 2]]);
    assert.equal(Object.getPrototypeOf(row), Object.prototype);
  },
  "columns of one name are refused, as one would be lost": async ({ db }) => {
    await assert.rejects(db.sql`select 1 as id, 2 as id`.rows(), {
      code: "CQI_DATABASE_ROW_INVALID",
    });
  },
};
