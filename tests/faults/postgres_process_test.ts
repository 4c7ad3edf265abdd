import assert from "node:assert/strict";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { sql } from "../../database/mod.ts";
import { type RealPostgres, realPostgres } from "../../testing/real_postgres.ts";
import { startChild } from "../_child.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { openPostgres, sessionsOf } from "./_postgres.ts";
import { report } from "./_report.ts";

const MIGRATING = fileURLToPath(new URL("_migrating_child.ts", import.meta.url));
const WORKING = fileURLToPath(new URL("_working_child.ts", import.meta.url));

const postgres = await real(() => realPostgres());

/** Says how many seconds the second migration of the children takes from now on. */
async function pause(server: RealPostgres, seconds: string): Promise<void> {
  const db = await openPostgres(server.section);
  const name = sql.identifier(server.database);
  // A utility statement takes no parameters; the test's own words need none.
  if (seconds === "0") await db.sql`alter database ${name} set cqi.pause = '0'`;
  else await db.sql`alter database ${name} set cqi.pause = '30'`;
  await db.close();
}

if (postgres !== undefined) {
  test("P9: a migration killed half way leaves nothing, and five processes apply each step once", async () => {
    const section = JSON.stringify(postgres.section);
    const db = await openPostgres(postgres.section);
    await pause(postgres, "30");
    const killed = startChild(MIGRATING, [section]);
    await until(async () => {
      const rows = await db.sql`
        select 1 from pg_stat_activity
        where wait_event = 'PgSleep' and datname = current_database()`;
      return rows.length > 0;
    }, "the second migration");
    killed.kill("SIGKILL");
    await killed.ended;
    assert.deepEqual(await db.sql`select version from steps`, [{ version: 1 }]);
    await pause(postgres, "0");
    await db.sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where wait_event = 'PgSleep' and datname = current_database()`;
    const five = await Promise.all(
      Array.from({ length: 5 }, () => startChild(MIGRATING, [section]).ended),
    );
    const applied = five.map(({ stdout }) => Number(/applied (\d)/.exec(stdout)?.[1]));
    report(`P9: five processes applied ${applied.join(", ")} steps after one was killed`);
    assert.deepEqual(five.map(({ code }) => code), [0, 0, 0, 0, 0], five[0]?.stderr);
    assert.equal(applied.reduce((sum, count) => sum + count, 0), 2);
    const steps = await db.sql`select version from steps order by version`;
    assert.deepEqual(steps, [{ version: 1 }, { version: 2 }, { version: 3 }]);

    const edited = await startChild(MIGRATING, [section, "edited"]).ended;
    assert.equal(edited.code, 3);
    assert.match(edited.stdout, /migration 1 'create_steps' was edited after it was applied/);
    await db.close();
  });

  test("P10: a process told to end lets a transaction end in time, and leaves none open", async () => {
    const db = await openPostgres(postgres.section);
    await db.sql`create table worked (kind text)`;
    const section = { ...postgres.section, applicationName: "p10" };
    const child = startChild(WORKING, [JSON.stringify(section)]);
    await child.until(/working/);
    await until(async () => await sessionsOf(db, "p10") === 2, "both transactions");
    child.kill("SIGTERM");
    const { code, stdout } = await child.ended;
    report(`P10: exit ${code}, transactions ${stdout.split("\n")[1]}`);
    assert.deepEqual([code, stdout.split("\n")[1]], [0, "fulfilled rejected"]);
    assert.deepEqual(await db.sql`select kind from worked`, [{ kind: "short" }]);
    await until(async () => await sessionsOf(db, "p10") === 0, "the sessions to end");
    await db.close();
  });
}
