import assert from "node:assert/strict";
import type { Database, DatabaseFeatures } from "../database/mod.ts";
import { type DatabaseCase, type DatabaseCases, inSchema } from "./_database_kit.ts";
import { COPY_CASES } from "./_database_copy_cases.ts";
import { LISTEN_CASES } from "./_database_listen_cases.ts";
import { MIGRATION_CASES } from "./_database_migration_cases.ts";
import { CANCEL_CASES, QUERY_CASES } from "./_database_query_cases.ts";
import { SAVEPOINT_CASES } from "./_database_savepoint_cases.ts";
import { PARALLEL_CASES, TRANSACTION_CASES } from "./_database_transaction_cases.ts";
import { TYPE_CASES } from "./_database_type_cases.ts";
import { registerSuite, type SuiteTest } from "./_suite.ts";

/**
 * The contract of databases, as tests of `node:test`. Call it at the top of a test file. Tests of a
 * feature that is not declared are skipped, and say so by name.
 *
 * One database serves all tests, each in a schema of its own that it drops, so that a real server
 * and other tests on it are not disturbed; the last test to end closes it. For a driver of your own:
 * `databaseContract(() => open({ driver: "mine" }, { drivers: { mine: () => myModule } }), features)`.
 *
 * @param factory Opens the database on its real backend, as somebody who may create schemas.
 * @param features What the driver declares; held against what it says of itself.
 */
export function databaseContract(
  factory: () => Promise<Database>,
  features: DatabaseFeatures,
): void {
  let shared: Promise<Database> | undefined;
  let serial = 0;
  let left = 0;
  const suite = (cases: DatabaseCases, needs?: keyof DatabaseFeatures): SuiteTest[] =>
    Object.entries(cases).map(([name, run]) => {
      if (needs === undefined || features[needs]) left++;
      return {
        name,
        ...(needs === undefined ? {} : { needs }),
        run: () => withShared((db) => inSchema(db, serial++, run)),
      };
    });
  async function withShared(run: (db: Database) => Promise<void>): Promise<void> {
    const db = await (shared ??= factory());
    try {
      await run(db);
    } finally {
      left--;
      if (left === 0) await db.close();
    }
  }
  const tests: readonly SuiteTest[] = [
    ...suite({
      "features are those that are declared": ({ db }: DatabaseCase) => {
        assert.deepEqual(db.features, features);
        return Promise.resolve();
      },
    }),
    ...suite(QUERY_CASES),
    ...suite(CANCEL_CASES, "cancel"),
    ...suite(TYPE_CASES),
    ...suite(TRANSACTION_CASES),
    ...suite(SAVEPOINT_CASES),
    ...suite(PARALLEL_CASES, "parallel"),
    ...suite(COPY_CASES),
    ...suite(LISTEN_CASES, "listen"),
    ...suite(MIGRATION_CASES, "advisoryLocks"),
    {
      name: "close ends it, may be called twice, and ends nothing that was under way",
      run: async () => {
        const db = await factory();
        const work = db.transaction((tx) => tx.sql`select 1 as v`.one());
        // The transaction has its connection before it is asked to close.
        await db.check();
        const closing = db.close();
        assert.deepEqual(await work, { v: 1 });
        await closing;
        await db.close();
        await assert.rejects(db.sql`select 1`.rows(), { code: "CQI_CLOSED" });
        assert.equal((await db.check()).status, "down");
      },
    },
  ];
  registerSuite("database", { ...features }, tests);
}
