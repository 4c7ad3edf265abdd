import { type Migration, sql } from "../database/mod.ts";
import { refuse } from "../internal/options.ts";

/** Into how many parts the keys are divided; a relay leases whole lanes. Part of the schema. */
export const LANES = 64;

/** Quotes the name of the schema, as text for statements that take no parameters. */
function quoted(schema: string): string {
  // Checks it: empty, NUL, over 63 bytes.
  sql.identifier(schema);
  return `"${schema.replaceAll('"', '""')}"`;
}

/**
 * The tables of outbox, inbox and idempotency keys as migrations. `open` applies them by itself
 * unless `migrate` is false: then apply them as the role that may, in a book of their own.
 *
 * @param schema Schema of the tables; it must exist. @default {"cqi"}
 *
 * @example Apply them by hand
 * ```ts
 * import { database, outbox } from "@cq/cqi";
 * import assert from "node:assert/strict";
 *
 * await using db = await database.open({});
 * await db.sql`create schema events`;
 * const steps = outbox.outboxMigrations("events");
 * const options = { schema: "events", table: outbox.MIGRATION_TABLE };
 * assert.equal((await database.migrate(db, steps, options)).version, steps.length);
 * ```
 */
export function outboxMigrations(schema = "cqi"): readonly Migration[] {
  if (typeof schema !== "string") refuse("schema", schema, "the name of a schema");
  const s = quoted(schema);
  return [{
    version: 1,
    name: "create_outbox",
    sql: `
-- Events of committed transactions, until a relay has sent them.
create table ${s}.outbox (
  id int8 generated always as identity primary key,
  lane int2 not null check (lane between 0 and ${LANES - 1}),
  topic text not null,
  key text,
  event_id text not null,
  value bytea,
  headers json not null,
  timestamp_ms int8 not null,
  size int4 not null,
  created_at timestamptz not null default clock_timestamp(),
  attempts int4 not null default 0,
  retry_at timestamptz,
  parked_at timestamptz,
  behind int8,
  error text,
  published_at timestamptz
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
create index outbox_waiting on ${s}.outbox (lane, id)
  where published_at is null and parked_at is null;
create index outbox_blocked on ${s}.outbox (topic, key, id)
  where published_at is null and (parked_at is not null or retry_at is not null);
create index outbox_parked on ${s}.outbox (id)
  where published_at is null and parked_at is not null;
create index outbox_behind on ${s}.outbox (behind, id) where behind is not null;
create index outbox_published on ${s}.outbox (published_at) where published_at is not null;

-- Which relay sends the events of which lanes, and until when.
create table ${s}.outbox_lanes (
  lane int2 primary key,
  relay text,
  until timestamptz
) with (fillfactor = 50);
insert into ${s}.outbox_lanes (lane) select generate_series(0, ${LANES - 1});
create table ${s}.outbox_relays (
  relay text primary key,
  until timestamptz not null
) with (fillfactor = 50);

-- Events that a consumer group has handled.
create table ${s}.inbox (
  consumer_group text not null,
  topic text not null,
  event_id text not null,
  handled_at timestamptz not null default now(),
  primary key (consumer_group, topic, event_id)
);
create index inbox_handled on ${s}.inbox (handled_at);

-- Requests with an Idempotency-Key, and what they were answered.
create table ${s}.idempotency (
  scope text not null,
  key text not null,
  fingerprint text not null,
  owner text not null,
  locked_until timestamptz,
  status int4,
  headers json,
  body bytea,
  expires_at timestamptz not null,
  primary key (scope, key)
);
create index idempotency_expires on ${s}.idempotency (expires_at);
`,
    down: `
drop table ${s}.idempotency, ${s}.inbox, ${s}.outbox_relays, ${s}.outbox_lanes, ${s}.outbox;
`,
  }];
}

/** Table, in the schema of the others, that remembers which of these migrations were applied. */
export const MIGRATION_TABLE = "outbox_migrations";
