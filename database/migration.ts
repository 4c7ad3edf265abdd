import type { WaitOptions } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";

/** One step of a schema's history. Once applied anywhere it is never edited. */
export interface Migration {
  /** Number that orders the steps, 1 or more, unique. */
  readonly version: number;
  /** What it does, for people, such as `create_positions`. */
  readonly name: string;
  /**
   * Any number of statements, which run in one transaction: no `begin` and `commit` of its own, and
   * nothing that PostgreSQL refuses in a transaction, such as `create index concurrently`.
   */
  readonly sql: string;
  /** Undoes it. Without it the step cannot be undone. */
  readonly down?: string;
}

/** How migrations are run. */
export interface MigrateOptions extends WaitOptions {
  /** Says what would be done, and checks what was; writes nothing. @default {false} */
  readonly dryRun?: boolean;
  /**
   * Version to stop at: later ones are not applied, and those that are applied are undone.
   * @default {the last one}
   */
  readonly to?: number;
  /** Schema of the table that remembers. @default {the first of the search path} */
  readonly schema?: string;
  /** Table that remembers. @default {"cqi_migrations"} */
  readonly table?: string;
}

/** A step, without its SQL. */
export interface MigrationStep {
  /** Its number. */
  readonly version: number;
  /** What it does. */
  readonly name: string;
}

/** What was done, or would be in a dry run. */
export interface MigrationReport {
  /** Steps that were applied, in order. */
  readonly applied: readonly MigrationStep[];
  /** Steps that were undone, in order. */
  readonly reverted: readonly MigrationStep[];
  /** Version of the schema before, 0 for none. */
  readonly from: number;
  /** Version of the schema now (in a dry run: afterwards). */
  readonly version: number;
}

/** A migration that cannot be. */
export function migrationError(what: string, details: Record<string, unknown> = {}): CqiError {
  return new CqiError("CQI_DATABASE_MIGRATION", `Cannot migrate: ${what}`, { details });
}

const FILE_REGEXP = /^(\d{1,15})[_-]([A-Za-z0-9_.-]+?)(\.up|\.down)?\.sql$/;

/**
 * Makes migrations of files by their names: `0001_create_positions.sql`, and beside it, where it
 * can be undone, `0001_create_positions.down.sql`. Other names are refused, so that no file is
 * passed over by a slip.
 *
 * @param files File name, without a folder, to text.
 *
 * @example
 * ```ts
 * import { migrationsOf } from "@cq/cqi/database";
 * import assert from "node:assert/strict";
 *
 * const [first] = migrationsOf({
 *   "0001_create_venues.sql": "create table venues (id text primary key)",
 *   "0001_create_venues.down.sql": "drop table venues",
 * });
 * assert.equal(first?.version, 1);
 * assert.equal(first?.name, "create_venues");
 * assert.equal(first?.down, "drop table venues");
 * ```
 */
export function migrationsOf(files: Readonly<Record<string, string>>): readonly Migration[] {
  const ups = new Map<number, Migration>();
  const downs = new Map<number, { readonly name: string; readonly sql: string }>();
  for (const [file, sql] of Object.entries(files)) {
    const match = FILE_REGEXP.exec(file);
    if (match === null) {
      throw migrationError(
        `file '${file.slice(0, 100)}' is not named like '0001_create_positions.sql'`,
      );
    }
    const version = Number(match[1]);
    const name = match[2]!;
    const table: Map<number, unknown> = match[3] === ".down" ? downs : ups;
    if (table.has(version)) throw migrationError(`two files have version ${version}`);
    table.set(version, { version, name, sql });
  }
  for (const [version, down] of downs) {
    const up = ups.get(version);
    if (up === undefined) throw migrationError(`version ${version} has a '.down.sql' file alone`);
    ups.set(version, { ...up, down: down.sql });
  }
  return [...ups.values()].sort((a, b) => a.version - b.version);
}
