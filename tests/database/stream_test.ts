import assert from "node:assert/strict";
import test from "node:test";
import type { DriverResult } from "../../database/mod.ts";
import { open } from "../../database/mod.ts";
import { handDriver, onHand, settle } from "./_fixture.ts";

const BATCHES = 120;

test("query.stream() lets go of each batch when the next one is read", async () => {
  const base = handDriver();
  const driver = { ...base, features: { ...base.features, cursors: true } };
  const refs: WeakRef<DriverResult>[] = [];
  base.answer = (text) => {
    const isMore = text.startsWith("fetch") && refs.length < BATCHES;
    const batch = {
      command: "FETCH",
      count: 1,
      columns: [],
      rows: isMore ? [[]] : [],
      // Large, so that memory runs short enough for the runtime to look what is still used.
      ballast: isMore ? new Array(500_000).fill(refs.length) : [],
    };
    if (isMore) refs.push(new WeakRef(batch));
    return Promise.resolve(batch);
  };
  await using db = await open({ driver: "hand" }, {
    drivers: { hand: () => ({ createDriver: () => driver }) },
  });
  for await (const _ of db.sql`select 1`.stream({ batchSize: 1 })) await settle();
  const kept = refs.filter((ref) => ref.deref() !== undefined).length;
  assert.equal(refs.length, BATCHES);
  assert.ok(kept < BATCHES * 0.75, `${kept} of ${BATCHES} batches are still in memory`);
});

test("query.stream() tells a reader that was busy when the transaction was aborted", async () => {
  const base = handDriver();
  const driver = { ...base, features: { ...base.features, cursors: true } };
  base.answer = (text) =>
    Promise.resolve({
      command: "FETCH",
      count: 1,
      columns: [],
      rows: text.startsWith("fetch") ? [[]] : [],
    });
  await using db = await open({ driver: "hand" }, {
    drivers: { hand: () => ({ createDriver: () => driver }) },
  });
  const controller = new AbortController();
  const rows = db.sql`select 1`.with({ signal: controller.signal }).stream({ batchSize: 1 });
  await rows.next();
  controller.abort(new Error("gone"));
  await settle();
  await assert.rejects(() => rows.next(), { message: "gone" });
});

test("query.stream() that is dropped half read gives its place back when the server ends it", async () => {
  const { db, driver } = await onHand({ maxConns: 1 });
  Object.assign(driver.features, { cursors: true });
  const answer = driver.answer;
  driver.answer = async (text, signal) =>
    text.startsWith("fetch") ? { ...await answer(text, signal), rows: [[]] } : answer(text, signal);
  await db.sql`select 1`.stream({ batchSize: 1 }).next();
  assert.equal(db.pool.used, 1);
  const next = db.sql`select 2`.rows();
  const lost = driver.opened[0]!;
  lost.broken = true;
  lost.onLost?.();
  lost.onLost?.();
  await next;
  assert.deepEqual(db.pool, { used: 0, idle: 1, waiting: 0, max: 1 });
  await db.close();
});
