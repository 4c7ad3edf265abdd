import assert from "node:assert/strict";
import type { Database } from "../database/mod.ts";
import type { DatabaseCases } from "./_database_kit.ts";

/** Collects what comes, and gives the first so many. */
function collector() {
  const seen: string[] = [];
  let wake = (): void => {};
  return {
    seen,
    add(payload: string): void {
      seen.push(payload);
      wake();
    },
    async first(count: number): Promise<readonly string[]> {
      while (seen.length < count) await new Promise<void>((resolve) => wake = resolve);
      return seen;
    },
  };
}

function notify(db: Database, channel: string, payload: string): Promise<unknown> {
  return db.sql`select pg_notify(${channel}, ${payload})`.execute();
}

/** LISTEN. */
export const LISTEN_CASES: DatabaseCases = {
  "listen hands over payloads in order, of its channel alone": async ({ db, schema }) => {
    const one = collector();
    const two = collector();
    const other = `${schema} "other"`;
    const first = await db.listen(schema, one.add);
    const second = await db.listen(other, two.add);
    for (const payload of ["", "a", "'; drop table x; --", "é\n\t", "x".repeat(7999)]) {
      await notify(db, schema, payload);
    }
    await notify(db, other, "b");
    assert.deepEqual(await two.first(1), ["b"]);
    const all = ["", "a", "'; drop table x; --", "é\n\t", "x".repeat(7999)];
    assert.deepEqual(await one.first(5), all);
    await first.close();
    await second.close();
  },
  "listen hears of a transaction when it commits, and never of one that does not": async (
    { db, schema },
  ) => {
    const heard = collector();
    await using _ = await db.listen(schema, heard.add);
    const failing = db.transaction(async (tx) => {
      await tx.sql`select pg_notify(${schema}, 'undone')`;
      throw new Error("boom");
    });
    await assert.rejects(failing, { message: "boom" });
    await db.transaction((tx) => tx.sql`select pg_notify(${schema}, 'done')`.execute());
    assert.deepEqual(await heard.first(1), ["done"]);
  },
  "listen serves several handlers, each until it is closed": async ({ db, schema }) => {
    const one = collector();
    const two = collector();
    const first = await db.listen(schema, one.add);
    const second = await db.listen(schema, two.add);
    await notify(db, schema, "both");
    await Promise.all([one.first(1), two.first(1)]);
    await first.close();
    await first.close();
    await notify(db, schema, "second");
    assert.deepEqual(await two.first(2), ["both", "second"]);
    assert.deepEqual(one.seen, ["both"]);
    await second.close();
    await using again = await db.listen(schema, one.add);
    await notify(db, again.channel, "again");
    assert.deepEqual(await one.first(2), ["both", "again"]);
  },
  "listen goes on when a handler throws, one notification after the other": async (
    { db, schema },
  ) => {
    const heard = collector();
    let running = 0;
    await using _ = await db.listen(schema, async (payload) => {
      assert.equal(++running, 1);
      // A query on the database, as handlers make them.
      await db.sql`select 1`;
      running--;
      heard.add(payload);
      throw new Error("boom");
    });
    for (const payload of ["1", "2", "3"]) await notify(db, schema, payload);
    assert.deepEqual(await heard.first(3), ["1", "2", "3"]);
  },
  "listen started inside a transaction is no part of it": async ({ db, schema }) => {
    const heard = collector();
    const listener = await db.transaction(() =>
      db.listen(schema, async (payload) => {
        await db.sql`select 1`;
        heard.add(payload);
      })
    );
    await notify(db, schema, "x");
    assert.deepEqual(await heard.first(1), ["x"]);
    await listener.close();
  },
  "listen refuses names that the server would cut or cannot have": async ({ db }) => {
    for (const channel of ["", "a\0b", "x".repeat(64)]) {
      await assert.rejects(db.listen(channel, () => {}), {
        code: "CQI_DATABASE_IDENTIFIER_INVALID",
      });
    }
    const reason = new Error("enough");
    await assert.rejects(db.listen("x", () => {}, { signal: AbortSignal.abort(reason) }), reason);
  },
  "listen comes back when its session is ended, and tells of the gap": async ({ db, schema }) => {
    const heard = collector();
    const gaps = collector();
    await using _ = await db.listen(schema, heard.add, { onGap: () => gaps.add("gap") });
    await db.sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query = ${`listen "${schema}"`}`;
    await gaps.first(1);
    await notify(db, schema, "after");
    assert.deepEqual(await heard.first(1), ["after"]);
    assert.equal(gaps.seen.length, 1);
  },
};
