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
}
