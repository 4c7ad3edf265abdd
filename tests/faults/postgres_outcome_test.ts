import assert from "node:assert/strict";
import test from "node:test";
import { duration, systemClock } from "../../core/mod.ts";
import { type Database, migrate } from "../../database/mod.ts";
import { type RealPostgres, realPostgres } from "../../testing/real_postgres.ts";
import { real } from "../_real.ts";
import { openPostgres } from "./_postgres.ts";
import { report } from "./_report.ts";
import { type Proxy, startProxy } from "./_proxy.ts";

const postgres = await real(() => realPostgres());

/** A database behind a proxy, and one that is not. */
async function behindProxy(server: RealPostgres, table: string): Promise<
  { db: Database; direct: Database; proxy: Proxy; end: () => Promise<void> }
> {
  const proxy = await startProxy(server.port);
  const db = await openPostgres({
    ...server.sectionWith({ host: "127.0.0.1", port: proxy.port }),
    maxConns: 2,
    connectTimeout: duration("2s"),
  });
  const direct = await openPostgres(server.section);
  await migrate(direct, [
    { version: 1, name: "tables", sql: `create table ${table} (id int4 primary key)` },
  ], { table: `${table}_migrations` });
  const end = async (): Promise<void> => {
    await Promise.all([db.close(), direct.close()]);
    await proxy.close();
  };
  return { db, direct, proxy, end };
}

if (postgres !== undefined) {
  test("P7, D5: a commit whose answer is lost is unknown, and never run again", async () => {
    const { db, direct, proxy, end } = await behindProxy(postgres, "p7_answer");
    let runs = 0;
    const seen: string[] = [];
    let sprung: Promise<void> | undefined;
    const work = db.transaction(async (tx) => {
      runs++;
      tx.afterCommit(() => void seen.push("commit"));
      tx.afterRollback(() => void seen.push("rollback"));
      await tx.sql`insert into p7_answer values (1)`;
      sprung = proxy.loseNextAnswer();
    }, { retry: 5 });
    await assert.rejects(work, { code: "CQI_DATABASE_OUTCOME_UNKNOWN", retryable: false });
    await sprung;
    const rows = await direct.sql`select id from p7_answer`;
    report(`P7: answer lost; ran ${runs} times, ${rows.length} row there, hooks: ${seen}`);
    assert.deepEqual([runs, rows, seen], [1, [{ id: 1 }], []]);
    await end();
  });

  test("P7, D5: a commit that never arrived is unknown too", async () => {
    const { db, direct, proxy, end } = await behindProxy(postgres, "p7_request");
    let runs = 0;
    const work = db.transaction(async (tx) => {
      runs++;
      await tx.sql`insert into p7_request values (1)`;
      void proxy.loseNextRequest();
    }, { retry: 5 });
    await assert.rejects(work, { code: "CQI_DATABASE_OUTCOME_UNKNOWN", retryable: false });
    const rows = await direct.sql`select id from p7_request`;
    report(`P7: request lost; ran ${runs} times, ${rows.length} rows there`);
    assert.deepEqual([runs, rows], [1, []]);
    await end();
  });

  test("D5: a write whose answer is lost is unknown, unless it may be run twice", async () => {
    const { db, direct, proxy, end } = await behindProxy(postgres, "d5");
    await db.sql`select 1`;
    void proxy.loseNextAnswer();
    await assert.rejects(db.sql`insert into d5 values (1)`.rows(), {
      code: "CQI_DATABASE_OUTCOME_UNKNOWN",
    });
    await db.sql`select 1`;
    void proxy.loseNextAnswer();
    const twice = db.sql`insert into d5 values (2) on conflict do nothing`;
    assert.equal(await twice.with({ idempotent: true }).execute(), 0);
    assert.deepEqual(await direct.sql`select id from d5 order by id`, [{ id: 1 }, { id: 2 }]);
    await end();
  });

  test("D5: a lost statement inside a transaction is retryable: nothing was committed", async () => {
    const { db, direct, proxy, end } = await behindProxy(postgres, "d5_inside");
    const work = db.transaction(async (tx) => {
      await tx.sql`select 1`;
      void proxy.loseNextAnswer();
      await tx.sql`insert into d5_inside values (1)`;
    });
    await assert.rejects(work, { code: "CQI_DATABASE_UNAVAILABLE", retryable: true });
    assert.deepEqual(await direct.sql`select id from d5_inside`, []);
    await end();
  });

  test("D5: a lost begin costs the caller nothing", async () => {
    const { db, direct, proxy, end } = await behindProxy(postgres, "d5_begin");
    await db.sql`select 1`;
    void proxy.loseNextRequest();
    await db.transaction((tx) => tx.sql`insert into d5_begin values (1)`.execute());
    assert.equal((await direct.sql`select id from d5_begin`).length, 1);
    await end();
  });

  test("P8: a connection that swallows everything is given up at the time limit", async () => {
    const { db, proxy, end } = await behindProxy(postgres, "p8");
    await db.sql`select 1`;
    proxy.hold(true);
    const startMs = systemClock.monotonic();
    await assert.rejects(db.sql`select 1`.with({ timeout: "200ms" }).rows(), {
      code: "CQI_DATABASE_TIMEOUT",
    });
    await assert.rejects(
      db.transaction((tx) => tx.sql`select 1`.rows(), { signal: AbortSignal.timeout(200) }),
      { name: "TimeoutError" },
    );
    const tookMs = systemClock.monotonic() - startMs;
    proxy.hold(false);
    assert.deepEqual(await db.sql`select 1 as v`, [{ v: 1 }]);
    report(`P8: a black hole was given up twice in ${Math.round(tookMs)} ms`);
    assert(tookMs < 4000, String(tookMs));
    await end();
  });

  test("P8: a copy and a stream that are cut in the middle fail, and leave nothing behind", async () => {
    const { db, direct, proxy, end } = await behindProxy(postgres, "p8_copy");
    function* rows(): Generator<{ id: number }> {
      for (let id = 0; id < 200_000; id++) {
        if (id === 100_000) proxy.cut();
        yield { id };
      }
    }
    await assert.rejects(db.copyIn("p8_copy", rows()), { code: "CQI_DATABASE_OUTCOME_UNKNOWN" });
    assert.deepEqual(await direct.sql`select id from p8_copy`, []);
    let read = 0;
    await assert.rejects(async () => {
      for await (const _ of db.sql`select generate_series(1, 10000)`.stream({ batchSize: 100 })) {
        if (++read === 1000) proxy.cut();
      }
    }, { code: "CQI_DATABASE_UNAVAILABLE", retryable: true });
    assert.deepEqual(await db.sql`select 1 as v`, [{ v: 1 }]);
    assert.equal(db.pool.used, 0);
    await end();
  });
}
