import assert from "node:assert/strict";
import { test } from "node:test";
import type { CacheDriver } from "../../cache/mod.ts";
import { createDriver } from "../../database/drivers/pglite.ts";
import { type Database, open } from "../../database/mod.ts";
import { PositionSchema } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { until } from "../_until.ts";
import { openFixture, remote } from "./_fixture.ts";

const database: Database = await open({}, { drivers: { pglite: () => ({ createDriver }) } });
await database.sql`create table position (id text primary key, quantity text not null)`;
test.after(() => database.close());

/** A cache over a backend that can be lost, and a row that it keeps. */
async function openRow(id: string) {
  await database.sql`insert into position values (${id}, '1')`;
  const state = { isLost: false, deletions: 0 };
  const fault = (): Promise<void> =>
    state.isLost ? Promise.reject(new Error("ECONNREFUSED")) : Promise.resolve();
  const wrap = (driver: CacheDriver): CacheDriver => {
    const far = remote(driver, fault);
    return { ...far, delete: (keys) => (state.deletions++, far.delete(keys)) };
  };
  const fixture = await openFixture({ wrap });
  const positions = fixture.cache.keyspace(PositionSchema, { name: "p", ttl: "1h" });
  const read = () =>
    positions.getOrLoad(id, async () => {
      const [row] = await database.sql<{ quantity: string }>`
        select quantity from position where id = ${id}`;
      return { quantity: row!.quantity };
    });
  await read();
  return { ...fixture, state, positions, read };
}

test("deleteAfterCommit() deletes once the row is written, so that readers get the new one", async () => {
  const { cache, state, positions, read } = await openRow("committed");
  await database.transaction(async (tx) => {
    await tx.sql`update position set quantity = '2' where id = 'committed'`;
    positions.deleteAfterCommit(tx, ["committed"]);
    // Nobody else has seen the new row yet: the old value stays what it is.
    assert.equal(state.deletions, 0);
    assert.equal((await positions.get("committed"))?.quantity, "1");
  });
  assert.equal(state.deletions, 1);
  assert.equal((await read())?.quantity, "2");
  await cache.close();
});

test("deleteAfterCommit() deletes nothing when the transaction is rolled back", async () => {
  const { cache, state, positions, read } = await openRow("rolled-back");
  const work = database.transaction(async (tx) => {
    await tx.sql`update position set quantity = '2' where id = 'rolled-back'`;
    positions.deleteAfterCommit(tx, ["rolled-back"]);
    throw new Error("no");
  });
  await assert.rejects(work, /^Error: no$/);
  assert.equal(state.deletions, 0);
  assert.equal((await read())?.quantity, "1");
  await cache.close();
});

test("deleteAfterCommit() of a savepoint that is rolled back deletes nothing", async () => {
  const { cache, state, positions } = await openRow("savepoint");
  await database.transaction(async (tx) => {
    await tx.savepoint((inner) => {
      positions.deleteAfterCommit(inner, ["savepoint"]);
      throw new Error("no");
    }).catch(() => {});
  });
  assert.equal(state.deletions, 0);
  await cache.close();
});

test("deleteAfterCommit() tries again while the backend is lost, and the commit stands", async () => {
  const { cache, clock, state, positions, read } = await openRow("retried");
  await database.transaction(async (tx) => {
    await tx.sql`update position set quantity = '2' where id = 'retried'`;
    positions.deleteAfterCommit(tx, ["retried"]);
    state.isLost = true;
  });
  const [row] = await database.sql<{ quantity: string }>`
    select quantity from position where id = 'retried'`;
  assert.equal(row?.quantity, "2");
  assert.equal(state.deletions, 1);
  await clock.advance(350);
  assert.equal(state.deletions, 3);
  state.isLost = false;
  await until(async () => {
    await clock.advance(1000);
    return await positions.get("retried") === undefined;
  });
  assert.equal((await read())?.quantity, "2");
  const { deletions } = state;
  await clock.advance(60_000);
  assert.equal(state.deletions, deletions);
  await cache.close();
});

test("deleteAfterCommit() gives up after a minute, and says so", async () => {
  const { cache, clock, state, positions } = await openRow("given-up");
  await database.transaction((tx) => {
    positions.deleteAfterCommit(tx, ["given-up"]);
    state.isLost = true;
    return Promise.resolve();
  });
  for (let i = 0; i < 30; i++) await clock.advance(5000);
  const { deletions } = state;
  await clock.advance(60_000);
  assert.equal(state.deletions, deletions);
  assert.equal(clock.pending, 0);
  await cache.close();
});
