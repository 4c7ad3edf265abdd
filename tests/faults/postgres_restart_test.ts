import assert from "node:assert/strict";
import test from "node:test";
import { sleep, systemClock } from "../../core/mod.ts";
import { sql } from "../../database/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { counted, load, openPostgres, sessionsOf } from "./_postgres.ts";
import { report } from "./_report.ts";

const postgres = await real(() => realPostgres({ own: true }));

if (postgres !== undefined) {
  for (const mode of ["fast", "immediate"] as const) {
    test(`P1: errors of a ${mode} restart under reads and writes are retryable, and end when it is back`, async () => {
      const db = await openPostgres({
        ...postgres.section,
        maxConns: 5,
        applicationName: "restarted",
      });
      const admin = await openPostgres(postgres.section);
      const table = sql.identifier(`written_${mode}`);
      await admin.sql`create table ${table} (id int8 primary key)`;
      const written: number[] = [];
      const unknown: number[] = [];
      const unknownAtMs: number[] = [];
      // What a caller does who wants a row there: an answer that was lost is not asked for again.
      const noting = (write: (id: number) => Promise<unknown>) => async (id: number) => {
        try {
          await write(id);
          written.push(id);
        } catch (error) {
          if (!isCqiError(error, "CQI_DATABASE_OUTCOME_UNKNOWN")) throw error;
          unknown.push(id);
          unknownAtMs.push(systemClock.monotonic());
        }
      };
      const loads = [
        load(15, () => db.sql`select pg_sleep(0.002)`.rows()),
        load(5, (serial) =>
          db.transaction(async (tx) => {
            await tx.sql`select ${serial}::int8`;
            await tx.sql`select pg_sleep(0.002)`;
          }, { readOnly: true })),
        load(5, noting((serial) => db.sql`insert into ${table} values (${serial})`.execute())),
        load(
          5,
          noting((serial) =>
            db.transaction(async (tx) => {
              await tx.sql`insert into ${table} values (${-1 - serial})`;
              await tx.sql`select pg_sleep(0.002)`;
            })
          ),
        ),
      ];
      const done = (): number => loads.reduce((sum, each) => sum + each.done, 0);
      await until(() => loads.every((each) => each.done > 50), "some load");
      await postgres.stop(mode);
      await sleep(systemClock, 300);
      await postgres.start();
      const backMs = systemClock.monotonic();
      const doneBefore = done();
      const writtenBefore = written.length;
      await sleep(systemClock, 2500);
      await Promise.all(loads.map((each) => each.stop()));
      const failures = loads.flatMap((each) => each.failures);
      const late = [...failures.map(({ atMs }) => atMs), ...unknownAtMs]
        .filter((atMs) => atMs > backMs + 1000);
      const rows = await admin.sql<{ n: bigint }>`select count(*) as n from ${table}`.one();
      report(
        `P1 ${mode}: ${done()} calls done, ${
          done() - doneBefore
        } of them after; ${written.length} ` +
          `writes, ${written.length - writtenBefore} of them after, ${unknown.length} unknown, ` +
          `${rows.n} rows there; failures: ${counted(failures)}; ${late.length} later than 1 s ` +
          "after it was back",
      );
      assert.deepEqual(loads.flatMap((each) => each.final), []);
      assert.deepEqual(late, []);
      assert(done() - doneBefore > 200);
      assert(written.length - writtenBefore > 50);
      assert(Number(rows.n) >= written.length, "a write that was acknowledged is there");
      assert(Number(rows.n) <= written.length + unknown.length, "a write that failed is not");
      assert.equal(db.pool.used, 0);
      assert.equal(await sessionsOf(admin, "restarted"), db.pool.idle);
      await Promise.all([db.close(), admin.close()]);
    });
  }

  test("P1: a server killed with SIGKILL has every row whose transaction was committed", async () => {
    const db = await openPostgres({ ...postgres.section, maxConns: 10 });
    await db.sql`create table kept (id int8 primary key)`;
    const committed: number[] = [];
    const unknown: number[] = [];
    const writes = load(20, async (serial) => {
      try {
        await db.transaction((tx) => tx.sql`insert into kept values (${serial})`.execute());
        committed.push(serial);
      } catch (error) {
        if ((error as { code?: string }).code !== "CQI_DATABASE_OUTCOME_UNKNOWN") throw error;
        unknown.push(serial);
      }
    });
    await until(() => committed.length > 500, "some commits");
    await postgres.kill();
    await sleep(systemClock, 100);
    await postgres.start();
    const before = committed.length;
    await until(() => committed.length > before + 200, "commits after the kill");
    await writes.stop();
    const rows = await db.sql<{ id: bigint }>`select id from kept`;
    const found = new Set(rows.map(({ id }) => Number(id)));
    const lost = committed.filter((id) => !found.has(id));
    const known = new Set([...committed, ...unknown]);
    const uninvited = [...found].filter((id) => !known.has(id));
    report(
      `P1 SIGKILL: ${committed.length} committed, ${lost.length} of them lost; ${unknown.length} unknown, ${
        unknown.filter((id) => found.has(id)).length
      } of them there; ${uninvited.length} there that failed; failures: ${
        counted(writes.failures)
      }`,
    );
    assert.deepEqual([lost, uninvited, writes.final], [[], [], []]);
    await db.close();
  });

  test("P1: the first query after a restart succeeds, without a caller's retry", async () => {
    const db = await openPostgres({ ...postgres.section, maxConns: 3 });
    await Promise.all([1, 2, 3].map(() => db.sql`select pg_sleep(0.05)`));
    assert.equal(db.pool.idle, 3);
    await postgres.stop("immediate");
    await postgres.start();
    assert.deepEqual(await db.sql`select 1 as v`, [{ v: 1 }]);
    assert.equal(await db.transaction(() => "done"), "done");
    await db.close();
  });

  test("a database that is opened before the server is up serves when it is", async () => {
    await postgres.stop();
    const db = await openPostgres(postgres.section);
    const health = await db.check();
    assert.equal(health.status, "down");
    assert.match(health.message ?? "", /ECONNREFUSED/);
    await assert.rejects(
      db.sql`select 1`.with({ signal: AbortSignal.timeout(200) }).rows(),
      { name: "TimeoutError" },
    );
    const waiting = db.sql`select 1 as v`.one();
    const start = systemClock.monotonic();
    await postgres.start();
    assert.deepEqual(await waiting, { v: 1 });
    report(
      `Start before the server: answered ${Math.round(systemClock.monotonic() - start)} ms after ` +
        "it was started",
    );
    assert.equal((await db.check()).status, "ok");
    await db.close();
  });

  test("a listener hears again after a restart, and is told of the gap", async () => {
    const db = await openPostgres(postgres.section);
    const heard: string[] = [];
    let gaps = 0;
    await db.listen("news", (payload) => void heard.push(payload), { onGap: () => void gaps++ });
    await postgres.stop("immediate");
    await postgres.start();
    await until(() => gaps === 1, "the gap");
    await db.sql`select pg_notify('news', 'after')`;
    await until(() => heard.length === 1, "the notification");
    assert.deepEqual(heard, ["after"]);
    await db.close();
  });
}
