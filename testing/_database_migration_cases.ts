import assert from "node:assert/strict";
import { migrate, type Migration } from "../database/mod.ts";
import type { DatabaseCases } from "./_database_kit.ts";

/** Two migrations that count their own runs. */
function migrationsIn(schema: string): readonly Migration[] {
  return [
    {
      version: 1,
      name: "create_venues",
      sql: `create table "${schema}".venues (id text primary key);
            create table "${schema}".runs (version int4);
            insert into "${schema}".runs values (1);`,
      down: `drop table "${schema}".venues; drop table "${schema}".runs;`,
    },
    {
      version: 2,
      name: "add_name",
      sql: `alter table "${schema}".venues add name text;
            insert into "${schema}".runs values (2);`,
      down: `alter table "${schema}".venues drop name`,
    },
  ];
}

/** Migrations. */
export const MIGRATION_CASES: DatabaseCases = {
  "migrate applies what is missing, in order, and then nothing": async ({ db, schema }) => {
    const all = migrationsIn(schema);
    const first = await migrate(db, all.slice(0, 1), { schema });
    assert.deepEqual(first.applied, [{ version: 1, name: "create_venues" }]);
    const second = await migrate(db, all.toReversed(), { schema });
    assert.deepEqual(second.applied, [{ version: 2, name: "add_name" }]);
    assert.deepEqual([second.from, second.version], [1, 2]);
    assert.deepEqual((await migrate(db, all, { schema })).applied, []);
  },
  "migrate by five instances at once applies each step once": async ({ db, schema, name }) => {
    const all = migrationsIn(schema);
    const reports = await Promise.all(
      Array.from({ length: 5 }, () => migrate(db, all, { schema })),
    );
    assert.equal(reports.flatMap((report) => report.applied).length, 2);
    assert(reports.every((report) => report.version === 2));
    assert.equal((await db.sql`select * from ${name("runs")}`).length, 2);
  },
  "migrate refuses an applied step that was edited, and names it": async ({ db, schema }) => {
    const all = migrationsIn(schema);
    await migrate(db, all, { schema });
    const edited = [{ ...all[0]!, sql: `${all[0]!.sql} -- edited` }, all[1]!];
    for (const dryRun of [true, false]) {
      await assert.rejects(migrate(db, edited, { schema, dryRun }), {
        code: "CQI_DATABASE_MIGRATION",
        message: /1 'create_venues' was edited/,
      });
    }
  },
  "migrate takes other line ends for the same text": async ({ db, schema }) => {
    const all = migrationsIn(schema);
    await migrate(db, all, { schema });
    const crlf = all.map((each) => ({ ...each, sql: each.sql.replaceAll("\n", "\r\n") }));
    assert.deepEqual((await migrate(db, crlf, { schema })).applied, []);
  },
  "migrate in a dry run writes nothing": async ({ db, schema }) => {
    const report = await migrate(db, migrationsIn(schema), { schema, dryRun: true });
    assert.deepEqual([report.applied.length, report.from, report.version], [2, 0, 2]);
    const tables = await db.sql`select 1 from pg_tables where schemaname = ${schema}`;
    assert.deepEqual(tables, []);
  },
  "migrate undoes down to a version": async ({ db, schema }) => {
    const all = migrationsIn(schema);
    await migrate(db, all, { schema });
    const report = await migrate(db, all, { schema, to: 0 });
    assert.deepEqual(report.reverted.map((step) => step.version), [2, 1]);
    assert.equal(report.version, 0);
    assert.equal((await migrate(db, all, { schema })).applied.length, 2);
  },
  "migrate refuses to undo a step without its opposite": async ({ db, schema }) => {
    const [one] = migrationsIn(schema);
    const { down: _, ...onlyUp } = one!;
    await migrate(db, [onlyUp], { schema });
    await assert.rejects(migrate(db, [onlyUp], { schema, to: 0 }), {
      code: "CQI_DATABASE_MIGRATION",
    });
  },
  "migrate keeps nothing of a step that fails, and names it": async ({ db, schema }) => {
    const [one] = migrationsIn(schema);
    const broken = {
      version: 2,
      name: "broken",
      sql: `create table "${schema}".half (i int4); select * from "${schema}".nothing`,
    };
    await assert.rejects(migrate(db, [one!, broken], { schema }), {
      code: "CQI_DATABASE_MIGRATION",
      message: /2 'broken'.*42P01/,
    });
    const rows = await db.sql<{ t: string }>`
      select tablename::text as t from pg_tables where schemaname = ${schema} order by 1`;
    assert.deepEqual(rows.map((row) => row.t), ["cqi_migrations", "runs", "venues"]);
  },
  "migrate refuses a step that ends its transaction": async ({ db, schema }) => {
    const sneaky = { version: 1, name: "sneaky", sql: "select 1; commit; select 2" };
    await assert.rejects(migrate(db, [sneaky], { schema }), {
      code: "CQI_DATABASE_MIGRATION",
      message: /ended its transaction/,
    });
    assert.deepEqual(await db.sql`select 1 as v`, [{ v: 1 }]);
  },
  "migrate refuses a step that comes too late": async ({ db, schema }) => {
    const all = migrationsIn(schema);
    await migrate(db, all.slice(1).map((each) => ({ ...each, sql: "select 1" })), { schema });
    await assert.rejects(
      migrate(db, [all[0]!, { ...all[1]!, sql: "select 1" }], { schema }),
      { code: "CQI_DATABASE_MIGRATION", message: /1 'create_venues' comes before 2/ },
    );
  },
  "migrate lets pass what a newer release has applied": async ({ db, schema }) => {
    const all = migrationsIn(schema);
    await migrate(db, all, { schema });
    const report = await migrate(db, all.slice(0, 1), { schema });
    assert.deepEqual([report.applied, report.version], [[], 2]);
  },
  "migrate works whatever a step does to the search path": async ({ db, schema }) => {
    const moving = [
      { version: 1, name: "moves", sql: "select set_config('search_path', '', false)" },
      { version: 2, name: "next", sql: `create table "${schema}".t (i int4)` },
    ];
    assert.equal((await migrate(db, moving, { schema })).applied.length, 2);
  },
  "migrate is refused inside a transaction": async ({ db, schema }) => {
    await assert.rejects(
      db.transaction(() => migrate(db, migrationsIn(schema), { schema })),
      { code: "CQI_DATABASE_OUTSIDE_TRANSACTION" },
    );
  },
};
