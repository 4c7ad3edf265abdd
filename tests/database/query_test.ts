import assert from "node:assert/strict";
import test from "node:test";
import { duration } from "../../core/mod.ts";
import { sql } from "../../database/mod.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { keepingMetrics, keepingTracer, onHand, onMock, settle } from "./_fixture.ts";

test("query's span has its text with placeholders and no value", async () => {
  const tracer = keepingTracer();
  await using fixture = await onMock({ tracer });
  fixture.mock.expect(/select/).rows([{ a: 1 }, { a: 2 }]);
  await fixture.db.sql`select a from t
    where secret = ${"s3cret"}`.with({ name: "load_secret" });
  assert.deepEqual(tracer.spans.map((span) => [span.name, span.attributes]), [[
    "db load_secret",
    {
      "db.system.name": "postgresql",
      "db.namespace": "mock",
      "db.operation.name": "load_secret",
      "db.query.text": "select a from t where secret = $1",
      "db.response.returned_rows": 2,
    },
  ]]);
});

test("query's span names the SQLSTATE and our code when it fails", async () => {
  const tracer = keepingTracer();
  await using fixture = await onMock({ tracer });
  fixture.mock.expect(/insert/).fails("23505");
  await assert.rejects(fixture.db.sql`insert into t values (1)`.rows());
  const { attributes } = tracer.spans[0]!;
  assert.deepEqual(
    [attributes["db.response.status_code"], attributes["error.type"]],
    ["23505", "CQI_DATABASE_CONSTRAINT"],
  );
});

test("query's metric is labelled by operation, never by text", async () => {
  const values: Record<string, number> = {};
  await using fixture = await onMock({ metrics: keepingMetrics(values), ordered: false });
  const { db, mock } = fixture;
  mock.expect(/./).times(Infinity);
  await db.sql`  -- comment
    SELECT 1`;
  await db.sql`/* x */ insert into t values (1)`;
  await db.sql`vacuum`;
  await db.sql`select 2`.with({ name: "mine" });
  const seen = Object.keys(values).filter((key) => key.startsWith("db_query"));
  assert.deepEqual(
    seen.sort(),
    ["insert", "mine", "other", "select"].map((name) => `db_query_duration_seconds{${name}}`),
  );
});

test("query that is slow is logged without its values", async () => {
  const logger = testLogger();
  await using fixture = await onMock({ logger, section: { slowQueryThreshold: duration("1s") } });
  const { db, mock, clock } = fixture;
  mock.expect(/fast/).delay(999);
  mock.expect(/slow/).delay(1000);
  const fast = db.sql`select 'fast' where ${"s3cret"} = ''`.rows();
  await clock.advance(999);
  await fast;
  logger.expectNone({ message: /Slow/ });
  const slow = db.sql`select 'slow' where ${"s3cret"} = ''`.rows();
  await clock.advance(1000);
  await slow;
  const entry = logger.expect({ level: "warn", message: "Slow database query" });
  assert.deepEqual(entry.fields, {
    component: "database",
    operation: "select",
    duration_ms: 1000,
    query: "select 'slow' where $1 = ''",
  });
});

test("query is called off at query_timeout, and the connection serves on", async () => {
  await using fixture = await onMock({ section: { queryTimeout: duration("2s"), maxConns: 1 } });
  const { db, mock, clock } = fixture;
  mock.expect("select 1").delay("1h");
  mock.expect("select 2").rows([{ a: "b" }]);
  const slow = assert.rejects(db.sql`select 1`.rows(), {
    code: "CQI_DATABASE_TIMEOUT",
    message: "Cannot run query 'select': it took over 2000 ms",
    retryable: true,
  });
  await clock.advance(2000);
  await slow;
  assert.deepEqual(await db.sql`select 2`, [{ a: "b" }]);
});

test("query's own limit goes before query_timeout", async () => {
  await using fixture = await onMock();
  const { db, mock, clock } = fixture;
  mock.expect("select 1").delay("1h");
  const slow = assert.rejects(db.sql`select 1`.with({ timeout: "10ms" }).rows(), {
    code: "CQI_DATABASE_TIMEOUT",
  });
  await clock.advance(10);
  await slow;
});

test("query is called off by its signal, with the signal's reason", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  mock.expect("select 1").delay("1h");
  const controller = new AbortController();
  const reason = new Error("enough");
  const slow = db.sql`select 1`.with({ signal: controller.signal }).rows();
  await settle();
  controller.abort(reason);
  await assert.rejects(slow, (error) => error === reason);
  assert.equal(db.pool.used, 0);
});

test("query holds its connection until the driver lets go of it", async () => {
  const { db, driver, clock } = await onHand({ maxConns: 1, queryTimeout: duration("1s") });
  const stubborn = Promise.withResolvers<never>();
  driver.answer = () => stubborn.promise;
  const slow = assert.rejects(db.sql`select 1`.rows(), { code: "CQI_DATABASE_TIMEOUT" });
  await clock.advance(1000);
  assert.equal(db.pool.used, 1, "nobody else may have it yet");
  stubborn.reject(Object.assign(new Error("canceling"), { code: "57014" }));
  await slow;
  assert.equal(db.pool.used, 0);
  await db.close();
});

test("query that writes and gets no answer has an unknown outcome", async () => {
  await using fixture = await onMock({ ordered: false });
  const { db, mock } = fixture;
  mock.expect(/./).loses().times(Infinity);
  const unknown = { code: "CQI_DATABASE_OUTCOME_UNKNOWN", retryable: false };
  const again = { code: "CQI_DATABASE_UNAVAILABLE", retryable: true };
  await assert.rejects(db.sql`insert into t values (1)`.rows(), unknown);
  await assert.rejects(db.sql`with x as (delete from t) select 1`.rows(), unknown);
  await assert.rejects(db.sql`select 1`.rows(), again);
  await assert.rejects(db.sql`select f()`.with({ idempotent: false }).rows(), unknown);
  await assert.rejects(db.sql`delete from t`.with({ idempotent: true }).rows(), again);
});

test("query that writes and cannot be called off in time has an unknown outcome", async () => {
  const { db, driver, clock } = await onHand({ queryTimeout: duration("1s") });
  driver.answer = (_text, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => {
        driver.opened.at(-1)!.broken = true;
        reject(Object.assign(new Error("socket destroyed"), { code: "ECONNRESET" }));
      });
    });
  const writing = assert.rejects(db.sql`delete from t`.rows(), {
    code: "CQI_DATABASE_OUTCOME_UNKNOWN",
  });
  await clock.advance(1000);
  await writing;
  assert.deepEqual([db.pool.used, db.pool.idle], [0, 0]);
  await db.close();
});

test("query errors keep nothing of what the driver threw", async () => {
  const { db, driver } = await onHand();
  const leak = "postgres://user:s3cret@db.internal:5432/cqpm";
  for (
    const code of ["28P01", "23505", "22P02", "P0001", "XX000", "57P01", "ECONNRESET", leak, 7]
  ) {
    driver.answer = () =>
      Promise.reject(
        Object.assign(new Error(leak), {
          code,
          detail: leak,
          query: leak,
          params: [leak],
          hint: leak,
        }),
      );
    await assert.rejects(db.sql`select 1`.rows(), (error: Error) => {
      const shown = [error.message, error.stack, error.cause, JSON.stringify(error)].join(" ");
      assert(!shown.includes("s3cret") && !shown.includes("db.internal"), shown);
      return true;
    });
  }
  await db.close();
});

test("query errors take no code of the operating system for an SQLSTATE", async () => {
  const { db, driver } = await onHand();
  for (const code of ["EPIPE", "EPERM", "ENXIO", "EBUSY"]) {
    driver.answer = () => Promise.reject(Object.assign(new Error("no"), { code }));
    await assert.rejects(db.sql`select 1`.rows(), {
      code: "CQI_DATABASE_UNAVAILABLE",
      details: { driver_code: code },
    });
  }
  await db.close();
});

test("connecting errors keep nothing of what the driver threw", async () => {
  const { db, driver } = await onHand();
  driver.arrive = () =>
    Promise.reject(
      Object.assign(new Error("password 's3cret' failed for db.internal"), { code: "28P01" }),
    );
  await assert.rejects(db.sql`select 1`.rows(), (error: Error & { retryable?: boolean }) => {
    assert(!`${error.message}${error.stack}${error.cause}`.includes("s3cret"));
    assert.match(error.message, /invalid_password/);
    assert.equal(error.retryable, false);
    return true;
  });
  assert.equal((await db.check()).status, "down");
  await db.close();
});

for (
  const text of [
    "begin",
    "/* a /* b */ select 1 */ BEGIN",
    "-- select\n start transaction",
    " ( end",
    "/**/".repeat(5000) + "commit",
  ]
) {
  test(`query that is '${text.slice(-30)}' is refused`, async () => {
    await using fixture = await onMock();
    const raw = [text];
    const template = Object.freeze(Object.assign(raw, { raw })) as TemplateStringsArray;
    await assert.rejects(fixture.db.sql(template).rows(), { code: "CQI_DATABASE_QUERY" });
    await assert.rejects(fixture.db.transaction((tx) => tx.sql(template).rows()), {
      code: "CQI_DATABASE_QUERY",
    });
  });
}

test("query never awaited never runs", async () => {
  await using fixture = await onMock();
  void fixture.db.sql`delete from t`;
  await settle();
  assert.deepEqual(fixture.mock.calls, []);
});

test("query refuses a text with NUL and more values than the protocol counts", async () => {
  await using fixture = await onMock();
  const { db } = fixture;
  await assert.rejects(db.sql`select '\0'`.rows(), { code: "CQI_DATABASE_QUERY" });
  const many = Array.from({ length: 65_536 }, () => 1);
  await assert.rejects(db.sql`select ${sql.join(many)}`.rows(), {
    code: "CQI_DATABASE_QUERY",
    message: /65536 values/,
  });
});

test("query for which the server's limit cannot be raised ends with its signal, or after 5 s", async () => {
  const { db, driver, clock } = await onHand({ queryTimeout: duration("1s") }, { settings: {} });
  driver.answer = (text, signal) =>
    text.includes("'statement_timeout'")
      ? new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)))
      : Promise.resolve({ command: "SELECT", count: 0, columns: [], rows: [] });
  const controller = new AbortController();
  const { signal } = controller;
  const called = assert.rejects(db.sql`select 1`.with({ timeout: "1h", signal }).rows(), {
    message: "enough",
  });
  await settle();
  controller.abort(new Error("enough"));
  await called;
  const late = assert.rejects(db.sql`select 1`.with({ timeout: Infinity }).rows(), {
    code: "CQI_DATABASE_TIMEOUT",
    message: /statement_timeout/,
  });
  await clock.advance(5000);
  await late;
  assert(!driver.sent.includes("select 1"));
  await db.close();
});

for (const idempotent of [false, true]) {
  test(`query that is a select and lost its answer is asked ${idempotent ? "again" : "once"}`, async () => {
    const { db, driver } = await onHand({ maxConns: 1 });
    await db.sql`select 1`;
    let asked = 0;
    driver.answer = (text) => {
      if (!text.includes("pay") || ++asked > 1) {
        return Promise.resolve({ command: "SELECT", count: 0, columns: [], rows: [] });
      }
      driver.opened.at(-1)!.broken = true;
      return Promise.reject(Object.assign(new Error(), { code: "ECONNRESET" }));
    };
    const call = db.sql`select pay()`.with(idempotent ? { idempotent } : {}).rows();
    if (idempotent) await call;
    else await assert.rejects(call, { code: "CQI_DATABASE_UNAVAILABLE", retryable: true });
    assert.equal(asked, idempotent ? 2 : 1);
    await db.close();
  });
}

test("query that writes, aborted while its answer is lost, has an unknown outcome", async () => {
  const { db, driver } = await onHand();
  await db.sql`select 1`;
  const controller = new AbortController();
  driver.answer = (_text, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => {
        driver.opened.at(-1)!.broken = true;
        reject(Object.assign(new Error(), { code: "CONNECTION_LOST" }));
      });
    });
  const write = db.sql`insert into t values (1)`.with({ signal: controller.signal }).rows();
  await settle();
  controller.abort(new Error("gone"));
  await assert.rejects(write, { code: "CQI_DATABASE_OUTCOME_UNKNOWN" });
  await db.close();
});

test("query that explains a create, or updates pg_settings, leaves a session that is cleaned", async () => {
  const { db, driver } = await onHand({}, { settings: {} });
  await db.sql`explain analyze create temp table a as select 1`;
  await db.sql`update pg_settings set setting = 1`;
  await db.close();
  assert.equal(driver.sent.filter((text) => text === "discard all").length, 2);
});

test("query that ends its transaction is refused, also behind an empty statement", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  const ending = db.transaction((tx) => tx.sql` ;/* */; commit`.rows());
  await assert.rejects(ending, { code: "CQI_DATABASE_QUERY", message: /Cannot run 'commit'/ });
  assert.deepEqual(mock.calls.map(({ text }) => text), ["begin", "rollback"]);
});
