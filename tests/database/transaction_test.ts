import assert from "node:assert/strict";
import test from "node:test";
import { duration } from "../../core/mod.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { until } from "../_until.ts";
import { onHand, onMock, settle } from "./_fixture.ts";

test("transaction whose commit gets no answer has an unknown outcome and runs no hook", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  mock.expect("commit").loses();
  const hooks: string[] = [];
  const lost = db.transaction((tx) => {
    tx.afterCommit(() => void hooks.push("commit"));
    tx.afterRollback(() => void hooks.push("rollback"));
  }, { retry: 5 });
  await assert.rejects(lost, { code: "CQI_DATABASE_OUTCOME_UNKNOWN", retryable: false });
  assert.deepEqual(hooks, []);
  assert.equal(mock.calls.filter((call) => call.text === "begin").length, 1);
});

test("transaction that is read only may be tried again when its commit gets no answer", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("commit").loses();
  await assert.rejects(fixture.db.transaction(() => 1, { readOnly: true }), {
    code: "CQI_DATABASE_UNAVAILABLE",
    retryable: true,
  });
});

test("transaction whose commit takes too long has an unknown outcome", async () => {
  await using fixture = await onMock({ section: { queryTimeout: duration("1s") } });
  const { db, mock, clock } = fixture;
  mock.expect("commit").delay("1h");
  const slow = assert.rejects(db.transaction(() => 1), { code: "CQI_DATABASE_OUTCOME_UNKNOWN" });
  await clock.advance(1000);
  await slow;
  assert.deepEqual([db.pool.used, db.pool.idle], [0, 0]);
});

test("transaction that loses its connection before the commit is known not to count", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  mock.expect("insert into t values (1)").loses();
  const lost = db.transaction((tx) => tx.sql`insert into t values (1)`.execute());
  await assert.rejects(lost, { code: "CQI_DATABASE_UNAVAILABLE", retryable: true });
  assert(!mock.calls.some((call) => call.text === "commit"));
});

test("transaction waits for a commit that was sent when its signal aborts", async () => {
  await using fixture = await onMock();
  const { db, mock, clock } = fixture;
  mock.expect("commit").delay("1s");
  const controller = new AbortController();
  const work = db.transaction(() => "done", { signal: controller.signal, retry: 3 });
  await until(() => mock.calls.some((call) => call.text === "commit"), "the commit");
  controller.abort(new Error("too late"));
  await clock.advance(1000);
  assert.equal(await work, "done");
});

test("transaction tries serialization failures again, of queries and of the commit", async () => {
  await using fixture = await onMock({ ordered: false });
  const { db, mock, clock } = fixture;
  mock.expect("update t set n = 1").fails("40001");
  mock.expect("update t set n = 1").fails("40P01");
  mock.expect("update t set n = 1").times(Infinity);
  mock.expect("commit").fails("40001");
  const attempts: number[] = [];
  const work = db.transaction(async (tx) => {
    attempts.push(tx.attempt);
    await tx.sql`update t set n = 1`;
  }, { retry: 4 });
  for (let i = 0; i < 5; i++) await clock.advance(2000);
  await work;
  assert.deepEqual(attempts, [1, 2, 3, 4]);
});

test("transaction does not try again by itself", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("commit").fails("40001");
  await assert.rejects(fixture.db.transaction(() => 1), {
    code: "CQI_DATABASE_SERIALIZATION",
    retryable: true,
  });
});

test("transaction gives up after its attempts", async () => {
  await using fixture = await onMock();
  const { db, mock, clock } = fixture;
  mock.expect("commit").fails("40001").times(2);
  const failing = assert.rejects(db.transaction(() => 1, { retry: 2 }), {
    code: "CQI_RETRY_EXHAUSTED",
  });
  await clock.advance(5000);
  await failing;
});

test("transaction does not try other failures again", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("commit").fails("23505");
  await assert.rejects(fixture.db.transaction(() => 1, { retry: 9 }), {
    code: "CQI_DATABASE_CONSTRAINT",
  });
});

test("transaction stops waiting for its next attempt when its signal aborts", async () => {
  await using fixture = await onMock();
  const { db, mock, clock } = fixture;
  mock.expect("commit").fails("40001");
  const controller = new AbortController();
  const retry = { attempts: 5, initialDelay: "1h", maxDelay: "1h" } as const;
  const reason = new Error("enough");
  const work = assert.rejects(
    db.transaction(() => 1, { signal: controller.signal, retry }),
    (error) => error === reason,
  );
  await clock.advance(1);
  controller.abort(reason);
  await work;
});

test("transaction with attempts that is aborted inside throws the reason once", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  const reason = new Error("enough");
  const controller = new AbortController();
  const work = db.transaction(() => {
    controller.abort(reason);
    return new Promise(() => {});
  }, { signal: controller.signal, retry: 5 });
  await assert.rejects(work, (error) => error === reason);
  assert.deepEqual(mock.calls.map((call) => call.text), ["begin", "rollback"]);
});

test("transaction that cannot roll back throws its connection away", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  mock.expect("rollback").fails("XX000");
  await assert.rejects(
    db.transaction(() => {
      throw new Error("boom");
    }),
    { message: "boom" },
  );
  assert.deepEqual([db.pool.used, db.pool.idle], [0, 0]);
});

test("transaction left behind by an abort sends nothing to a connection that others have", async () => {
  const { db, driver } = await onHand({ maxConns: 1 });
  const gate = Promise.withResolvers<void>();
  const controller = new AbortController();
  let late: unknown[] = [];
  const finished = Promise.withResolvers<void>();
  const work = db.transaction(async (tx) => {
    await tx.savepoint(async (inner) => {
      await gate.promise;
      const uses = [() => inner.sql`select 'late'`.rows(), () => tx.sql`select 'late'`.rows()];
      late = (await Promise.allSettled(uses.map((use) => use())))
        .map((each) => each.status === "rejected" && each.reason.code);
      throw new Error("from the grave");
    }).catch(() => {});
    finished.resolve();
  }, { signal: controller.signal });
  await settle();
  controller.abort(new Error("enough"));
  await assert.rejects(work, { message: "enough" });
  const before = driver.sent.length;
  gate.resolve();
  await finished.promise;
  assert.deepEqual(late, Array(2).fill("CQI_DATABASE_TRANSACTION_CLOSED"));
  assert.deepEqual(driver.sent.slice(before), []);
  await db.close();
});

test("transaction's failing hooks are logged", async () => {
  const logger = testLogger();
  await using fixture = await onMock({ logger });
  await fixture.db.transaction((tx) =>
    tx.afterCommit(() => {
      throw new Error("boom");
    })
  );
  logger.expect({ level: "error", message: /Hook after commit failed/ });
});

test("transaction's handle can be spread, to add methods", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  mock.expect("insert into outbox values ($1)", ["hello"]).count(1);
  await db.transaction(async (tx) => {
    const wider = { ...tx, publish: (text: string) => tx.sql`insert into outbox values (${text})` };
    await wider.publish("hello");
    await wider.savepoint(() => 1);
  });
  mock.verify();
});

test("transaction refuses options when it joins another", async () => {
  await using fixture = await onMock({ ambient: "join" });
  const { db } = fixture;
  await db.transaction(async () => {
    await assert.rejects(db.transaction(() => 1, { isolation: "serializable" }), {
      code: "CQI_OPTION_INVALID",
    });
    await db.transaction(() => 1);
  });
});

test("transaction of one database does not hinder another", async () => {
  await using one = await onMock();
  await using two = await onMock();
  two.mock.expect("select 1");
  await one.db.transaction(() => two.db.sql`select 1`.rows());
  two.mock.verify();
});

test("transaction that fails gives its connection back whole, however short query_timeout is", async () => {
  const { db, driver } = await onHand({ queryTimeout: duration("1s") }, { settings: {} });
  driver.answer = (text) =>
    text.includes("'statement_timeout'")
      ? Promise.reject(Object.assign(new Error("failed already"), { code: "25P02" }))
      : Promise.resolve({ command: "SELECT", count: 0, columns: [], rows: [] });
  await assert.rejects(db.transaction(() => Promise.reject(new Error("boom"))), {
    message: "boom",
  });
  assert.deepEqual([driver.opened.length, db.pool.idle], [1, 1]);
  await db.close();
});

for (const ambient of ["error", "join"] as const) {
  test(`transaction that has ended takes no query on the database, ambient '${ambient}'`, async () => {
    const { db, driver } = await onHand({}, { ambient });
    const gate = Promise.withResolvers<void>();
    const leftBehind: (() => PromiseLike<unknown>)[] = [
      () => db.sql`insert into t values (1)`.execute(),
      () => db.sql`select 1`.stream().next(),
      () => db.copyIn("t", [{ a: 1 }]),
      () => db.transaction(() => 1),
    ];
    let late: Promise<unknown[]> | undefined;
    await db.transaction(async (tx) => {
      await tx.savepoint(() => {
        late = gate.promise.then(() => Promise.allSettled(leftBehind.map((use) => use())));
      });
    });
    const before = driver.sent.length;
    gate.resolve();
    const codes = (await late!).map((each) =>
      (each as PromiseRejectedResult).reason?.code as unknown
    );
    assert.deepEqual(codes, Array(4).fill("CQI_DATABASE_TRANSACTION_CLOSED"));
    assert.deepEqual(driver.sent.slice(before), []);
    await db.close();
  });
}

test("transaction sets one timer, however many statements it has", async () => {
  const { db, clock } = await onHand();
  const { timer } = clock;
  let count = 0;
  clock.timer = (callback, ms, options) => {
    if (options?.background !== true) count++;
    return timer(callback, ms, options);
  };
  await db.sql`select 1`;
  count = 0;
  await db.transaction(async (tx) => {
    for (let i = 0; i < 10; i++) await tx.sql`select 1`;
  });
  assert.deepEqual([count, clock.pending], [1, 1], "left is the sweep of idle connections");
  await db.close();
});
