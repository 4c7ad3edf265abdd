import assert from "node:assert/strict";
import test from "node:test";
import { duration, systemClock } from "../../core/mod.ts";
import { type Database, sql, type TransactionOptions } from "../../database/mod.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { openPostgres } from "./_postgres.ts";
import { report } from "./_report.ts";

const postgres = await real(() =>
  realPostgres({ own: true, settings: { deadlock_timeout: "20ms" } })
);

function pidOf(db: Pick<Database, "sql">): Promise<{ pid: number }> {
  return db.sql<{ pid: number }>`select pg_backend_pid() as pid`.one();
}

/** Whether a session of an application is in a `pg_sleep` now. */
async function isSleeping(db: Database, application: string): Promise<boolean> {
  const rows = await db.sql`
    select 1 from pg_stat_activity
    where application_name = ${application} and wait_event = 'PgSleep'`;
  return rows.length > 0;
}

if (postgres !== undefined) {
  test("P5: a session that is terminated (57P01) costs one error, and is replaced", async () => {
    const db = await openPostgres({ ...postgres.section, maxConns: 2, applicationName: "p5" });
    const admin = await openPostgres(postgres.section);
    const slow = db.sql`select pg_sleep(10)`.rows();
    const failed = assert.rejects(slow, {
      code: "CQI_DATABASE_UNAVAILABLE",
      retryable: true,
      details: { sqlstate: "57P01", condition: "admin_shutdown" },
    });
    await until(() => isSleeping(admin, "p5"), "the query");
    await admin.sql`
      select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'p5'`;
    await failed;
    assert.deepEqual(db.pool, { used: 0, idle: 0, waiting: 0, max: 2 });
    assert.deepEqual(await db.sql`select 1 as v`, [{ v: 1 }]);
    await Promise.all([db.close(), admin.close()]);
  });

  test("P5: a write whose session is terminated has an unknown outcome", async () => {
    const db = await openPostgres({ ...postgres.section, applicationName: "p5_write" });
    const admin = await openPostgres(postgres.section);
    await db.sql`create table written (i int4)`;
    const write = assert.rejects(
      db.sql`insert into written select 1 from pg_sleep(10)`.rows(),
      { code: "CQI_DATABASE_OUTCOME_UNKNOWN", retryable: false },
    );
    await until(() => isSleeping(admin, "p5_write"), "the write");
    await admin.sql`
      select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'p5_write'`;
    await write;
    await Promise.all([db.close(), admin.close()]);
  });

  test("P5: a transaction that idles too long (25P03) fails, and its connection is gone", async () => {
    const db = await openPostgres({
      ...postgres.section,
      maxConns: 1,
      idleInTransactionTimeout: duration("100ms"),
    });
    const admin = await openPostgres(postgres.section);
    await db.sql`create table idled (i int4)`;
    let first: number | undefined;
    const idle = db.transaction(async (tx) => {
      first = (await pidOf(tx)).pid;
      await tx.sql`insert into idled values (1)`;
      await until(async () => {
        const { n } = await admin.sql<{ n: bigint }>`
          select count(*) as n from pg_stat_activity where pid = ${first!}`.one();
        return n === 0n;
      }, "the server to end it");
      await until(() => db.pool.used === 0, "its place in the pool");
    });
    await assert.rejects(idle, { code: "CQI_DATABASE_TIMEOUT" });
    assert.deepEqual(await db.sql`select * from idled`, []);
    assert.notEqual((await pidOf(db)).pid, first);
    await Promise.all([db.close(), admin.close()]);
  });

  test("P5: a statement that is called off (57014) keeps its connection", async () => {
    const db = await openPostgres({ ...postgres.section, maxConns: 1 });
    const { pid } = await pidOf(db);
    const startMs = systemClock.monotonic();
    await assert.rejects(db.sql`select pg_sleep(10)`.with({ timeout: "200ms" }).rows(), {
      code: "CQI_DATABASE_TIMEOUT",
    });
    const tookMs = systemClock.monotonic() - startMs;
    report(`P5: a query of 10 s with a limit of 200 ms failed after ${Math.round(tookMs)} ms`);
    assert(tookMs < 400, String(tookMs));
    assert.equal((await pidOf(db)).pid, pid);
    await db.close();
  });

  test("P5: aborts at any moment hit no statement of others", async () => {
    const db = await openPostgres({ ...postgres.section, maxConns: 4 });
    let aborted = 0;
    let done = 0;
    await Promise.all(Array.from({ length: 8 }, async (_, caller) => {
      for (let i = 0; i < 50; i++) {
        if (caller % 2 === 0) {
          const controller = new AbortController();
          const { signal } = controller;
          const call = db.sql`select pg_sleep(0.003)`.with({ signal }).rows();
          systemClock.timer(() => controller.abort(new Error("enough")), (i % 10) * 0.7);
          await call.then(() => done++, (error) => {
            assert.equal(error.message, "enough");
            aborted++;
          });
        } else {
          assert.deepEqual(await db.sql`select ${i}::int4 as i, pg_sleep(0.001)::text as s`, [
            { i, s: "" },
          ]);
          done++;
        }
      }
    }));
    report(`P5: ${aborted} aborted, ${done} done, pool ${JSON.stringify(db.pool)}`);
    assert.equal(aborted + done, 400);
    assert.equal(db.pool.used, 0);
    await db.close();
  });

  test("P6: transactions that deadlock or conflict are run again, with one effect each", async () => {
    const db = await openPostgres({ ...postgres.section, maxConns: 10 });
    await db.sql`create table sums (id int4 primary key, n int8 not null)`;
    await db.sql`insert into sums values (1, 0), (2, 0)`;
    let attempts = 0;
    await Promise.all(Array.from({ length: 30 }, (_, i) =>
      db.transaction(async (tx) => {
        attempts++;
        const order = i % 2 === 0 ? [1, 2] : [2, 1];
        for (const id of order) {
          await tx.sql`update sums set n = n + 1 where id = ${id}`;
          await tx.sql`select pg_sleep(0.001)`;
        }
      }, { isolation: i % 3 === 0 ? "serializable" : "read committed", retry: 100 })));
    report(`P6: 30 transactions took ${attempts} attempts`);
    assert.deepEqual(await db.sql`select n from sums order by id`, [{ n: 30n }, { n: 30n }]);
    assert(attempts > 30);
    await db.close();
  });

  test("P8: a frozen server is given up at the time limit, and used again when it goes on", async () => {
    const db = await openPostgres({
      ...postgres.section,
      maxConns: 2,
      connectTimeout: duration("1s"),
    });
    await db.sql`select 1`;
    await postgres.freeze();
    const startMs = systemClock.monotonic();
    await assert.rejects(db.sql`select 2 as v`.with({ timeout: "300ms" }).rows(), {
      code: "CQI_DATABASE_TIMEOUT",
      retryable: true,
    });
    const queryMs = systemClock.monotonic() - startMs;
    const health = await db.check();
    const checkMs = systemClock.monotonic() - startMs - queryMs;
    report(
      `P8: frozen; a query with a limit of 300 ms failed after ${
        Math.round(queryMs)
      } ms, the check ` +
        `said ${health.status} after ${Math.round(checkMs)} ms`,
    );
    assert(queryMs < 2000 && checkMs < 2500);
    assert.equal(health.status, "down");
    await postgres.thaw();
    assert.deepEqual(await db.sql`select 3 as v`, [{ v: 3 }]);
    assert.equal((await db.check()).status, "ok");
    await db.close();
  });

  test("D3: every connection has its settings, after resets too", async () => {
    const db = await openPostgres({
      ...postgres.sectionWith({ searchPath: ["app", "public"] }),
      maxConns: 3,
      queryTimeout: duration("7s"),
      lockTimeout: duration("3s"),
      idleInTransactionTimeout: duration("9s"),
      applicationName: "d3",
    });
    const read = (): Promise<unknown[]> =>
      Promise.all([1, 2, 3].map(() =>
        db.sql`
          select current_setting('search_path') as path,
                 current_setting('statement_timeout') as statement,
                 current_setting('lock_timeout') as lock,
                 current_setting('idle_in_transaction_session_timeout') as idle,
                 current_setting('application_name') as name,
                 pg_sleep(0.05)::text as slept`.one()
      ));
    const wanted = Array(3).fill({
      path: '"app", "public"',
      statement: "8s",
      lock: "3s",
      idle: "9s",
      name: "d3",
      slept: "",
    });
    assert.deepEqual(await read(), wanted);
    await Promise.all([1, 2, 3].map(() => db.sql`reset all`));
    await Promise.all([1, 2, 3].map(() => db.sql`set search_path to pg_catalog`));
    await db.sql`discard all`;
    await db.sql`select pg_sleep(0.01)`.with({ timeout: "20s" });
    assert.deepEqual(await read(), wanted);
    await db.close();
  });

  test("D4: what one user leaves in a session, the next one does not find", async () => {
    const db = await openPostgres({ ...postgres.section, maxConns: 1 });
    await db.sql`create role somebody`;
    await db.sql`set role somebody`;
    await db.sql`create temp table left_over (i int4)`;
    await db.sql`listen left_over`;
    await db.sql`select pg_advisory_lock(42)`;
    await db.sql`prepare left_over as select 1`.rows().catch(() => {});
    await db.sql`set statement_timeout to 1`;
    await db.transaction((tx) => tx.sql`declare left_over cursor with hold for select 1`.rows());
    const found = await db.sql`
      select current_user::text as role,
             to_regclass('pg_temp.left_over') is null as no_table,
             (select count(*)::int4 from pg_listening_channels()) as channels,
             (select count(*)::int4 from pg_locks where locktype = 'advisory') as locks,
             (select count(*)::int4 from pg_cursors where name = 'left_over') as cursors,
             current_setting('statement_timeout') as timeout`.one();
    assert.deepEqual(found, {
      role: "postgres",
      no_table: true,
      channels: 0,
      locks: 0,
      cursors: 0,
      timeout: "31s",
    });
    await db.close();
  });

  test("D4: statements prepared by name survive a reset, and changes of their tables", async () => {
    const db = await openPostgres({ ...postgres.section, maxConns: 1 });
    await db.sql`create table changing (a int4)`;
    const read = (): Promise<unknown[]> => db.sql`select * from changing`.rows();
    for (let round = 0; round < 3; round++) await read();
    await db.sql`insert into changing values (1)`;
    await db.sql`alter table changing add b text default 'x'`;
    assert.deepEqual(await read(), [{ a: 1, b: "x" }]);
    await db.sql`alter table changing alter a type int8`;
    for (let round = 0; round < 3; round++) assert.deepEqual(await read(), [{ a: 1n, b: "x" }]);
    await db.sql`deallocate all`;
    assert.deepEqual(await read(), [{ a: 1n, b: "x" }]);
    for (let i = 0; i < 600; i++) {
      for (let twice = 0; twice < 2; twice++) {
        await db.sql`select ${1}::int4 as ${sql.identifier(`c${i}`)}`;
      }
    }
    const { n } = await db.sql<{ n: number }>`
      select count(*)::int4 as n from pg_prepared_statements`.one();
    report(`D4: ${n} statements prepared after 600 different ones`);
    assert(n <= 256, String(n));
    await db.close();
  });

  test("D4: a transaction whose prepared statement is out of date may be run again, and only one is", async () => {
    const db = await openPostgres({ ...postgres.section, maxConns: 3 });
    const other = await openPostgres(postgres.section);
    await other.sql`create table moving (a int4)`;
    const read = (options: TransactionOptions = {}): Promise<unknown> =>
      db.transaction((tx) => tx.sql`select m.*, pg_sleep(0.05)::text as s from moving m`, options);
    for (let round = 0; round < 3; round++) await Promise.all([read(), read(), read()]);
    assert.equal(db.pool.idle, 3);
    await other.sql`alter table moving add b text`;
    await assert.rejects(read(), {
      code: "CQI_DATABASE_SERIALIZATION",
      retryable: true,
      message: /SQLSTATE 0A000/,
    });
    await Promise.all([read(), read(), read()]);
    await other.sql`alter table moving drop b`;
    await Promise.all([read({ retry: 2 }), read({ retry: 2 }), read({ retry: 2 })]);
    await Promise.all([db.close(), other.close()]);
  });
}
