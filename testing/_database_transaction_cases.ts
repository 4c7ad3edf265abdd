import assert from "node:assert/strict";
import type { DatabaseCases } from "./_database_kit.ts";

const boom = new Error("boom");

/** Transactions: commit, rollback, isolation, abort, misuse. */
export const TRANSACTION_CASES: DatabaseCases = {
  "transaction commits what its function did, and gives its result": async ({ db, counters }) => {
    const table = await counters();
    const result = await db.transaction(async (tx) => {
      await tx.sql`update ${table} set n = 1`;
      return "done";
    });
    assert.equal(result, "done");
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 1n }]);
  },
  "transaction rolls back when its function throws, and throws the same": async (
    { db, counters },
  ) => {
    const table = await counters();
    const failing = db.transaction(async (tx) => {
      await tx.sql`update ${table} set n = 1`;
      throw boom;
    });
    await assert.rejects(failing, (error) => error === boom);
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 0n }]);
  },
  "transaction whose query failed cannot commit, even if the error was caught": async (
    { db, counters },
  ) => {
    const table = await counters();
    const swallowing = db.transaction(async (tx) => {
      await tx.sql`update ${table} set n = 1`;
      await tx.sql`insert into ${table} values ('a', 0)`.rows().catch(() => {});
    });
    await assert.rejects(swallowing, { code: "CQI_DATABASE_CONSTRAINT" });
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 0n }]);
  },
  "transaction has the isolation that is asked for": async ({ db }) => {
    for (const isolation of ["read committed", "repeatable read", "serializable"] as const) {
      const row = await db.transaction(
        (tx) => tx.sql`select current_setting('transaction_isolation') as level`.one(),
        { isolation },
      );
      assert.deepEqual(row, { level: isolation });
    }
  },
  "transaction that is read only refuses to write": async ({ db, counters }) => {
    const table = await counters();
    const writing = db.transaction((tx) => tx.sql`update ${table} set n = 1`.execute(), {
      readOnly: true,
    });
    await assert.rejects(writing, { code: "CQI_DATABASE_READ_ONLY" });
  },
  "transaction can be deferrable": async ({ db }) => {
    const row = await db.transaction(
      (tx) => tx.sql`select current_setting('transaction_deferrable') as d`.one(),
      { isolation: "serializable", readOnly: true, deferrable: true },
    );
    assert.deepEqual(row, { d: "on" });
  },
  "transaction refuses an isolation that is none": async ({ db }) => {
    const isolation = "serializable; drop table x" as "serializable";
    await assert.rejects(db.transaction(() => 1, { isolation }), { code: "CQI_OPTION_INVALID" });
  },
  "transaction runs queries that are sent together one after the other": async (
    { db, counters },
  ) => {
    const table = await counters();
    await db.transaction(async (tx) => {
      await Promise.all(
        Array.from({ length: 20 }, () => tx.sql`update ${table} set n = n + 1`.execute()),
      );
    });
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 20n }]);
  },
  "transactions at a time do not mix": async ({ db, counters }) => {
    const table = await counters();
    await Promise.all(Array.from({ length: 20 }, () =>
      db.transaction(async (tx) => {
        const { n } = await tx.sql<{ n: bigint }>`select n from ${table} for update`.one();
        await tx.sql`update ${table} set n = ${n + 1n}`;
      })));
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 20n }]);
  },
  "transaction's handle is closed when its function has ended": async ({ db, counters }) => {
    const table = await counters();
    const tx = await db.transaction((handle) => handle);
    const uses = [
      () => tx.sql`update ${table} set n = 9`.rows(),
      () => tx.savepoint(() => 1),
      async () => await tx.afterCommit(() => {}),
      async () => await tx.afterRollback(() => {}),
    ];
    for (const use of uses) {
      await assert.rejects(use, { code: "CQI_DATABASE_TRANSACTION_CLOSED" });
    }
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 0n }]);
  },
  "transaction waits for a query that its function did not await": async ({ db, counters }) => {
    const table = await counters();
    let sent: Promise<number> | undefined;
    await db.transaction((tx) => {
      sent = tx.sql`update ${table} set n = 5`.execute();
    });
    assert.equal(await sent, 1);
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 5n }]);
  },
  "db.sql inside a transaction of the same database is refused at once": async (
    { db, counters },
  ) => {
    const table = await counters();
    await db.transaction(async (tx) => {
      await tx.sql`update ${table} set n = 1`;
      const outside = { code: "CQI_DATABASE_OUTSIDE_TRANSACTION" };
      await assert.rejects(db.sql`select 1`.rows(), outside);
      await assert.rejects(db.sql`select 1`.execute(), outside);
      await assert.rejects(db.transaction(() => 1), outside);
      await assert.rejects(db.close(), outside);
      await assert.rejects(async () => {
        for await (const _ of db.sql`select 1`.stream());
      }, outside);
    });
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 1n }]);
  },
  "db.sql made outside and awaited inside is refused too": async ({ db }) => {
    const query = db.sql`select 1`;
    await assert.rejects(db.transaction(async () => await query), {
      code: "CQI_DATABASE_OUTSIDE_TRANSACTION",
    });
  },
  "db.sql joins the transaction when it is told to": async ({ db, counters }) => {
    const table = await counters();
    const joined = db.transaction(async () => {
      await db.sql`update ${table} set n = 1`;
      await db.transaction(() => db.sql`update ${table} set n = n + 1`.execute());
      assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 2n }]);
      throw boom;
    }, { ambient: "join" });
    await assert.rejects(joined, boom);
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 0n }]);
  },
  "work that outlives a transaction is refused, what its hooks start is free of it": async (
    { db, counters },
  ) => {
    const table = await counters();
    for (const ambient of ["error", "join"] as const) {
      const gate = Promise.withResolvers<void>();
      const read = () => gate.promise.then(() => db.sql`select n from ${table}`.rows());
      const later: Promise<unknown>[] = [];
      await db.transaction((tx) => {
        // On the pool it would be done whether or not the transaction is.
        later.push(assert.rejects(read(), { code: "CQI_DATABASE_TRANSACTION_CLOSED" }));
        tx.afterCommit(() => void later.push(read()));
      }, { ambient });
      gate.resolve();
      assert.deepEqual(await Promise.all(later), [undefined, [{ n: 0n }]]);
    }
  },
  "transaction that is aborted rolls back and throws the reason": async ({ db, counters }) => {
    const table = await counters();
    const controller = new AbortController();
    const stuck = db.transaction(async (tx) => {
      await tx.sql`update ${table} set n = 1`;
      controller.abort(boom);
      // A function that never ends does not hold the transaction.
      await new Promise(() => {});
    }, { signal: controller.signal });
    await assert.rejects(stuck, (error) => error === boom);
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 0n }]);
    assert.equal(db.pool.used, 0);
  },
  "transaction whose signal has aborted is not begun": async ({ db }) => {
    let called = false;
    const signal = AbortSignal.abort(boom);
    await assert.rejects(db.transaction(() => (called = true), { signal }), boom);
    assert.equal(called, false);
  },
  "transaction refuses deferred violations at its commit": async ({ db, name }) => {
    const table = name("deferred");
    await db.sql`create table ${table} (id int4 unique deferrable initially deferred)`;
    const seen: string[] = [];
    const failing = db.transaction(async (tx) => {
      tx.afterRollback(() => void seen.push("rollback"));
      await tx.sql`insert into ${table} values (1), (1)`;
    });
    await assert.rejects(failing, { code: "CQI_DATABASE_CONSTRAINT" });
    assert.deepEqual(seen, ["rollback"]);
  },
  "transaction is tried again when it is told to": async ({ db, counters }) => {
    const table = await counters();
    const attempts: number[] = [];
    await db.transaction(async (tx) => {
      attempts.push(tx.attempt);
      await tx.sql`update ${table} set n = n + 1`;
      if (tx.attempt < 3) {
        await tx.sql`do $$ begin raise exception using errcode = '40001'; end $$`;
      }
    }, { retry: { attempts: 3, initialDelay: "1ms" } });
    assert.deepEqual(attempts, [1, 2, 3]);
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 1n }]);
  },
  "transaction.stream reads with a cursor, and other queries go between": async ({ db }) => {
    const sums = await db.transaction(async (tx) => {
      const seen: number[] = [];
      const rows = tx.sql<{ i: number }>`select generate_series(1, 5) as i`;
      for await (const { i } of rows.stream({ batchSize: 2 })) {
        const { v } = await tx.sql<{ v: number }>`select ${i}::int4 * 10 as v`.one();
        seen.push(v);
        if (i === 4) break;
      }
      return seen;
    });
    assert.deepEqual(sums, [10, 20, 30, 40]);
  },
};

/** Cases that need two connections at a time. */
export const PARALLEL_CASES: DatabaseCases = {
  "transaction is not seen before it commits": async ({ db, counters }) => {
    const table = await counters();
    const written = Promise.withResolvers<void>();
    const read = Promise.withResolvers<void>();
    const work = db.transaction(async (tx) => {
      await tx.sql`update ${table} set n = 1`;
      written.resolve();
      await read.promise;
    });
    await written.promise;
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 0n }]);
    read.resolve();
    await work;
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 1n }]);
  },
  "ten serializable writers with retry lose nothing": async ({ db, counters }) => {
    const table = await counters();
    await Promise.all(Array.from({ length: 10 }, () =>
      db.transaction(async (tx) => {
        const { n } = await tx.sql<{ n: bigint }>`select n from ${table}`.one();
        await tx.sql`update ${table} set n = ${n + 1n}`;
      }, { isolation: "serializable", retry: 50 })));
    assert.deepEqual(await db.sql`select n from ${table}`, [{ n: 10n }]);
  },
};
