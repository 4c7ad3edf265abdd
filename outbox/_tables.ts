import { type Database, migrate, sql, type SqlFragment } from "../database/mod.ts";
import { isCqiError } from "../errors/mod.ts";
import { MIGRATION_TABLE, outboxMigrations } from "./migrations.ts";

/** The tables, quoted. */
export interface Tables {
  readonly outbox: SqlFragment;
  readonly lanes: SqlFragment;
  readonly relays: SqlFragment;
  readonly inbox: SqlFragment;
  readonly idempotency: SqlFragment;
  /** Channel on which commits are told. */
  readonly channel: string;
}

/** Names the tables of a schema; throws `CQI_DATABASE_IDENTIFIER_INVALID` for a bad name. */
export function tablesOf(schema: string): Tables {
  const table = (name: string): SqlFragment => sql.identifier(schema, name);
  return {
    outbox: table("outbox"),
    lanes: table("outbox_lanes"),
    relays: table("outbox_relays"),
    inbox: table("inbox"),
    idempotency: table("idempotency"),
    // A channel's name has 63 bytes at most, and the schema's alone may have as many.
    channel: `cqi_outbox_${hashOf(schema)}`,
  };
}

// FNV-1a, 32 bits: two schemas that meet only wake each other's relays for nothing.
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
}

/** Makes schema and tables exist. Any number of processes may do so at a time. */
export async function createTables(db: Database, schema: string): Promise<void> {
  const exists = async (): Promise<boolean> =>
    (await db.sql<{ exists: boolean }>`
      select exists (select from pg_namespace where nspname = ${schema}) as exists`.one()).exists;
  // Asked first: 'if not exists' wants the right to create even where there is nothing to create.
  if (!await exists()) {
    try {
      await db.sql`create schema if not exists ${sql.identifier(schema)}`;
    } catch (error) {
      // Another process was faster ('if not exists' looks before it creates).
      if (!isCqiError(error, "CQI_DATABASE_CONSTRAINT", "CQI_DATABASE_QUERY") || !await exists()) {
        throw error;
      }
    }
  }
  await migrate(db, outboxMigrations(schema), { schema, table: MIGRATION_TABLE });
}
