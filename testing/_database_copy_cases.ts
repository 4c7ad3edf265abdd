import assert from "node:assert/strict";
import { sleep, systemClock } from "../core/mod.ts";
import { sql, type SqlRecord } from "../database/mod.ts";
import { type DatabaseCases, NAUGHTY_TEXTS } from "./_database_kit.ts";

const boom = new Error("boom");

function* numbered(count: number): Generator<SqlRecord> {
  for (let i = 1; i <= count; i++) yield { id: `row ${i}`, n: BigInt(i) };
}

/** Many rows at a time: by COPY, or by inserts where a driver has none. */
export const COPY_CASES: DatabaseCases = {
  "copyIn inserts rows of a list, and says how many": async ({ db, schema, counters }) => {
    const table = await counters();
    const rows = [{ id: "b", n: 1 }, { n: 2, id: "c" }];
    assert.equal(await db.copyIn([schema, "counters"], rows), 2);
    assert.deepEqual(await db.sql`select id, n from ${table} order by id`, [
      { id: "a", n: 0n },
      { id: "b", n: 1n },
      { id: "c", n: 2n },
    ]);
    assert.equal(await db.copyIn([schema, "counters"], []), 0);
  },
  "copyIn takes rows as they come": async ({ db, schema, counters }) => {
    const table = await counters();
    async function* slowly(): AsyncGenerator<SqlRecord> {
      for (const row of numbered(2500)) {
        if (row["n"] === 1000n) await Promise.resolve();
        yield row;
      }
    }
    assert.equal(await db.copyIn([schema, "counters"], slowly()), 2500);
    const { total } = await db.sql`select sum(n)::int8 as total from ${table}`.one();
    assert.equal(total, 3_126_250n);
  },
  "copyIn keeps naughty texts, nulls, bytes, arrays and documents": async (
    { db, schema, name },
  ) => {
    const table = name("kinds");
    await db.sql`create table ${table} (
      i int4, t text, b bytea, l text[], d jsonb, f bool, w timestamptz, q numeric)`;
    const rows = NAUGHTY_TEXTS.map((t, i) => ({
      i,
      t: i % 7 === 0 ? null : t,
      b: new TextEncoder().encode(t),
      l: [t, null, "\\N", "\t"],
      d: sql.json({ [`k${i}`]: t }),
      f: i % 2 === 0,
      w: new Date(i * 1e9),
      q: `${i}.10`,
    }));
    assert.equal(await db.copyIn([schema, "kinds"], rows), rows.length);
    const found = await db.sql`select * from ${table} order by i`;
    assert.deepEqual(
      found,
      rows.map((row, i) => ({ ...row, d: { [`k${i}`]: NAUGHTY_TEXTS[i] } })),
    );
  },
  "copyIn is all or nothing": async ({ db, schema, counters }) => {
    const table = await counters();
    const path = [schema, "counters"];
    function* broken(): Generator<SqlRecord> {
      yield* numbered(3000);
      throw boom;
    }
    await assert.rejects(db.copyIn(path, broken()), (error) => error === boom);
    await assert.rejects(db.copyIn(path, [...numbered(3000), { id: "row 1", n: 0 }]), {
      code: "CQI_DATABASE_CONSTRAINT",
    });
    await assert.rejects(db.copyIn(path, [{ id: "b", n: 1 }, { id: "c", n: "x" }]), {
      code: "CQI_DATABASE_QUERY",
    });
    assert.deepEqual(await db.sql`select id from ${table}`, [{ id: "a" }]);
    assert.equal(db.pool.used, 0);
  },
  "copyIn refuses rows of other columns, and values that cannot be bound": async (
    { db, schema, counters },
  ) => {
    await counters();
    const path = [schema, "counters"];
    for (const odd of [{ id: "c" }, { id: "c", n: 1, more: 2 }, { id: "c", m: 1 }]) {
      await assert.rejects(db.copyIn(path, [{ id: "b", n: 1 }, odd]), {
        code: "CQI_OPTION_INVALID",
        message: /row 2/,
      });
    }
    for (const bad of ["a\0b", "\ud800", undefined, {}, sql.fragment`now()`]) {
      const rows = [{ id: "b", n: 1 }, { id: bad as string, n: 1 }];
      await assert.rejects(db.copyIn(path, rows), { code: "CQI_DATABASE_QUERY" });
    }
  },
  "copyIn quotes names, and refuses what is none": async ({ db, schema, name }) => {
    const table = `t"; drop table x; --`;
    const column = `c", "d`;
    await db.sql`create table ${name(table)} (${sql.identifier(column)} text)`;
    assert.equal(await db.copyIn([schema, table], [{ [column]: "v" }]), 1);
    assert.deepEqual(await db.sql`select * from ${name(table)}`, [{ [column]: "v" }]);
    for (const bad of ["", "a\0b", "x".repeat(64), "é".repeat(32)]) {
      const invalid = { code: "CQI_DATABASE_IDENTIFIER_INVALID" };
      await assert.rejects(db.copyIn([schema, bad], [{ a: 1 }]), invalid);
      await assert.rejects(db.copyIn([schema, table], [{ [bad]: 1 }]), invalid);
    }
  },
  "copyIn of a transaction is undone with it": async ({ db, schema, counters }) => {
    const table = await counters();
    const path = [schema, "counters"];
    await assert.rejects(
      db.transaction(async (tx) => {
        assert.equal(await tx.copyIn(path, numbered(10)), 10);
        assert.equal((await tx.sql`select 1 from ${table}`).length, 11);
        await assert.rejects(db.copyIn(path, numbered(1)), {
          code: "CQI_DATABASE_OUTSIDE_TRANSACTION",
        });
        throw boom;
      }),
      boom,
    );
    assert.equal((await db.sql`select 1 from ${table}`).length, 1);
  },
  "copyIn ends with its signal": async ({ db, schema, counters }) => {
    const table = await counters();
    const controller = new AbortController();
    async function* stuck(): AsyncGenerator<SqlRecord> {
      yield* numbered(1500);
      controller.abort(boom);
      await sleep(systemClock, 5);
      yield { id: "late", n: 1 };
    }
    const { signal } = controller;
    await assert.rejects(db.copyIn([schema, "counters"], stuck(), { signal }), boom);
    assert.deepEqual(await db.sql`select id from ${table}`, [{ id: "a" }]);
  },
};
