import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import test from "node:test";
import { duration, sleep, systemClock } from "../../core/mod.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { keepingMetrics } from "../database/_fixture.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { openPostgres, sessionsOf } from "./_postgres.ts";
import { report } from "./_report.ts";

const postgres = await real(() => realPostgres({ own: true, settings: { max_connections: "20" } }));

if (postgres !== undefined) {
  test("P3: a pool of 5 with 50 callers never has more than 5 sessions on the server", async () => {
    const db = await openPostgres({
      ...postgres.section,
      maxConns: 5,
      // So that sessions are replaced all the time.
      maxConnLifetime: duration("100ms"),
      applicationName: "bounded",
    });
    const admin = await openPostgres({ ...postgres.section, maxConns: 1 });
    let most = 0;
    let samples = 0;
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        most = Math.max(most, await sessionsOf(admin, "bounded"));
        samples++;
      }
    })();
    let calls = 0;
    await Promise.all(Array.from({ length: 50 }, async (_, caller) => {
      for (let i = 0; i < 20; i++) {
        if (caller % 3 === 0) await db.transaction((tx) => tx.sql`select pg_sleep(0.002)`.rows());
        else await db.sql`select pg_sleep(0.002)`;
        calls++;
      }
    }));
    isOver = true;
    await watching;
    report(`P3: ${calls} calls of 50 callers, at most ${most} sessions in ${samples} samples`);
    assert(most >= 3 && most <= 5, String(most));
    await Promise.all([db.close(), admin.close()]);
  });

  test("P3: 10,000 calls that wait too long lose no connection, and gauges add up", async () => {
    const values: Record<string, number> = {};
    const db = await openPostgres({
      ...postgres.section,
      maxConns: 8,
      acquireTimeout: duration("1s"),
    }, { metrics: keepingMetrics(values) });
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    const held = Array.from({ length: 8 }, () =>
      db.transaction(() => {
        begun++;
        return gate.promise;
      }));
    // Connections that are only being opened count as used as well.
    await until(() => begun === 8, "all connections");
    let refused = 0;
    for (let round = 0; round < 2; round++) {
      const calls = Promise.allSettled(
        Array.from({ length: 5000 }, () => db.sql`select 1`.rows()),
      );
      if (round === 0) {
        const states = ["used", "idle", "waiting", "max"];
        await until(() => db.pool.waiting === 5000, "the callers");
        const gauges = states.map((state) => values[`db_pool_connections{${state}}`] ?? 0);
        assert.deepEqual(gauges, [8, 0, 5000, 8]);
        assert.equal((await db.check()).status, "degraded");
      }
      for (const { reason } of await calls as PromiseRejectedResult[]) {
        assert.equal(reason.code, "CQI_DATABASE_POOL_EXHAUSTED");
        assert.equal(reason.details.used, 8);
        refused++;
      }
    }
    assert.equal(db.pool.waiting, 0);
    gate.resolve();
    await Promise.all(held);
    await Promise.all(Array.from({ length: 100 }, () => db.sql`select 1`.rows()));
    report(`P3: ${refused} calls refused in time, then ${JSON.stringify(db.pool)}`);
    assert.deepEqual(db.pool, { used: 0, idle: 8, waiting: 0, max: 8 });
    await db.close();
  });

  test("P3: calls that are aborted while they wait leave no trace", async () => {
    const db = await openPostgres({ ...postgres.section, maxConns: 1 });
    const gate = Promise.withResolvers<void>();
    const held = db.transaction(() => gate.promise);
    await until(() => db.pool.used === 1, "the connection");
    const controller = new AbortController();
    const calls = Array.from(
      { length: 1000 },
      () => db.sql`select 1`.with({ signal: controller.signal }).rows(),
    );
    const settled = Promise.allSettled(calls);
    await until(() => db.pool.waiting === 1000, "the callers");
    controller.abort(new Error("enough"));
    assert((await settled).every((each) => each.status === "rejected"));
    assert.deepEqual(db.pool, { used: 1, idle: 0, waiting: 0, max: 1 });
    gate.resolve();
    await held;
    await db.close();
  });

  test("P4: a server that is full is waited for (53300)", async () => {
    // 20 connections, of which 3 are the superuser's; this user is one.
    const hogs = await openPostgres({ ...postgres.section, maxConns: 20 });
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    const held = Array.from({ length: 20 }, () =>
      hogs.transaction(() => {
        begun++;
        return gate.promise;
      }));
    await until(() => begun === 20, "all of them");
    const db = await openPostgres(postgres.section);
    const health = await db.check();
    const early = db.sql`select 1 as v`.one();
    await sleep(systemClock, 300);
    gate.resolve();
    await Promise.all(held);
    await hogs.close();
    assert.deepEqual(await early, { v: 1 });
    report(`P4: a full server says "${health.message}"`);
    assert.equal(health.status, "down");
    assert.match(health.message ?? "", /53300/);
    await db.close();
  });

  test("P4: a wrong password (28P01) and an unknown database (3D000) fail at once", async () => {
    const file = join(tmpdir(), `cqi_wrong_password_${process.pid}`);
    await writeFile(file, "cqi-canary-wrong\n");
    const wrong = postgres.sectionWith({
      password: { valueSource: { case: "file", value: file } },
    });
    const unknown = postgres.sectionWith({ database: "not_there" });
    for (const [section, state] of [[wrong, "28P01"], [unknown, "3D000"]] as const) {
      const db = await openPostgres(section);
      const startMs = systemClock.monotonic();
      await assert.rejects(db.sql`select 1`.rows(), {
        code: "CQI_DATABASE_UNAVAILABLE",
        retryable: false,
        message: new RegExp(state),
      });
      assert(systemClock.monotonic() - startMs < 2000);
      await db.close();
    }
    await rm(file);
  });

  test("P4: a server that starts up (57P03) is waited for", async () => {
    const db = await openPostgres(postgres.section);
    await db.sql`create table big as select generate_series(1, 200000) as i`;
    await postgres.stop("immediate");
    // A query written to a connection whose end was not heard of yet is not run a second time.
    await until(() => db.pool.idle === 0, "the end of the connection");
    const starting = postgres.start();
    assert.deepEqual(await db.sql`select 1 as v`, [{ v: 1 }]);
    await starting;
    await db.close();
  });
}
