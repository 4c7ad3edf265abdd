import assert from "node:assert/strict";
import test from "node:test";
import { createDriver } from "../../database/drivers/postgres.ts";
import { open } from "../../database/mod.ts";
import { databaseContract } from "../../testing/database_contract.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { real } from "../_real.ts";

const postgres = await real(() => realPostgres());

if (postgres !== undefined) {
  databaseContract(
    () => open(postgres.section, { drivers: { postgres: () => ({ createDriver }) } }),
    {
      cancel: true,
      parallel: true,
      cursors: true,
      advisoryLocks: true,
      listen: true,
      copy: true,
    },
  );

  test("postgres reads each cursor by its own columns, whatever had its name before", async () => {
    await using db = await open(postgres.section, {
      drivers: { postgres: () => ({ createDriver }) },
    });
    await db.transaction(async (tx) => {
      const fetch = () => tx.sql`fetch 1 from fills`.rows();
      await tx.sql`declare fills cursor for select 1 as id, 'BTC' as market from pg_class`;
      for (let i = 0; i < 3; i++) assert.deepEqual(await fetch(), [{ id: 1, market: "BTC" }]);
      await tx.sql`close fills`;
      await tx.sql`declare fills cursor for select '7.5'::numeric as price, 3::int8 as n`;
      assert.deepEqual(await fetch(), [{ price: "7.5", n: 3n }]);
    });
  });
}
