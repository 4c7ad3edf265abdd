import assert from "node:assert/strict";
import process from "node:process";
import test from "node:test";
import { createDriver } from "../../database/drivers/postgres.ts";
import { type DatabaseDriverModule, open } from "../../database/mod.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { real } from "../_real.ts";

const ROWS = 1_000_000;
const BATCH = 1000;
// Bytes of each row's text. All rows together would take far more than the memory that is allowed.
const WIDTH = 300;
const MEBIBYTE = 2 ** 20;
const ALLOWED = 250 * MEBIBYTE;

const postgres = await real(() => realPostgres());

/** The driver, telling of the rows that come. */
function counting(onRows: (count: number) => void): DatabaseDriverModule {
  return {
    async createDriver(config, env) {
      const driver = await createDriver(config, env);
      return {
        ...driver,
        async connect(options) {
          const connection = await driver.connect(options);
          const query = connection.query.bind(connection);
          connection.query = async (...args) => {
            const result = await query(...args);
            if (result.command === "FETCH") onRows(result.rows.length);
            return result;
          };
          return connection;
        },
      };
    },
  };
}

if (postgres !== undefined) {
  test("query.stream() reads a million rows, no more than a batch ahead, in bounded memory", async () => {
    let come = 0;
    let read = 0;
    let ahead = 0;
    const module = counting((count) => {
      come += count;
      ahead = Math.max(ahead, come - read);
    });
    await using db = await open(postgres.section, { drivers: { postgres: () => module } });
    const rows = db.sql<{ n: number; text: string }>`
      select n, repeat('x', ${WIDTH}) as text from generate_series(1, ${ROWS}) as n`;
    let before = 0;
    let most = 0;
    for await (const { n, text } of rows.stream({ batchSize: BATCH })) {
      if (n !== ++read || text.length !== WIDTH) assert.fail(`row ${read} is ${n}`);
      if (n % 50_000 !== 0) continue;
      const { rss } = process.memoryUsage();
      // What comes first warms the runtime up.
      if (n === 100_000) before = rss;
      if (n > 100_000) most = Math.max(most, rss - before);
    }
    assert.deepEqual([read, come, ahead], [ROWS, ROWS, BATCH]);
    assert(ROWS * WIDTH > ALLOWED && most < ALLOWED, `${Math.round(most / MEBIBYTE)} MiB more`);
  });

  test("query.stream() of a million rows that is left early fetches no more, and its connection is free", async () => {
    let come = 0;
    const module = counting((count) => come += count);
    await using db = await open({ ...postgres.section, maxConns: 1 }, {
      drivers: { postgres: () => module },
    });
    for await (const _ of db.sql`select generate_series(1, ${ROWS})`.stream({ batchSize: 10 })) {
      break;
    }
    assert.deepEqual([come, db.pool.used], [10, 0]);
    // On the pool's only connection.
    assert.deepEqual(await db.sql`select 1 as one`, [{ one: 1 }]);
  });
}
