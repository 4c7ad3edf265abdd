import assert from "node:assert/strict";
import { sql, type Transaction } from "../database/mod.ts";
import type { DatabaseCases } from "./_database_kit.ts";

const boom = new Error("boom");

/** Savepoints, and hooks after the end. */
export const SAVEPOINT_CASES: DatabaseCases = {
  "savepoint that throws undoes its own part only": async ({ db, counters }) => {
    const table = await counters();
    await db.transaction(async (tx) => {
      await tx.sql`insert into ${table} values ('outer', 1)`;
      await assert.rejects(
        tx.savepoint(async (inner) => {
          await inner.sql`insert into ${table} values ('inner', 1)`;
          await inner.sql`insert into ${table} values ('outer', 1)`;
        }),
        { code: "CQI_DATABASE_CONSTRAINT" },
      );
      await tx.sql`insert into ${table} values ('after', 1)`;
    });
    const rows = await db.sql<{ id: string }>`select id from ${table} order by id`;
    assert.deepEqual(rows.map((row) => row.id), ["a", "after", "outer"]);
  },
  "savepoints nest": async ({ db, counters }) => {
    const table = await counters();
    const add = (id: string) => sql.fragment`insert into ${table} values (${id}, 0)`;
    await db.transaction((tx) =>
      tx.savepoint(async (one) => {
        await one.sql`${add("one")}`;
        await one.savepoint(async (two) => {
          await two.sql`${add("two")}`;
          await two.savepoint(async (three) => {
            await three.sql`${add("three")}`;
            throw boom;
          }).catch(() => {});
        });
      })
    );
    const rows = await db.sql<{ id: string }>`select id from ${table} order by id`;
    assert.deepEqual(rows.map((row) => row.id), ["a", "one", "two"]);
  },
  "savepoint that swallowed an error is undone, not kept in part": async ({ db, counters }) => {
    const table = await counters();
    await db.transaction(async (tx) => {
      await assert.rejects(
        tx.savepoint(async (inner) => {
          await inner.sql`update ${table} set n = 3`;
          await inner.sql`select 1 / 0`.rows().catch(() => {});
        }),
        { code: "CQI_DATABASE_QUERY" },
      );
    });
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 0n }]);
  },
  "savepoint that is still open when the function ends forbids the commit, at any depth": async (
    { db, counters },
  ) => {
    const table = await counters();
    const nest = (tx: Transaction, depth: number, work: (tx: Transaction) => Promise<void>) =>
      tx.savepoint((inner): Promise<void> =>
        depth === 1 ? work(inner) : nest(inner, depth - 1, work)
      );
    for (const depth of [1, 2, 3]) {
      const gate = Promise.withResolvers<void>();
      const written = Promise.withResolvers<void>();
      let left: Promise<void> | undefined;
      const failing = db.transaction(async (tx) => {
        await tx.sql`update ${table} set n = n + 1`;
        left = nest(tx, depth, async (inner) => {
          await inner.sql`insert into ${table} values (${`left ${depth}`}, 0)`;
          written.resolve();
          await gate.promise;
        });
        left.catch(() => {});
        await written.promise;
      });
      const closed = { code: "CQI_DATABASE_TRANSACTION_CLOSED" };
      await assert.rejects(failing, { ...closed, message: /savepoint is still open/ });
      gate.resolve();
      await assert.rejects(left!, closed);
      assert.deepEqual(await db.sql`select id, n from ${table}`, [{ id: "a", n: 0n }]);
    }
  },
  "savepoint that its own savepoint outlives is undone, and the transaction goes on": async (
    { db, counters },
  ) => {
    const table = await counters();
    const gate = Promise.withResolvers<void>();
    let left: Promise<void> | undefined;
    await db.transaction(async (tx) => {
      const failing = tx.savepoint(async (outer) => {
        await outer.sql`insert into ${table} values ('outer', 1)`;
        left = outer.savepoint(() => gate.promise);
        left.catch(() => {});
      });
      await assert.rejects(failing, { code: "CQI_DATABASE_TRANSACTION_CLOSED" });
      await tx.sql`update ${table} set n = 1`;
      gate.resolve();
      await assert.rejects(left!, { code: "CQI_DATABASE_TRANSACTION_CLOSED" });
    });
    assert.deepEqual(await db.sql`select id, n from ${table}`, [{ id: "a", n: 1n }]);
  },
  "outer handle is refused while a savepoint is open": async ({ db, counters }) => {
    const table = await counters();
    await db.transaction((tx) =>
      tx.savepoint(async () => {
        await assert.rejects(tx.sql`select * from ${table}`.rows(), {
          code: "CQI_DATABASE_OUTSIDE_TRANSACTION",
        });
        await assert.rejects(tx.savepoint(() => 1), { code: "CQI_DATABASE_OUTSIDE_TRANSACTION" });
      })
    );
  },
  "afterCommit hooks run once, in order, after others can see the rows": async (
    { db, counters },
  ) => {
    const table = await counters();
    const seen: unknown[] = [];
    await db.transaction(async (tx) => {
      tx.afterCommit(async () => void seen.push(await db.sql`select n from ${table}`));
      tx.afterCommit(() => void seen.push("second"));
      tx.afterRollback(() => void seen.push("rollback"));
      await tx.sql`update ${table} set n = 1`;
      assert.deepEqual(seen, []);
    });
    assert.deepEqual(seen, [[{ n: 1n }], "second"]);
  },
  "afterRollback hooks run after a rollback, afterCommit hooks do not": async ({ db }) => {
    const seen: string[] = [];
    const failing = db.transaction((tx) => {
      tx.afterCommit(() => void seen.push("commit"));
      tx.afterRollback(() => void seen.push("rollback"));
      throw boom;
    });
    await assert.rejects(failing, boom);
    assert.deepEqual(seen, ["rollback"]);
  },
  "hooks of a savepoint that was rolled back see a rollback": async ({ db }) => {
    const seen: string[] = [];
    await db.transaction(async (tx) => {
      tx.afterCommit(() => void seen.push("outer commit"));
      tx.afterRollback(() => void seen.push("outer rollback"));
      await tx.savepoint((inner) => {
        inner.afterCommit(() => void seen.push("inner commit"));
        inner.afterRollback(() => void seen.push("inner rollback"));
        throw boom;
      }).catch(() => {});
    });
    assert.deepEqual(seen, ["outer commit", "inner rollback"]);
  },
  "hooks that throw do not undo the commit": async ({ db, counters }) => {
    const table = await counters();
    const seen: string[] = [];
    await db.transaction(async (tx) => {
      tx.afterCommit(() => {
        throw boom;
      });
      tx.afterCommit(() => void seen.push("next"));
      await tx.sql`update ${table} set n = 1`;
    });
    assert.deepEqual(seen, ["next"]);
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 1n }]);
  },
};
