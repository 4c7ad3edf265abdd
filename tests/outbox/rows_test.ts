import assert from "node:assert/strict";
import { test } from "node:test";
import { type Database, sql, type SqlFragment } from "../../database/mod.ts";
import type { Environment } from "../../outbox/_environment.ts";
import { rowsOf } from "../../outbox/_rows.ts";
import { tablesOf } from "../../outbox/_tables.ts";
import { settingsOf } from "../../outbox/settings.ts";
import { fixture } from "./_fixture.ts";

/** The statement that a relay of all lanes reads its next events by. */
async function fetchOf(schema: string): Promise<SqlFragment> {
  let statement: SqlFragment | undefined;
  const tag = (strings: TemplateStringsArray, ...values: never[]) => ({
    with() {
      statement = sql.fragment(strings, ...values);
      return Promise.resolve([]);
    },
  });
  const db = { sql: tag } as unknown as Database;
  const parts = { db, settings: settingsOf({ schema }), tables: tablesOf(schema) };
  const lanes = Array.from({ length: 64 }, (_, lane) => lane);
  await rowsOf(parts as Environment).fetch(lanes, [], new AbortController().signal);
  return statement!;
}

test("fetch reads each lane by its own index, though all that waits is of one", async () => {
  await using made = await fixture({ section: { relay: false } });
  const { outbox } = tablesOf(made.schema);
  await made.db.sql`
    insert into ${outbox} (lane, topic, key, event_id, headers, timestamp_ms, size, retry_at)
    select 1, 'busy', 'hot', i::text, '[]'::json, 0, 500,
      case when i = 1 then now() + interval '1 hour' end
    from generate_series(1, 20000) as i`;
  await made.db.sql`analyze ${outbox}`;
  const plan = await made.db.sql<{ "QUERY PLAN": string }>`explain ${await fetchOf(made.schema)}`;
  const text = plan.map((line) => line["QUERY PLAN"]).join("\n");
  // Otherwise the whole table would be read for each of the empty lanes.
  assert.match(text, /Index Scan using outbox_waiting on outbox o_1/, text);
});
