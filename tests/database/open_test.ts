import assert from "node:assert/strict";
import test from "node:test";
import { duration } from "../../core/mod.ts";
import { open } from "../../database/mod.ts";
import { onHand, onMock } from "./_fixture.ts";

test("open() picks pglite by default", async () => {
  const names: string[] = [];
  const driver = new Error("loaded");
  const drivers = {
    pglite: () => {
      names.push("pglite");
      throw driver;
    },
  };
  await assert.rejects(open({}, { drivers }), (error) => error === driver);
  assert.deepEqual(names, ["pglite"]);
});

test("open() refuses a driver that nobody handed in, and lists those that it knows", async () => {
  await assert.rejects(
    open({ driver: "oracle" }, { drivers: { mock: () => Promise.reject() } }),
    { code: "CQI_DATABASE_DRIVER_UNKNOWN", message: /'oracle'.*'mock'/ },
  );
});

test("open() lists all that is wrong with its configuration", async () => {
  const wrong = open({ driver: "No Such", maxConns: 0, queryTimeout: duration(0) });
  await assert.rejects(wrong, (error: Error & { code?: string; details?: unknown }) => {
    assert.equal(error.code, "CQI_CONTRACT_INVALID");
    const { violations } = error.details as { violations: unknown[] };
    assert.equal(violations.length, 3);
    return true;
  });
});

test("open() refuses min_conns above max_conns", async () => {
  await assert.rejects(open({ minConns: 3, maxConns: 2 }), { code: "CQI_CONTRACT_INVALID" });
});

test("open() refuses an ambient mode that is none", async () => {
  const ambient = "strict" as "join";
  await assert.rejects(open({}, { ambient }), { code: "CQI_OPTION_INVALID" });
});

test("open() connects to nothing", async () => {
  const { db, driver } = await onHand();
  assert.deepEqual([driver.opened, db.driver], [[], "hand"]);
  await db.close();
});

test("database closes at the end of its block, and closing again does nothing", async () => {
  const { db, driver } = await onHand();
  {
    await using inner = db;
    await inner.sql`select 1`;
  }
  assert.equal(driver.isClosed, true);
  await Promise.all([db.close(), db.close()]);
  await assert.rejects(db.transaction(() => 1), { code: "CQI_CLOSED" });
});

test("database.check() ends with its signal", async () => {
  await using fixture = await onMock();
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(fixture.db.check({ signal }), { message: "enough" });
});

test("database.check() is down when a query fails, and says why without secrets", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select 1").fails("57P03");
  const report = await fixture.db.check();
  assert.deepEqual([report.status, report.message], [
    "down",
    "Cannot run query 'health': cannot_connect_now (SQLSTATE 57P03)",
  ]);
});

test("database.check() gives up after two seconds", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select 1").delay("1h");
  const report = fixture.db.check();
  await fixture.clock.advance(2000);
  assert.equal((await report).status, "down");
});

test("database.check() may be asked inside a transaction", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select 1").rows([{ a: 1 }]);
  const report = await fixture.db.transaction(() => fixture.db.check());
  assert.equal(report.status, "ok");
});
