import { hex } from "../internal/ids.ts";
import { shapeOf } from "../internal/options.ts";
import { type Migration, migrationError } from "./migration.ts";

/** A migration with the checksum of its text. */
export interface Known extends Migration {
  readonly checksum: string;
}

/** A row of the table that remembers. */
export interface Applied {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

/** The next thing to do. */
export type Step =
  | { readonly kind: "apply"; readonly migration: Known }
  | { readonly kind: "revert"; readonly migration: Known & { readonly down: string } };

// Line ends differ between checkouts of one file.
async function checksumOf(sql: string): Promise<string> {
  const bytes = new TextEncoder().encode(sql.replaceAll("\r\n", "\n"));
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** Checks a list of migrations, orders it and computes its checksums. */
export async function prepare(migrations: readonly Migration[]): Promise<readonly Known[]> {
  const seen = new Set<number>();
  for (const { version, name, sql, down } of migrations) {
    const label = `migration ${version}`;
    if (!Number.isSafeInteger(version) || version < 1) {
      throw migrationError(`${label} has no whole number from 1 as its version`);
    }
    if (seen.has(version)) throw migrationError(`two migrations have version ${version}`);
    seen.add(version);
    if (typeof name !== "string" || name === "" || name.length > 200) {
      throw migrationError(`${label} must have a name of 1 to 200 characters`);
    }
    for (const text of down === undefined ? [sql] : [sql, down]) {
      if (typeof text !== "string") {
        throw migrationError(
          `${label} '${name}' has SQL that is ${shapeOf(text)}, wanted a string`,
        );
      }
      if (text.trim() === "") throw migrationError(`${label} '${name}' has no SQL`);
      if (text.includes("\0") || !text.isWellFormed()) {
        throw migrationError(`${label} '${name}' has a NUL character or broken Unicode`);
      }
    }
  }
  const known = await Promise.all(
    migrations.map(async (migration) => ({
      ...migration,
      checksum: await checksumOf(migration.sql),
    })),
  );
  return known.sort((a, b) => a.version - b.version);
}

/** Checks that the past is what the program believes it is. */
export function verify(known: readonly Known[], applied: readonly Applied[]): void {
  const byVersion = new Map(known.map((migration) => [migration.version, migration]));
  const newest = known.at(-1)?.version ?? 0;
  for (const { version, name, checksum } of applied) {
    const migration = byVersion.get(version);
    if (migration === undefined) {
      // A newer release has been here: while releases roll over, an older one may start.
      if (version > newest) continue;
      throw migrationError(`migration ${version} '${name}' is applied and is not in the list`, {
        version,
      });
    }
    if (migration.checksum !== checksum) {
      throw migrationError(
        `migration ${version} '${name}' was edited after it was applied; restore its text and ` +
          "add a new migration",
        { version, name, applied: checksum, current: migration.checksum },
      );
    }
  }
  const last = applied.at(-1)?.version ?? 0;
  const done = new Set(applied.map(({ version }) => version));
  const late = known.find(({ version }) => version < last && !done.has(version));
  if (late !== undefined) {
    throw migrationError(
      `migration ${late.version} '${late.name}' comes before ${last}, which is applied; give it ` +
        "a later version",
      { version: late.version },
    );
  }
}

/** What to do next to get to a version; undefined when there. */
export function nextStep(
  known: readonly Known[],
  applied: readonly Applied[],
  to: number,
): Step | undefined {
  const last = applied.at(-1);
  if (last !== undefined && last.version > to) {
    const migration = known.find(({ version }) => version === last.version);
    if (migration?.down === undefined) {
      throw migrationError(
        `migration ${last.version} '${last.name}' cannot be undone: it has no 'down'`,
        { version: last.version },
      );
    }
    return { kind: "revert", migration: { ...migration, down: migration.down } };
  }
  const next = known.find(({ version }) => version > (last?.version ?? 0) && version <= to);
  return next === undefined ? undefined : { kind: "apply", migration: next };
}
