/**
 * Database: queries as template tags whose values are only ever bound, transactions that cannot be
 * left by mistake, checked rows, migrations. One interface for PostgreSQL, for PostgreSQL inside
 * the process (PGlite), and for a scripted mock.
 *
 * @example A transaction with a checked row
 * ```ts
 * import { open } from "@cq/cqi/database";
 * import assert from "node:assert/strict";
 *
 * await using db = await open({}, { drivers: { pglite: () => import("@cq/cqi/database/pglite") } });
 * await db.sql`create table positions (id text primary key, quantity numeric not null)`;
 *
 * const position = await db.transaction(async (tx) => {
 *   await tx.sql`insert into positions values (${"p-1"}, ${"0.10"})`;
 *   return await tx.sql<{ quantity: string }>`
 *     update positions set quantity = quantity + ${"0.20"} where id = ${"p-1"}
 *     returning quantity`.one();
 * });
 * assert.equal(position.quantity, "0.30");
 * ```
 *
 * @module
 */
export type { CopyRecords } from "./_copy_source.ts";
export type { PoolStats } from "./_pool_stats.ts";
export type { Database, OpenOptions } from "./database.ts";
export type { Row } from "./_decode.ts";
export type { Listener, ListenOptions, NotificationHandler } from "./listen.ts";
export { messageRecord, type MessageRowOptions } from "./message_rows.ts";
export { migrate } from "./migrate.ts";
export {
  type MigrateOptions,
  type Migration,
  type MigrationReport,
  migrationsOf,
  type MigrationStep,
} from "./migration.ts";
export { readMigrations } from "./migration_folder.ts";
export { type DatabaseConfigInit, open } from "./open.ts";
export type { Query, SqlTag, StreamOptions } from "./query.ts";
export type { QueryOptions } from "./query_options.ts";
export {
  sql,
  type SqlFragment,
  type SqlJson,
  type SqlRecord,
  type SqlTools,
  type SqlValue,
} from "./sql.ts";
export type {
  StandardSchema,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaTypes,
} from "../core/mod.ts";
export type {
  AmbientMode,
  Isolation,
  Transaction,
  TransactionHook,
  TransactionOptions,
  TransactionRetry,
} from "./transaction.ts";
export type {
  DatabaseDriver,
  DatabaseDriverModule,
  DatabaseFeatures,
  DriverColumn,
  DriverConnection,
  DriverQueryOptions,
  DriverResult,
} from "./types.ts";
