import assert from "node:assert/strict";
import { sql } from "../database/mod.ts";
import { type DatabaseCases, NAUGHTY_TEXTS } from "./_database_kit.ts";

/** Queries: binding, rows, counts, errors, limits. */
export const QUERY_CASES: DatabaseCases = {
  "db.sql gives rows as objects": async ({ db }) => {
    const rows = await db.sql`select 1 as a, 'x' as b union all select 2, null order by a`;
    assert.deepEqual(rows, [{ a: 1, b: "x" }, { a: 2, b: null }]);
  },
  "db.sql binds values and never puts them into the text": async ({ db, counters }) => {
    const table = await counters();
    for (const text of NAUGHTY_TEXTS) {
      const row = await db.sql<{ value: string; size: number }>`
        select ${text}::text as value, char_length(${text}::text) as size`.one();
      assert.deepEqual(row, { value: text, size: [...text].length });
    }
    assert.equal((await db.sql`select * from ${table}`).length, 1);
  },
  "db.sql stores and finds naughty texts": async ({ db, name }) => {
    const table = name("texts");
    await db.sql`create table ${table} (i int4 primary key, v text not null)`;
    const rows = NAUGHTY_TEXTS.map((v, i) => [i, v]);
    await db.sql`insert into ${table} (i, v) values ${sql.values(rows)}`;
    const found = await db.sql<{ v: string }>`select v from ${table} order by i`;
    assert.deepEqual(found.map((row) => row.v), NAUGHTY_TEXTS);
    for (const text of NAUGHTY_TEXTS) {
      assert.equal((await db.sql`select i from ${table} where v = ${text}`).length, 1);
    }
  },
  "db.sql binds LIKE patterns as patterns": async ({ db }) => {
    const row = await db.sql`
      select 'a%b' like ${"a\\%b"} as escaped, 'axb' like ${"a\\%b"} as other`.one();
    assert.deepEqual(row, { escaped: true, other: false });
  },
  "db.sql refuses NUL in text before it is sent": async ({ db }) => {
    for (const value of ["a\0b", ["a\0b"], "\ud800"]) {
      await assert.rejects(db.sql`select ${value}::text`.rows(), { code: "CQI_DATABASE_QUERY" });
    }
  },
  "db.sql refuses undefined, and objects that are not said to be documents": async ({ db }) => {
    for (const value of [undefined, {}, new Map(), Symbol("x"), () => 1, Number]) {
      await assert.rejects(
        db.sql`select ${value as unknown as string}::text`.rows(),
        { code: "CQI_DATABASE_QUERY" },
      );
    }
  },
  "db.sql refuses statements that would end a transaction unseen": async ({ db }) => {
    for (
      const query of [
        db.sql`begin`,
        db.sql`/* x */ COMMIT`,
        db.sql`-- x
        rollback`,
        db.sql`savepoint x`,
      ]
    ) {
      await assert.rejects(query.rows(), { code: "CQI_DATABASE_QUERY" });
    }
  },
  "sql.identifier quotes names as the server does": async ({ db, schema, name }) => {
    const names = ["order", "Upper", 'a"b', "a.b", "a b", "'; drop table x; --", "é", "$1", "\\"];
    for (const table of names) {
      await db.sql`create table ${name(table)} (${sql.identifier(table)} int4)`;
      await db.sql`insert into ${name(table)} values (1)`;
      const row = await db.sql`select ${sql.identifier(table)} from ${name(table)}`.one();
      assert.deepEqual(row, { [table]: 1 });
    }
    const stored = await db.sql<{ t: string }>`
      select tablename::text as t from pg_tables where schemaname = ${schema}`;
    assert.deepEqual(stored.map((row) => row.t).sort(), [...names].sort());
  },
  "query.execute counts changed rows": async ({ db, counters }) => {
    const table = await counters();
    assert.equal(await db.sql`insert into ${table} values ('b', 1), ('c', 2)`.execute(), 2);
    assert.equal(await db.sql`update ${table} set n = n + 1`.execute(), 3);
    assert.equal(await db.sql`delete from ${table} where id = 'none'`.execute(), 0);
  },
  "query.one and maybeOne hold the number of rows": async ({ db, counters }) => {
    const table = await counters();
    await assert.rejects(db.sql`select * from ${table} where false`.one(), {
      code: "CQI_DATABASE_ROW_COUNT",
    });
    assert.equal(await db.sql`select * from ${table} where false`.maybeOne(), undefined);
    await assert.rejects(db.sql`select generate_series(1, 2)`.maybeOne(), {
      code: "CQI_DATABASE_ROW_COUNT",
    });
  },
  "query runs once, however often it is awaited": async ({ db, counters }) => {
    const table = await counters();
    const query = db.sql<{ n: bigint }>`update ${table} set n = n + 1 returning n`;
    await query;
    assert.deepEqual(await query, [{ n: 1n }]);
    assert.equal((await query.one()).n, 1n);
  },
  "query errors name the condition and carry no value": async ({ db, counters }) => {
    const table = await counters();
    const secret = "s3cret-value";
    const failing = [
      [db.sql`insert into ${table} values ('a', 1)`, "CQI_DATABASE_CONSTRAINT", "23505"],
      [db.sql`insert into ${table} values (${secret}, null)`, "CQI_DATABASE_CONSTRAINT", "23502"],
      [db.sql`select ${secret}::int4`, "CQI_DATABASE_QUERY", "22P02"],
      [db.sql`select nothing`, "CQI_DATABASE_QUERY", "42703"],
      [db.sql`selec 1`, "CQI_DATABASE_QUERY", "42601"],
      [db.sql`select 1 / 0`, "CQI_DATABASE_QUERY", "22012"],
    ] as const;
    for (const [query, code, sqlstate] of failing) {
      await assert.rejects(query.rows(), (error: Error & { details?: { sqlstate?: string } }) => {
        assert.deepEqual([(error as unknown as { code: string }).code, error.details?.sqlstate], [
          code,
          sqlstate,
        ]);
        const shown = `${error.message} ${error.stack} ${String(error.cause)} ${
          JSON.stringify(error.details)
        }`;
        assert(!shown.includes(secret));
        return true;
      });
    }
    assert.equal((await db.sql`select * from ${table}`).length, 1);
  },
  "query answers 50 calls at a time": async ({ db, counters }) => {
    const table = await counters();
    const jobs = Array.from({ length: 50 }, () => db.sql`update ${table} set n = n + 1`.execute());
    assert.deepEqual(await Promise.all(jobs), Array(50).fill(1));
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 50n }]);
    const { used, idle, max } = db.pool;
    assert(used === 0 && idle <= max);
  },
  "query rejects with the reason of a signal that has aborted": async ({ db }) => {
    const reason = new Error("enough");
    await assert.rejects(
      db.sql`select 1`.with({ signal: AbortSignal.abort(reason) }).rows(),
      (error) => error === reason,
    );
    assert.equal((await db.sql`select 1`).length, 1);
  },
  "query over its time limit fails and leaves no trace": async ({ db, counters }) => {
    const table = await counters();
    const slow = db.sql`
      update ${table} set n = 7 where (select pg_sleep(0.3)) is not null`.with({ timeout: "50ms" });
    await assert.rejects(slow.rows(), { code: "CQI_DATABASE_TIMEOUT" });
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 0n }]);
  },
  "query.stream gives all rows in order": async ({ db }) => {
    const seen: number[] = [];
    const rows = db.sql<{ i: number }>`select i from generate_series(1, ${250}::int4) as i`;
    for await (const { i } of rows.stream({ batchSize: 100 })) seen.push(i);
    assert.deepEqual(seen, Array.from({ length: 250 }, (_, i) => i + 1));
  },
  "query.stream frees the connection when the loop is left": async ({ db }) => {
    for (let round = 0; round < 20; round++) {
      for await (const _ of db.sql`select generate_series(1, 5000)`.stream({ batchSize: 10 })) {
        break;
      }
    }
    assert.equal(db.pool.used, 0);
  },
  "query.stream throws what the server refuses": async ({ db }) => {
    const rows = db.sql`select 1 / (3 - i) from generate_series(1, 5) as i`.stream({
      batchSize: 1,
    });
    let count = 0;
    await assert.rejects(async () => {
      for await (const _ of rows) count++;
    }, { code: "CQI_DATABASE_QUERY" });
    // Without cursors there is one answer: all rows, or the error.
    assert.equal(count, db.features.cursors ? 2 : 0);
    assert.equal(db.pool.used, 0);
  },
  "sessions leave nothing to their next user": async ({ db, schema }) => {
    const path = sql.identifier(schema);
    const setting = async (): Promise<string> =>
      (await db.sql<{ s: string }>`select current_setting('search_path') as s`.one()).s;
    const before = await setting();
    await db.sql`set search_path to ${path}`;
    assert.equal(await setting(), before);
    await db.sql`select set_config('search_path', ${schema}, false)`;
    assert.equal(await setting(), before);
    await db.transaction((tx) => tx.sql`set search_path to ${path}`.execute());
    assert.equal(await setting(), before);
    await db.sql`create temp table left_over (i int4)`;
    const left = await db.sql`select to_regclass('pg_temp.left_over') is null as gone`.one();
    assert.deepEqual(left, { gone: true });
  },
  "sessions have their time limits, after a reset too": async ({ db }) => {
    const read = () =>
      db.sql`
        select current_setting('statement_timeout') <> '0' as a,
               current_setting('lock_timeout') <> '0' as b,
               current_setting('idle_in_transaction_session_timeout') <> '0' as c`.one();
    assert.deepEqual(await read(), { a: true, b: true, c: true });
    await db.sql`set statement_timeout to 0`;
    assert.deepEqual(await read(), { a: true, b: true, c: true });
  },
  "db.check says ok, and what the pool has": async ({ db }) => {
    const report = await db.check();
    assert.equal(report.status, "ok");
    assert.equal(report.details?.connections_max, String(db.pool.max));
  },
};

/** Cases for drivers that can call a running statement off. */
export const CANCEL_CASES: DatabaseCases = {
  "query over its time limit is called off on the server": async ({ db }) => {
    const slow = db.sql`select pg_sleep(10)`.with({ timeout: "200ms" });
    await assert.rejects(slow.rows(), { code: "CQI_DATABASE_TIMEOUT" });
    const { n } = await db.sql<{ n: bigint }>`
      select count(*) as n from pg_stat_activity
      where query like 'select pg_sleep(10)%' and state = 'active'`.one();
    assert.equal(n, 0n);
  },
  "query is called off by its signal, on the server too": async ({ db, schema }) => {
    const controller = new AbortController();
    const { signal } = controller;
    const mark = sql.identifier(schema);
    const slow = db.sql`select pg_sleep(10) as ${mark}`.with({ signal }).rows();
    const first = db.sql`select pg_sleep(0.2)`.rows();
    await first;
    const running = async (): Promise<bigint> =>
      (await db.sql<{ n: bigint }>`
        select count(*) as n from pg_stat_activity
        where query like ${`select pg_sleep(10) as %${schema}%`} and state = 'active'`.one()).n;
    assert.equal(await running(), 1n);
    const size = db.pool.used + db.pool.idle;
    controller.abort(new Error("enough"));
    await assert.rejects(slow, { message: "enough" });
    assert.equal(await running(), 0n);
    assert.deepEqual([db.pool.used, db.pool.idle], [0, size]);
  },
};
