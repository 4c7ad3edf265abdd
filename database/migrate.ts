import { CqiError, isCqiError } from "../errors/mod.ts";
import { engineOf } from "./_engine.ts";
import {
  type Applied,
  type Known,
  nextStep,
  prepare,
  type Step,
  verify,
} from "./_migration_plan.ts";
import type { Scope } from "./_scope.ts";
import type { Database } from "./database.ts";
import {
  type MigrateOptions,
  type Migration,
  migrationError,
  type MigrationReport,
  type MigrationStep,
} from "./migration.ts";
import { sql, type SqlFragment } from "./sql.ts";
import type { Transaction } from "./transaction.ts";

interface Book {
  /** The quoted table, schema included: a migration may change the search path. */
  readonly table: SqlFragment;
  /** The same as text, for `to_regclass` and the lock. */
  readonly path: string;
}

/**
 * Brings a schema to a version. Each migration runs in a transaction of its own together with its
 * entry in the table `cqi_migrations`, under an advisory lock where the driver has one: any number
 * of instances may start at a time, and each step is applied once.
 *
 * Refused with `CQI_DATABASE_MIGRATION`, before anything is done: a migration that was edited after
 * it was applied (by SHA-256 of its text), one that is applied and not in the list, one that comes
 * before an applied one. Applied ones newer than the list are let pass.
 *
 * @param db What `open` gave.
 * @param migrations All of them, in any order; see `migrationsOf` and `readMigrations`.
 * @param options Dry run, target version, table, signal.
 *
 * @example
 * ```ts
 * import { migrate, open } from "@cq/cqi/database";
 * import assert from "node:assert/strict";
 *
 * await using db = await open({}, { drivers: { pglite: () => import("@cq/cqi/database/pglite") } });
 * const migrations = [
 *   { version: 1, name: "create_venues", sql: "create table venues (id text primary key)" },
 * ];
 * assert.equal((await migrate(db, migrations)).applied.length, 1);
 * assert.equal((await migrate(db, migrations)).applied.length, 0);
 * ```
 */
export async function migrate(
  db: Database,
  migrations: readonly Migration[],
  options: MigrateOptions = {},
): Promise<MigrationReport> {
  const engine = engineOf(db);
  engine.guard();
  const known = await prepare(migrations);
  const { signal, dryRun = false, to = Infinity } = options;
  if (to !== Infinity && (!Number.isSafeInteger(to) || to < 0)) {
    throw migrationError("option 'to' must be a whole number from 0");
  }
  const waitOptions = signal === undefined ? {} : { signal };
  const logger = engine.logger;
  if (dryRun) {
    return await engine.transaction(
      async (tx) => rehearse(known, await read(tx, await bookOf(tx, options)), to),
      { ...waitOptions, readOnly: true },
    );
  }
  const applied: MigrationStep[] = [];
  const reverted: MigrationStep[] = [];
  let from: number | undefined;
  for (;;) {
    const { step, version } = await engine.transaction(async (tx, scope) => {
      const book = await bookOf(tx, options);
      await lock(tx, book, db.features.advisoryLocks);
      const history = await read(tx, book);
      verify(known, history);
      from ??= history.at(-1)?.version ?? 0;
      const next = nextStep(known, history, to);
      if (next !== undefined) await take(tx, scope, book, next);
      return { step: next, version: history.at(-1)?.version ?? 0 };
    }, waitOptions);
    if (step === undefined) return { applied, reverted, from: from ?? 0, version };
    const { version: done, name } = step.migration;
    (step.kind === "apply" ? applied : reverted).push({ version: done, name });
    logger.info(step.kind === "apply" ? "Applied migration" : "Undid migration", {
      component: "database",
      version: done,
      migration: name,
    });
  }
}

async function bookOf(tx: Transaction, options: MigrateOptions): Promise<Book> {
  const { table = "cqi_migrations" } = options;
  const schema = options.schema ??
    (await tx.sql<{ schema: string | null }>`select current_schema() as schema`.one()).schema;
  if (schema === null) throw migrationError("no schema of the search path exists");
  // Checked and quoted as any other name.
  const name = sql.identifier(schema, table);
  const path = `"${schema.replaceAll('"', '""')}"."${table.replaceAll('"', '""')}"`;
  return { table: name, path };
}

async function lock(tx: Transaction, book: Book, hasLocks: boolean): Promise<void> {
  // Others may take minutes: neither the lock's nor the query's usual time limit fits.
  await tx.sql`select set_config('lock_timeout', '0', true)`;
  if (hasLocks) {
    await tx.sql`select pg_advisory_xact_lock(hashtextextended(${`cqi ${book.path}`}, 0))`
      .with({ name: "migration_lock", timeout: Infinity });
  }
  const { exists } = await tx.sql<{ exists: boolean }>`
    select to_regclass(${book.path}) is not null as exists`.one();
  if (exists) return;
  await tx.sql`
    create table ${book.table} (
      version int8 primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`;
}

async function read(tx: Transaction, book: Book): Promise<readonly Applied[]> {
  const { exists } = await tx.sql<{ exists: boolean }>`
    select to_regclass(${book.path}) is not null as exists`.one();
  if (!exists) return [];
  const rows = await tx.sql<{ version: bigint; name: string; checksum: string }>`
    select version, name, checksum from ${book.table} order by version`;
  return rows.map((row) => ({ ...row, version: Number(row.version) }));
}

async function take(tx: Transaction, scope: Scope, book: Book, step: Step): Promise<void> {
  const { version, name, checksum } = step.migration;
  const label = `migration ${version} '${name}'`;
  const before = await transactionId(tx);
  try {
    await scope.script(step.kind === "apply" ? step.migration.sql : step.migration.down);
  } catch (error) {
    if (tx.signal.aborted || !isCqiError(error)) throw error;
    throw new CqiError(
      "CQI_DATABASE_MIGRATION",
      `Cannot ${step.kind} ${label}: ${error.message}`,
      { cause: error, details: { ...error.details, version, name } },
    );
  }
  if (await transactionId(tx) !== before) {
    throw migrationError(
      `${label} ended its transaction by itself, so it is not recorded; leave 'begin' and ` +
        "'commit' out, and repair the schema by hand",
      { version, name },
    );
  }
  if (step.kind === "revert") {
    await tx.sql`delete from ${book.table} where version = ${version}`;
  } else {
    await tx.sql`insert into ${book.table} ${sql.records([{ version, name, checksum }])}`;
  }
}

async function transactionId(tx: Transaction): Promise<string> {
  return (await tx.sql<{ id: string }>`select pg_current_xact_id()::text as id`.one()).id;
}

/** What would be done, step by step, without doing it. */
function rehearse(
  known: readonly Known[],
  history: readonly Applied[],
  to: number,
): MigrationReport {
  verify(known, history);
  const applied: MigrationStep[] = [];
  const reverted: MigrationStep[] = [];
  const now = [...history];
  for (let step = nextStep(known, now, to); step !== undefined; step = nextStep(known, now, to)) {
    const { version, name, checksum } = step.migration;
    if (step.kind === "apply") {
      applied.push({ version, name });
      now.push({ version, name, checksum });
    } else {
      reverted.push({ version, name });
      now.pop();
    }
  }
  return {
    applied,
    reverted,
    from: history.at(-1)?.version ?? 0,
    version: now.at(-1)?.version ?? 0,
  };
}
