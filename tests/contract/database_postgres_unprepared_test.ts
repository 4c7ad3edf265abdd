// As behind a pooler in transaction mode: no statement is prepared by name.
import { createDriver } from "../../database/drivers/postgres.ts";
import { open } from "../../database/mod.ts";
import { databaseContract } from "../../testing/database_contract.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { real } from "../_real.ts";

const postgres = await real(() => realPostgres());

if (postgres !== undefined) {
  const section = postgres.sectionWith({ preparedStatements: false });
  databaseContract(() => open(section, { drivers: { postgres: () => ({ createDriver }) } }), {
    cancel: true,
    parallel: true,
    cursors: true,
    advisoryLocks: true,
    listen: true,
    copy: true,
  });
}
