// A process that migrates, and may be killed on the way.
// Arguments: section as JSON, and `edited` for another text of the first migration. The setting
// `cqi.pause` of the database says how many seconds the second one takes.

import process from "node:process";
import { migrate } from "../../database/mod.ts";
import { openPostgres } from "./_postgres.ts";
import { say } from "./_report.ts";

const [section = "", edited = ""] = process.argv.slice(2);
const db = await openPostgres(JSON.parse(section));
const first = "create table steps (version int4); insert into steps values (1)";
try {
  const done = await migrate(db, [
    { version: 1, name: "create_steps", sql: edited === "" ? first : `${first}; select 2` },
    {
      version: 2,
      name: "fill_slowly",
      // The time it takes is no part of the text, so that its checksum stays.
      sql: "insert into steps values (2); select pg_sleep(current_setting('cqi.pause')::float8)",
    },
    { version: 3, name: "end", sql: "insert into steps values (3)" },
  ]);
  say(`applied ${done.applied.length}, version ${done.version}`);
} catch (error) {
  say(`refused: ${(error as Error).message}`);
  process.exitCode = 3;
} finally {
  await db.close();
}
