import assert from "node:assert/strict";
import test from "node:test";
import { duration } from "../../core/mod.ts";
import { open } from "../../database/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { type HandConnection, handDriver, onMock, settle } from "./_fixture.ts";

/** A driver in the test's hands that can listen. */
function listeningDriver() {
  const base = handDriver();
  const lines: { channels: string[]; say: (payload: string) => void; lose: () => void }[] = [];
  const driver = {
    ...base,
    features: { ...base.features, listen: true },
    async connect(options: { readonly signal?: AbortSignal | undefined }) {
      await driver.arrive(options.signal);
      const connection = await base.connect(options) as HandConnection;
      const handlers: ((payload: string) => void)[] = [];
      const line = {
        channels: [] as string[],
        say: (payload: string) => handlers.forEach((handler) => handler(payload)),
        lose: () => {},
      };
      connection.listen = (channel, onMessage, onLost) => {
        line.channels.push(channel);
        handlers.push(onMessage);
        line.lose = () => {
          connection.broken = true;
          onLost();
        };
        return Promise.resolve();
      };
      lines.push(line);
      return connection;
    },
  };
  return { driver, base, lines };
}

async function onListening(logger = testLogger()) {
  const { driver, base, lines } = listeningDriver();
  const clock = fakeClock();
  const db = await open({ driver: "hand" }, {
    clock,
    logger,
    drivers: { hand: () => ({ createDriver: () => driver }) },
  });
  const advance = async (ms: number): Promise<void> => {
    await settle();
    await clock.advance(ms);
    await settle();
  };
  return { db, driver, base, lines, clock, advance, logger };
}

test("listen() uses one connection for all channels, and ends it with the last listener", async () => {
  const { db, base, lines, clock } = await onListening();
  const one = await db.listen("a", () => {});
  const two = await db.listen("b", () => {});
  const three = await db.listen("a", () => {});
  assert.deepEqual(lines.map(({ channels }) => channels), [["a", "b"]]);
  assert.deepEqual(db.pool, { used: 0, idle: 0, waiting: 0, max: 10 });
  await Promise.all([one.close(), two.close()]);
  assert.equal(base.opened[0]?.isClosed, false);
  await three.close();
  assert.equal(base.opened[0]?.isClosed, true);
  assert.equal(clock.pending, 0);
  await db.close();
});

test("listen() notices a connection that answers no more, and tells of the gap", async () => {
  const { db, driver, base, lines, advance, logger } = await onListening();
  let gaps = 0;
  await db.listen("a", () => {}, { onGap: () => void gaps++ });
  base.answer = () => new Promise(() => {});
  await advance(15_000);
  await advance(5000);
  base.answer = () => Promise.resolve({ command: "", count: 0, columns: [], rows: [] });
  await advance(100);
  assert.deepEqual([lines.length, gaps, base.opened[0]?.isClosed], [2, 1, true]);
  logger.expect({ level: "warn", message: /Lost the connection that listens/ });
  logger.expect({ level: "info", message: /Listening again/ });
  assert.equal(driver.name, "hand");
  await db.close();
});

test("listen() tries until the server is back, with growing delays", async () => {
  const { db, driver, lines, advance } = await onListening();
  const heard: string[] = [];
  let gaps = 0;
  await db.listen("a", (payload) => void heard.push(payload), { onGap: () => void gaps++ });
  let attempts = 0;
  driver.arrive = () => {
    attempts++;
    return Promise.reject(Object.assign(new Error("no"), { code: "ECONNREFUSED" }));
  };
  lines[0]!.lose();
  for (let i = 0; i < 60; i++) await advance(1000);
  assert(attempts > 10, String(attempts));
  driver.arrive = () => Promise.resolve();
  for (let i = 0; i < 10; i++) await advance(1000);
  lines.at(-1)!.say("back");
  await settle();
  assert.deepEqual([heard, gaps], [["back"], 1]);
  await db.close();
});

test("listen() waits between attempts when the server takes a connection and drops it", async () => {
  const { db, driver, lines, advance } = await onListening();
  let gaps = 0;
  await db.listen("a", () => {}, { onGap: () => void gaps++ });
  const { connect } = driver;
  driver.connect = async (options) => {
    const connection = await connect(options);
    const listen = connection.listen!;
    connection.listen = async (...args) => {
      await listen(...args);
      connection.broken = lines.length < 20;
    };
    return connection;
  };
  lines[0]!.lose();
  await advance(0);
  assert.equal(lines.length, 2);
  for (let i = 0; i < 25; i++) await advance(5000);
  assert.deepEqual([lines.length, gaps], [20, 1]);
  await db.close();
});

test("listen() keeps 1,000 notifications for a slow handler, and tells of those it lost", async () => {
  const { db, lines } = await onListening();
  const gate = Promise.withResolvers<void>();
  const heard: string[] = [];
  let gaps = 0;
  await db.listen("a", async (payload) => {
    await gate.promise;
    heard.push(payload);
  }, { onGap: () => void gaps++ });
  lines[0]!.say("first");
  await settle();
  for (let i = 0; i < 1500; i++) lines[0]!.say(String(i));
  gate.resolve();
  await settle();
  assert.deepEqual([heard.length, heard[0], heard.at(-1), gaps], [1001, "first", "999", 1]);
  await db.close();
});

test("listen() waits for the handler at work when it is closed, and calls it no more", async () => {
  const { db, lines } = await onListening();
  const gate = Promise.withResolvers<void>();
  const heard: string[] = [];
  const listener = await db.listen("a", async (payload) => {
    await gate.promise;
    heard.push(payload);
  });
  lines[0]!.say("one");
  lines[0]!.say("two");
  await settle();
  let isClosed = false;
  const closing = listener.close().then(() => (isClosed = true));
  await settle();
  assert.equal(isClosed, false);
  gate.resolve();
  await closing;
  assert.deepEqual(heard, ["one"]);
  await db.close();
});

test("listen() whose handler closes its own listener, or the database, ends at once", async () => {
  const { db, lines, clock } = await onListening();
  const ended: string[] = [];
  const listener = await db.listen("a", async () => {
    await listener.close();
    ended.push("listener");
  });
  lines[0]!.say("one");
  await settle();
  await db.listen("b", async () => {
    await db.close();
    ended.push("database");
  });
  lines[1]!.say("two");
  await settle();
  assert.deepEqual([ended, db.pool.max, clock.pending], [["listener", "database"], 0, 0]);
});

test("close() leaves a handler behind that never settles: with its signal, and after ten seconds", async () => {
  for (const end of ["signal", "time"] as const) {
    const { db, lines, advance, logger } = await onListening();
    await db.listen("a", () => new Promise(() => {}));
    lines[0]!.say("one");
    await settle();
    const controller = new AbortController();
    let isClosed = false;
    const closing = db.close({ signal: controller.signal }).then(() => (isClosed = true));
    await advance(9999);
    assert.equal(isClosed, false);
    if (end === "signal") controller.abort();
    else await advance(1);
    await closing;
    logger.expect({ level: "warn", message: /handler is still at work/ });
  }
});

test("listen() fails at once where trying again changes nothing, and with its signal", async () => {
  const { db, driver } = await onListening();
  driver.arrive = () => Promise.reject(Object.assign(new Error("no"), { code: "28P01" }));
  await assert.rejects(db.listen("a", () => {}), { code: "CQI_DATABASE_UNAVAILABLE" });
  driver.arrive = () => new Promise(() => {});
  const controller = new AbortController();
  const waiting = db.listen("a", () => {}, { signal: controller.signal });
  const refused = assert.rejects(waiting, { message: "enough" });
  controller.abort(new Error("enough"));
  await refused;
  await db.close();
  await assert.rejects(db.listen("a", () => {}), { code: "CQI_CLOSED" });
});

test("listen() says when the driver cannot, copyIn falls back to inserts", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  await assert.rejects(db.listen("a", () => {}), { code: "CQI_FEATURE_UNSUPPORTED" });
  mock.expect(`insert into "t" ("a", "b") values ($1, $2), ($3, $4)`, [1, "x", 2, "y"]).count(2);
  assert.equal(await db.copyIn("t", [{ a: 1, b: "x" }, { b: "y", a: 2 }]), 2);
  mock.verify();
});

test("listen() that fails heals the connection for those who listen already, and tells of the gap", async () => {
  const { db, driver, base, lines, advance } = await onListening();
  let gaps = 0;
  const heard: string[] = [];
  await db.listen("a", (payload) => void heard.push(payload), { onGap: () => void gaps++ });
  const stuck = base.opened[0]!;
  stuck.listen = () => new Promise(() => {});
  const refused = assert.rejects(db.listen("b", () => {}), { code: "CQI_DEADLINE_EXCEEDED" });
  await advance(5000);
  await refused;
  await advance(0);
  assert.deepEqual([lines.length, lines[1]?.channels, gaps], [2, ["a"], 1]);
  lines[1]!.say("again");
  await settle();
  assert.deepEqual([heard, stuck.isClosed, driver.opened.length], [["again"], true, 2]);
  await db.close();
});

test("listen() leaves no connection behind that comes after its signal, or after close", async () => {
  for (const end of ["signal", "close"] as const) {
    const { db, driver, base } = await onListening();
    const gate = Promise.withResolvers<void>();
    driver.arrive = () => gate.promise;
    const controller = new AbortController();
    const waiting = db.listen("a", () => {}, { signal: controller.signal });
    const refused = assert.rejects(waiting);
    await settle();
    if (end === "signal") controller.abort(new Error("enough"));
    else await db.close();
    await refused;
    gate.resolve();
    await settle();
    assert.deepEqual(base.opened.map(({ isClosed }) => isClosed), [true], end);
    await db.close();
  }
});

async function* stalledAfter(ready: number): AsyncGenerator<{ a: number }> {
  for (let i = 0; i < ready; i++) yield { a: i };
  await new Promise(() => {});
}

test("copyIn from a source that stalls ends with its signal, and with the time limit", async () => {
  for (const ready of [0, 1]) {
    await using fixture = await onMock({ section: { queryTimeout: duration("2s") } });
    const { db, clock } = fixture;
    const controller = new AbortController();
    const { signal } = controller;
    const called = assert.rejects(db.copyIn("t", stalledAfter(ready), { signal }), {
      message: "enough",
    });
    await settle();
    controller.abort(new Error("enough"));
    await called;
    const late = assert.rejects(db.copyIn("t", stalledAfter(ready)), {
      code: "CQI_DATABASE_TIMEOUT",
      message: /source gave none for 2000 ms/,
    });
    await clock.advance(2000);
    await late;
    assert.equal(db.pool.used, 0);
  }
});
