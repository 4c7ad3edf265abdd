import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { migrate, type Migration, migrationsOf, readMigrations } from "../../database/mod.ts";
import { onMock } from "./_fixture.ts";

test("migrationsOf() orders by number, not by name", () => {
  const files = { "10_b.sql": "b", "9_a.sql": "a", "0011-c.up.sql": "c" };
  assert.deepEqual(
    migrationsOf(files).map(({ version, name, sql }) => [version, name, sql]),
    [[9, "a", "a"], [10, "b", "b"], [11, "c", "c"]],
  );
});

for (
  const [what, files] of Object.entries({
    "a name without a number": { "create.sql": "x" },
    "two files of one number": { "1_a.sql": "x", "01_b.sql": "x" },
    "a way back alone": { "1_a.down.sql": "x" },
    "a path": { "../1_a.sql": "x" },
    "a number that is too long": { "1234567890123456_a.sql": "x" },
  })
) {
  test(`migrationsOf() refuses ${what}`, () => {
    assert.throws(() => migrationsOf(files as Record<string, string>), {
      code: "CQI_DATABASE_MIGRATION",
    });
  });
}

const ok: Migration = { version: 1, name: "a", sql: "select 1" };

for (
  const [what, migrations] of Object.entries({
    "version 0": [{ ...ok, version: 0 }],
    "a broken version": [{ ...ok, version: 1.5 }],
    "two of one version": [ok, ok],
    "no name": [{ ...ok, name: "" }],
    "a name that is no text": [{ ...ok, name: 7 as unknown as string }],
    "SQL that is no text": [{ ...ok, sql: new Uint8Array(1) as unknown as string }],
    "no member for SQL": [{ version: 1, name: "a" } as unknown as Migration],
    "a way back that is no text": [{ ...ok, down: null as unknown as string }],
    "no SQL": [{ ...ok, sql: " \n" }],
    "an empty way back": [{ ...ok, down: "" }],
    "NUL": [{ ...ok, sql: "select '\0'" }],
  })
) {
  test(`migrate() refuses ${what} before it asks the database`, async () => {
    await using fixture = await onMock();
    await assert.rejects(migrate(fixture.db, migrations), { code: "CQI_DATABASE_MIGRATION" });
    assert.deepEqual(fixture.mock.calls, []);
  });
}

test("migrate() refuses a database that is not what open gave", async () => {
  await using fixture = await onMock();
  await assert.rejects(migrate({ ...fixture.db }, [ok]), { code: "CQI_OPTION_INVALID" });
});

test("migrate() refuses table names that PostgreSQL would cut", async () => {
  await using fixture = await onMock();
  await assert.rejects(migrate(fixture.db, [ok], { schema: "s", table: "x".repeat(64) }), {
    code: "CQI_DATABASE_IDENTIFIER_INVALID",
  });
});

test("migrate() stops at its signal, with the signal's reason", async () => {
  await using fixture = await onMock();
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(migrate(fixture.db, [ok], { signal }), { message: "enough" });
});

test("readMigrations() reads the .sql files of a folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cqi-migrations-"));
  try {
    await writeFile(join(folder, "0001_first.sql"), "select 1");
    await writeFile(join(folder, "0001_first.down.sql"), "select 0");
    await writeFile(join(folder, "README.md"), "about");
    assert.deepEqual(await readMigrations(folder), [
      { version: 1, name: "first", sql: "select 1", down: "select 0" },
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("readMigrations() refuses a folder that is not there", async () => {
  await assert.rejects(readMigrations("/nowhere/at/all"), { code: "CQI_DATABASE_MIGRATION" });
});

test("readMigrations() refuses a file that is not UTF-8", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cqi-migrations-"));
  try {
    await writeFile(join(folder, "0001_first.sql"), new Uint8Array([0xff, 0xfe]));
    await assert.rejects(readMigrations(folder), { message: /0001_first\.sql.*UTF-8/ });
  } finally {
    await rm(folder, { recursive: true });
  }
});
