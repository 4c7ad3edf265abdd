import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import test from "node:test";
import { systemClock } from "../../core/mod.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { counted, load, openPostgres } from "./_postgres.ts";
import { report } from "./_report.ts";

const postgres = await real(() => realPostgres({ own: true }));

if (postgres !== undefined) {
  test("P2: when the primary is killed and its standby promoted, writes go on and none is lost", async () => {
    await using standby = await postgres.standby();
    const login = `${postgres.user}:${encodeURIComponent(postgres.password)}`;
    const hosts = `127.0.0.1:${standby.port},127.0.0.1:${postgres.port}`;
    const file = join(tmpdir(), `cqi_failover_url_${process.pid}`);
    await writeFile(file, `postgres://${login}@${hosts}/${postgres.database}\n`, { mode: 0o600 });
    const url = { valueSource: { case: "file" as const, value: file } };
    const db = await openPostgres({ driver: "postgres", postgres: { url }, maxConns: 5 });
    await db.sql`create table moved (id int8 primary key)`;
    // So that a commit is answered when the standby has it.
    await db.sql`alter system set synchronous_standby_names = '*'`;
    await db.sql`select pg_reload_conf()`;
    await until(async () => {
      const rows = await db.sql`select 1 from pg_stat_replication where sync_state = 'sync'`;
      return rows.length === 1;
    }, "synchronous replication");
    const committed: number[] = [];
    let unknown = 0;
    const writes = load(10, async (serial) => {
      try {
        await db.sql`insert into moved values (${serial})`;
        committed.push(serial);
      } catch (error) {
        if ((error as { code?: string }).code !== "CQI_DATABASE_OUTCOME_UNKNOWN") throw error;
        unknown++;
      }
    });
    await until(() => committed.length > 300, "some writes");
    await postgres.kill();
    const killedMs = systemClock.monotonic();
    await standby.promote();
    const before = committed.length;
    await until(() => committed.length > before + 100, "writes on the new primary");
    const tookMs = systemClock.monotonic() - killedMs;
    await writes.stop();
    const rows = await db.sql<{ id: bigint }>`select id from moved`;
    const found = new Set(rows.map(({ id }) => Number(id)));
    const lost = committed.filter((id) => !found.has(id));
    report(
      `P2: ${committed.length} committed, ${lost.length} of them lost, ${unknown} unknown; ` +
        `failures: ${counted(writes.failures)}; 100 writes on the new primary ${
          Math.round(tookMs)
        } ms after the kill`,
    );
    await db.close();
    await rm(file);
    await postgres.start();
    const admin = await openPostgres(postgres.section);
    await admin.sql`alter system reset synchronous_standby_names`;
    await admin.sql`select pg_reload_conf()`;
    await admin.close();
    assert.deepEqual([lost, writes.final], [[], []]);
  });

  test("P2: a write on a standby is refused, retryable, and its connection given up", async () => {
    await using standby = await postgres.standby();
    const section = postgres.sectionWith({ port: standby.port });
    const db = await openPostgres({ ...section, maxConns: 1 });
    assert.equal((await db.sql`select 1`).length, 1);
    await assert.rejects(db.sql`create table nowhere (i int4)`.rows(), {
      code: "CQI_DATABASE_READ_ONLY",
      retryable: true,
    });
    assert.equal(db.pool.idle, 0);
    const readOnly = db.transaction((tx) => tx.sql`select 1`.rows(), { readOnly: true });
    assert.equal((await readOnly).length, 1);
    await db.close();
    const both = postgres.sectionWith({ host: "127.0.0.1,localhost", port: standby.port });
    const none = await openPostgres(both);
    assert.match((await none.check()).message ?? "", /NOT_WRITABLE/);
    await none.close();
  });
}
