import { open } from "../../database/mod.ts";
import { createDriver } from "../../database/drivers/pglite.ts";
import { databaseContract } from "../../testing/database_contract.ts";

databaseContract(() => open({}, { drivers: { pglite: () => ({ createDriver }) } }), {
  cancel: false,
  parallel: false,
  cursors: true,
  advisoryLocks: true,
  listen: false,
  copy: false,
});
