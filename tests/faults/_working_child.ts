// A process that is told to end (SIGTERM) while it is inside transactions: it closes its database,
// which lets a transaction end that ends in time, and ends the others.
// Arguments: section as JSON.

import process from "node:process";
import { openPostgres } from "./_postgres.ts";
import { say } from "./_report.ts";

const db = await openPostgres(JSON.parse(process.argv[2] ?? ""));
const told = new Promise((resolve) => process.once("SIGTERM", resolve));
const short = db.transaction(async (tx) => {
  await tx.sql`insert into worked values ('short')`;
  await told;
  await tx.sql`select pg_sleep(0.2)`;
});
const long = db.transaction(async (tx) => {
  await tx.sql`insert into worked values ('long')`;
  await tx.sql`select pg_sleep(60)`.with({ timeout: "60s" });
});
const outcomes = Promise.allSettled([short, long]);
while (db.pool.used < 2) await new Promise((resolve) => setTimeout(resolve, 10));
say("working");
await told;
await db.close({ signal: AbortSignal.timeout(1500) });
say((await outcomes).map(({ status }) => status).join(" "));
process.exit(0);
