import assert from "node:assert/strict";
import test from "node:test";
import { duration } from "../../core/mod.ts";
import { keepingMetrics, onHand, settle } from "./_fixture.ts";

/** Starts a transaction that holds its connection until it is let go. */
function hold(db: Awaited<ReturnType<typeof onHand>>["db"]) {
  const gate = Promise.withResolvers<void>();
  return { done: db.transaction(() => gate.promise), release: gate.resolve };
}

test("pool opens no more connections than max_conns", async () => {
  const { db, driver } = await onHand({ maxConns: 3 });
  await Promise.all(Array.from({ length: 30 }, () => db.sql`select 1`));
  assert.equal(driver.opened.length, 3);
  assert.deepEqual(db.pool, { used: 0, idle: 3, waiting: 0, max: 3 });
  await db.close();
});

test("pool refuses after acquire_timeout, and says what holds it", async () => {
  const { db, clock } = await onHand({ maxConns: 1, acquireTimeout: duration("2s") });
  const held = hold(db);
  await settle();
  const waiting = db.sql`select 1`.rows();
  const refused = assert.rejects(waiting, {
    code: "CQI_DATABASE_POOL_EXHAUSTED",
    message: /all 1 stayed in use for 2000 ms/,
  });
  await clock.advance(1999);
  assert.equal(db.pool.waiting, 1);
  await clock.advance(1);
  await refused;
  assert.equal(db.pool.waiting, 0);
  held.release();
  await held.done;
  await db.close();
});

test("pool serves callers in the order in which they came", async () => {
  const { db } = await onHand({ maxConns: 1 });
  const held = hold(db);
  await settle();
  const order: number[] = [];
  const calls = [1, 2, 3].map((i) => db.sql`select 1`.rows().then(() => order.push(i)));
  held.release();
  await Promise.all([held.done, ...calls]);
  assert.deepEqual(order, [1, 2, 3]);
  await db.close();
});

test("pool that can open no more serves a caller who waits for that with one that gets free", async () => {
  const { db, driver, clock } = await onHand({ maxConns: 2, connectTimeout: duration("5s") });
  const held = hold(db);
  await settle();
  const gate = Promise.withResolvers<void>();
  driver.arrive = () => gate.promise;
  const first = assert.rejects(db.sql`select 1`.rows(), { code: "CQI_DATABASE_UNAVAILABLE" });
  await clock.advance(5000);
  await first;
  const order: number[] = [];
  const calls = [1, 2, 3].map((i) => db.sql`select 1`.rows().then(() => order.push(i)));
  await settle();
  held.release();
  await Promise.all([held.done, ...calls]);
  assert.deepEqual([order, driver.opened.length], [[1, 2, 3], 1]);
  gate.resolve();
  await settle();
  assert.deepEqual(db.pool, { used: 0, idle: 2, waiting: 0, max: 2 });
  await db.close();
});

test("pool forgets a caller whose signal aborts, and keeps the connection", async () => {
  const { db, driver, clock } = await onHand({ maxConns: 1 });
  const held = hold(db);
  await settle();
  const controller = new AbortController();
  const waiting = db.sql`select 1`.with({ signal: controller.signal }).rows();
  controller.abort(new Error("gone"));
  await assert.rejects(waiting, { message: "gone" });
  assert.equal(db.pool.waiting, 0);
  held.release();
  await held.done;
  await db.sql`select 2`;
  assert.equal(driver.opened.length, 1);
  assert.equal(clock.pending, 1, "the sweep of idle connections alone");
  await db.close();
});

test("pool keeps a connection that comes after its caller has gone", async () => {
  const { db, driver } = await onHand({ maxConns: 1 });
  const gate = Promise.withResolvers<void>();
  driver.arrive = () => gate.promise;
  const controller = new AbortController();
  const waiting = db.sql`select 1`.with({ signal: controller.signal }).rows();
  await settle();
  controller.abort(new Error("gone"));
  await assert.rejects(waiting, { message: "gone" });
  gate.resolve();
  await settle();
  assert.deepEqual(db.pool, { used: 0, idle: 1, waiting: 0, max: 1 });
  await db.close();
});

test("pool throws a broken connection away and opens another", async () => {
  const { db, driver } = await onHand({ maxConns: 1 });
  driver.answer = () => {
    driver.opened[0]!.broken = true;
    return Promise.reject(Object.assign(new Error("reset"), { code: "ECONNRESET" }));
  };
  await assert.rejects(db.sql`select 1`.rows(), { code: "CQI_DATABASE_UNAVAILABLE" });
  driver.answer = () => Promise.resolve({ command: "SELECT", count: 0, columns: [], rows: [] });
  await db.sql`select 1`;
  assert.deepEqual([driver.opened.length, driver.opened[0]?.isClosed], [2, true]);
  await db.close();
});

test("pool forgets an idle connection when it is lost, and opens what min_conns asks for", async () => {
  const values: Record<string, number> = {};
  const { db, driver } = await onHand({ maxConns: 3, minConns: 1 }, {
    metrics: keepingMetrics(values),
  });
  await Promise.all([db.sql`select 1`, db.sql`select 1`, db.sql`select 1`]);
  assert.equal(db.pool.idle, 3);
  for (const connection of driver.opened.slice()) {
    connection.broken = true;
    connection.onLost?.();
  }
  await settle();
  assert.deepEqual([db.pool.idle, values["db_pool_connections{idle}"]], [1, 1]);
  assert.equal(driver.opened.length, 4);
  await db.close();
});

test("pool replaces a connection at max_conn_lifetime", async () => {
  const { db, driver, clock } = await onHand({ maxConnLifetime: duration("1m") });
  await db.sql`select 1`;
  await clock.advance(60_000);
  await db.sql`select 1`;
  assert.deepEqual([driver.opened.length, driver.opened[0]?.isClosed], [2, true]);
  await db.close();
});

test("pool closes what is idle for max_conn_idle_time, down to min_conns", async () => {
  const { db, driver, clock } = await onHand({
    maxConns: 5,
    minConns: 2,
    maxConnIdleTime: duration("10s"),
  });
  await Promise.all(Array.from({ length: 5 }, () => db.sql`select 1`));
  assert.equal(db.pool.idle, 5);
  await clock.advance(20_000);
  assert.equal(db.pool.idle, 2);
  assert.equal(driver.opened.filter((connection) => connection.isClosed).length, 3);
  await db.close();
  assert.equal(clock.pending, 0);
});

test("pool opens min_conns by itself", async () => {
  const { db, driver } = await onHand({ minConns: 2 });
  await settle();
  assert.equal(driver.opened.length, 2);
  assert.deepEqual(db.pool, { used: 0, idle: 2, waiting: 0, max: 10 });
  await db.close();
});

test("pool tries min_conns again by itself when the server was not there", async () => {
  const { db, driver, clock } = await onHand({ minConns: 1 });
  await settle();
  driver.arrive = () => Promise.reject(Object.assign(new Error("no"), { code: "ECONNREFUSED" }));
  const query = db.sql`select 1`.rows();
  driver.opened[0]!.broken = true;
  await query;
  await clock.advance(10_000);
  assert.equal(db.pool.idle, 0);
  driver.arrive = () => Promise.resolve();
  await clock.advance(10_000);
  assert.equal(db.pool.idle, 1);
  await db.close();
  assert.equal(clock.pending, 0);
});

test("pool gives up connecting at connect_timeout and closes what comes too late", async () => {
  const { db, driver, clock } = await onHand({ connectTimeout: duration("1s") });
  const gate = Promise.withResolvers<void>();
  driver.arrive = () => gate.promise;
  const refused = assert.rejects(db.sql`select 1`.rows(), {
    code: "CQI_DATABASE_UNAVAILABLE",
    retryable: true,
  });
  await clock.advance(1000);
  await refused;
  gate.resolve();
  await settle();
  assert.deepEqual(driver.opened.map((connection) => connection.isClosed), [true]);
  await db.close();
});

const refusing = () => Promise.reject(Object.assign(new Error("no"), { code: "ECONNREFUSED" }));

test("pool waits for a server that is not there until connect_timeout, and says why", async () => {
  const { db, driver, clock } = await onHand({ maxConns: 1 });
  driver.arrive = refusing;
  const calls = Promise.allSettled([db.sql`select 1`, db.sql`select 2`]);
  await clock.advance(5000);
  await clock.advance(5000);
  assert.deepEqual(
    (await calls).map((call) =>
      call.status === "rejected" && [call.reason.code, call.reason.retryable]
    ),
    Array(2).fill(["CQI_DATABASE_UNAVAILABLE", true]),
  );
  const report = await db.check();
  assert.deepEqual([report.status, /ECONNREFUSED/.test(report.message ?? "")], ["down", true]);
  await db.close();
});

test("pool serves the calls that waited when the server comes up", async () => {
  const { db, driver, clock } = await onHand({ maxConns: 3 });
  driver.arrive = refusing;
  const calls = Promise.all([db.sql`select 1`, db.sql`select 2`, db.sql`select 3`]);
  await clock.advance(1000);
  driver.arrive = () => Promise.resolve();
  await clock.advance(500);
  await calls;
  assert.equal((await db.check()).status, "ok");
  await db.close();
  assert.equal(clock.pending, 0);
});

test("pool fails at once when connecting again changes nothing", async () => {
  const { db, driver } = await onHand();
  const failures = [{ code: "28P01" }, { code: "3D000" }, { code: "BAD_CERT", retryable: false }];
  for (const failure of failures) {
    driver.arrive = () => Promise.reject(Object.assign(new Error("no"), failure));
    await assert.rejects(db.sql`select 1`.rows(), {
      code: "CQI_DATABASE_UNAVAILABLE",
      retryable: false,
    });
  }
  await db.close();
});

test("pool that may open no more takes a session that another gave back", async () => {
  const { db, driver, clock } = await onHand({ maxConns: 2 });
  const held = hold(db);
  await settle();
  driver.arrive = () => Promise.reject(Object.assign(new Error("full"), { code: "53300" }));
  const waiting = db.sql`select 1`.rows();
  await settle();
  held.release();
  await held.done;
  await clock.advance(100);
  await waiting;
  assert.equal(driver.opened.length, 1);
  await db.close();
});

test("pool stops trying to connect when its caller has gone", async () => {
  const { db, driver, clock } = await onHand();
  let attempts = 0;
  driver.arrive = () => {
    attempts++;
    return refusing();
  };
  const controller = new AbortController();
  const waiting = db.sql`select 1`.with({ signal: controller.signal }).rows();
  await settle();
  controller.abort(new Error("gone"));
  await assert.rejects(waiting, { message: "gone" });
  await clock.advance(2000);
  assert.equal(attempts, 1);
  await db.close();
});

test("pool asks a connection that was idle for long whether it still answers", async () => {
  const { db, driver, clock } = await onHand({ maxConns: 1 });
  await db.sql`select 1`;
  await clock.advance(20_000);
  driver.answer = (_text, signal) =>
    new Promise((_resolve, reject) =>
      signal?.addEventListener("abort", () => reject(signal.reason))
    );
  const waiting = db.sql`select 2`.rows();
  await settle();
  driver.answer = () => Promise.resolve({ command: "SELECT", count: 0, columns: [], rows: [] });
  await clock.advance(1000);
  await waiting;
  assert.deepEqual([driver.opened.length, driver.opened[0]?.isClosed], [2, true]);
  await db.close();
});

test("pool refuses with CQI_CLOSED what waits for a server when it is closed", async () => {
  const { db, driver } = await onHand();
  driver.arrive = refusing;
  const refused = assert.rejects(db.sql`select 1`.rows(), { code: "CQI_CLOSED" });
  await settle();
  await db.close();
  await refused;
});

test("pool is degraded, not down, when all connections are in use", async () => {
  const { db } = await onHand({ maxConns: 1 });
  const held = hold(db);
  await settle();
  const report = await db.check();
  assert.deepEqual([report.status, report.details?.connections_used], ["degraded", "1"]);
  held.release();
  await held.done;
  await db.close();
});

test("pool's gauges add up, under load and after closing", async () => {
  const values: Record<string, number> = {};
  const { db } = await onHand({ maxConns: 2 }, { metrics: keepingMetrics(values) });
  const held = [hold(db), hold(db)];
  await settle();
  const waiting = db.sql`select 1`.rows();
  await settle();
  const gauge = (state: string) => values[`db_pool_connections{${state}}`] ?? 0;
  const states = () => ["used", "idle", "waiting", "max"].map(gauge);
  assert.deepEqual(states(), [2, 0, 1, 2]);
  for (const each of held) each.release();
  await Promise.all([waiting, ...held.map((each) => each.done)]);
  assert.deepEqual(states(), [0, 2, 0, 2]);
  await db.close();
  assert.deepEqual(states(), [0, 0, 0, 0]);
});

test("close refuses who waits, lets finish who works, and closes the driver last", async () => {
  const { db, driver } = await onHand({ maxConns: 1 });
  const held = hold(db);
  await settle();
  const refused = assert.rejects(db.sql`select 1`.rows(), { code: "CQI_CLOSED" });
  const closing = db.close();
  await refused;
  assert.equal(driver.isClosed, false);
  held.release();
  await held.done;
  await closing;
  assert.deepEqual([driver.isClosed, driver.opened[0]?.isClosed], [true, true]);
  assert(driver.sent.includes("commit"));
});

test("close waits ten seconds for work and then closes under it", async () => {
  const { db, driver, clock } = await onHand({ maxConns: 1 });
  const held = hold(db);
  await settle();
  let closed = false;
  const closing = db.close().then(() => (closed = true));
  await clock.advance(9999);
  assert.equal(closed, false);
  await clock.advance(1);
  await closing;
  assert.equal(driver.opened[0]?.isClosed, true);
  held.release();
  await held.done.catch(() => {});
});

test("close is cut short by its signal, and closes all the same", async () => {
  const { db, driver } = await onHand({ maxConns: 1 });
  const held = hold(db);
  await settle();
  await db.close({ signal: AbortSignal.abort(new Error("now")) });
  assert.deepEqual([driver.isClosed, driver.opened[0]?.isClosed], [true, true]);
  held.release();
  await held.done.catch(() => {});
});

test("close ends a connection that comes while it closes, and refuses who waits for it", async () => {
  const { db, driver } = await onHand({ maxConns: 2, minConns: 1 });
  const gate = Promise.withResolvers<void>();
  await settle();
  driver.arrive = () => gate.promise;
  const held = hold(db);
  const refused = assert.rejects(db.sql`select 1`.rows(), { code: "CQI_CLOSED" });
  await settle();
  const closing = db.close({ signal: AbortSignal.abort() });
  await refused;
  await closing;
  gate.resolve();
  await settle();
  held.release();
  await held.done.catch(() => {});
  assert.deepEqual(driver.opened.map(({ isClosed }) => isClosed), [true, true]);
  assert(!driver.sent.includes("select 1"));
});

test("pool opens no spare connection while the server still has those that leave", async () => {
  const { db, driver } = await onHand({ maxConns: 2, minConns: 2 });
  await settle();
  const gate = Promise.withResolvers<void>();
  let open = driver.opened.length;
  let most = open;
  for (const connection of driver.opened) {
    const close = connection.close;
    connection.close = async () => {
      await gate.promise;
      open--;
      await close();
    };
  }
  driver.arrive = () => {
    most = Math.max(most, ++open);
    return Promise.resolve();
  };
  const held = [hold(db), hold(db)];
  await settle();
  for (const connection of driver.opened.slice()) connection.broken = true;
  const lost = held.map(({ done, release }) => {
    release();
    return assert.rejects(done);
  });
  driver.answer = () => Promise.reject(Object.assign(new Error("lost"), { code: "ECONNRESET" }));
  await settle();
  driver.answer = () => Promise.resolve({ command: "", count: 0, columns: [], rows: [] });
  gate.resolve();
  await Promise.all(lost);
  await settle();
  assert.deepEqual([most, open, db.pool.idle], [2, 2, 2]);
  await db.close();
});

test("database.check() is down while no connection can be opened, however many calls wait", async () => {
  const { db, driver, clock } = await onHand({ maxConns: 2, connectTimeout: duration("60s") });
  driver.arrive = () => Promise.reject(Object.assign(new Error(), { code: "ECONNREFUSED" }));
  const calls = Array.from({ length: 8 }, () => assert.rejects(db.sql`select 1`.rows()));
  await settle();
  assert.equal(db.pool.used, 2, "connecting");
  const report = db.check();
  await clock.advance(2000);
  const { status, message } = await report;
  assert.deepEqual([status, /ECONNREFUSED/.test(message ?? "")], ["down", true]);
  await db.close({ signal: AbortSignal.abort() });
  await Promise.all(calls);
});
