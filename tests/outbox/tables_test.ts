import assert from "node:assert/strict";
import { test } from "node:test";
import { migrate, sql } from "../../database/mod.ts";
import { MIGRATION_TABLE, open, outboxMigrations } from "../../outbox/mod.ts";
import { until } from "../_until.ts";
import { keepingMetrics } from "../database/_fixture.ts";
import { alert, database, type Fixture, fixture, RiskAlertSchema } from "./_fixture.ts";

async function count(made: Fixture, name: string): Promise<bigint> {
  const { rows } = await made.db.sql<{ rows: bigint }>`
    select count(*) as rows from ${sql.identifier(made.schema, name)}`.one();
  return rows;
}

async function publish(made: Fixture, times = 1): Promise<void> {
  await made.box.transaction(async (tx) => {
    for (let n = 0; n < times; n++) await tx.publish(RiskAlertSchema, alert(n));
  });
}

test("sent events stay as long as the retention says, in steps, and then go", async () => {
  await using made = await fixture({ section: { retention: "1h" } });
  await publish(made, 5);
  await made.drain();
  await made.clock.advance(60_000);
  assert.equal(await count(made, "outbox"), 5n);
  await made.db.sql`
    insert into ${sql.identifier(made.schema, "outbox")}
      (lane, topic, event_id, headers, timestamp_ms, size, published_at)
    select 0, 'old', n::text, '[]', 0, 1, now() - interval '2 hours'
    from generate_series(1, 2500) n`;
  await until(async () => {
    await made.clock.advance(60_000);
    return await count(made, "outbox") === 5n;
  });
});

test("a retention of 0 deletes events as they are sent", async () => {
  await using made = await fixture({ section: { retention: 0 } });
  await publish(made, 5);
  await made.drain();
  assert.equal(await count(made, "outbox"), 0n);
  assert.equal(made.landed.length, 5);
});

test("the inbox forgets after its retention, and expired idempotency keys go", async () => {
  await using made = await fixture({ section: { inboxRetention: "1d" } });
  await made.db.sql`
    insert into ${sql.identifier(made.schema, "inbox")}
    values ('g', 't', 'old', now() - interval '25 hours'), ('g', 't', 'new', now())`;
  await made.db.sql`
    insert into ${
    sql.identifier(made.schema, "idempotency")
  } (scope, key, fingerprint, owner, expires_at)
    values ('', 'old', '', '', now() - interval '1 second'), ('', 'new', '', '', now() + interval '1 hour')`;
  await until(async () => {
    await made.clock.advance(60_000);
    return await count(made, "inbox") === 1n && await count(made, "idempotency") === 1n;
  });
});

test("backlog says how much waits and since when; health is degraded, never down", async () => {
  await using made = await fixture({ section: { relay: false, alarmAfter: "10s" } });
  assert.deepEqual(await made.box.backlog(), { pending: 0, oldestSeconds: 0, parked: 0 });
  await publish(made, 3);
  assert.equal((await made.box.check()).status, "ok");
  await made.db.sql`
    update ${sql.identifier(made.schema, "outbox")} set created_at = now() - interval '1 minute'`;
  const { pending, oldestSeconds } = await made.box.backlog();
  assert.equal(pending, 3);
  assert.ok(oldestSeconds >= 60 && oldestSeconds < 90, `${oldestSeconds}`);
  const report = await made.box.check();
  assert.equal(report.status, "degraded");
  assert.match(report.message ?? "", /has waited for 6\d seconds/);
  assert.equal(report.details?.pending, "3");
});

test("gauges and counters follow the backlog", async () => {
  const values: Record<string, number> = {};
  const collectors: (() => void | Promise<void>)[] = [];
  const metrics = {
    ...keepingMetrics(values),
    onCollect(collect: () => void | Promise<void>) {
      collectors.push(collect);
      return () => void collectors.splice(collectors.indexOf(collect), 1);
    },
  };
  await using made = await fixture({ section: { relay: false }, metrics });
  await publish(made, 3);
  for (const collect of collectors) await collect();
  assert.equal(values["outbox_pending_events{}"], 3);
  assert.ok(values["outbox_oldest_seconds{}"]! >= 0);
  const box = await made.another();
  await made.drain();
  for (const collect of collectors) await collect();
  assert.equal(values["outbox_pending_events{}"], 0);
  assert.equal(values["outbox_published_total{cqc.events.v1.risk_alert}"], 3);
  assert.equal(values["outbox_delay_seconds{}"], 3);
  assert.equal(values["outbox_leased_lanes{}"], 64);
  await box.close();
  await made.box.close();
  assert.deepEqual(collectors, []);
});

test("gauges of several outboxes on one registry add up, and a closed one counts for nothing", async () => {
  const values: Record<string, number> = {};
  const collectors = new Set<() => void | Promise<void>>();
  const metrics = {
    ...keepingMetrics(values),
    onCollect(collect: () => void | Promise<void>) {
      collectors.add(collect);
      return () => void collectors.delete(collect);
    },
  };
  await using busy = await fixture({ section: { relay: false }, metrics });
  await using idle = await fixture({ section: { relay: false }, metrics });
  await publish(busy, 3);
  const pending = async (): Promise<number | undefined> => {
    for (const collect of collectors) await collect();
    return values["outbox_pending_events{}"];
  };
  assert.deepEqual([await pending(), await pending()], [3, 3]);
  await publish(idle, 2);
  assert.equal(await pending(), 5);
  await busy.box.close();
  assert.equal(values["outbox_pending_events{}"], 2);
});

test("drained waits for what is pending", async () => {
  await using made = await fixture({ section: { relay: false } });
  await publish(made);
  let isDrained = false;
  const waiting = made.box.drained().then(() => isDrained = true);
  for (let n = 0; n < 10; n++) await made.clock.advance(100);
  assert.equal(isDrained, false);
  await made.another();
  await until(async () => {
    await made.clock.advance(100);
    return isDrained;
  });
  await waiting;
  await publish(made);
  const signal = AbortSignal.abort(new Error("gone"));
  await assert.rejects(made.box.drained({ signal }), /gone/);
});

test("open makes its tables once, however many open at a time", async () => {
  await using made = await fixture({ section: { relay: false } });
  await Promise.all([1, 2, 3].map(() => made.another({ relay: false })));
  assert.equal(await count(made, MIGRATION_TABLE), BigInt(outboxMigrations().length));
});

test("open with migrate false leaves the tables to others", async () => {
  await using made = await fixture({ section: { relay: false } });
  const schema = "elsewhere";
  const box = await open({ schema, relay: false, migrate: false }, {
    bus: made.bus,
    database: made.db,
  });
  await assert.rejects(box.transaction((tx) => tx.publish(RiskAlertSchema, alert())), {
    code: "CQI_DATABASE_QUERY",
  });
  const report = await box.check();
  assert.equal(report.status, "down");
});

test("outboxMigrations can be undone", async () => {
  const schema = "undone";
  await database.sql`create schema undone`;
  const steps = outboxMigrations(schema);
  const options = { schema, table: MIGRATION_TABLE };
  assert.equal((await migrate(database, steps, options)).version, steps.length);
  const report = await migrate(database, steps, { ...options, to: 0 });
  assert.equal(report.reverted.length, steps.length);
  await database.sql`drop schema undone cascade`;
});

test("outboxMigrations quotes the schema and refuses what is none", async () => {
  for (const schema of [`a"; drop schema public; --`, "Größe", "select"]) {
    await database.sql`create schema ${sql.identifier(schema)}`;
    await migrate(database, outboxMigrations(schema), { schema, table: MIGRATION_TABLE });
    await database.sql`drop schema ${sql.identifier(schema)} cascade`;
  }
  for (const schema of ["", "a\0b", "x".repeat(64)]) {
    assert.throws(() => outboxMigrations(schema), { code: "CQI_DATABASE_IDENTIFIER_INVALID" });
  }
  assert.throws(() => outboxMigrations(1 as never), { code: "CQI_OPTION_INVALID" });
});

test("open refuses settings out of bounds and unknown ones", async () => {
  await using made = await fixture({ section: { relay: false } });
  const parts = { bus: made.bus, database: made.db };
  const bad: Record<string, unknown>[] = [
    { lease: 0 },
    { lease: "1h" },
    { pollInterval: 1 },
    { batchSize: 0 },
    { batchSize: 1.5 },
    { batchBytes: 1 },
    { maxAttempts: 0 },
    { retention: -1 },
    { inboxRetention: 0 },
    { relay: "yes" },
    { schema: 5 },
    { polInterval: "1s" },
  ];
  for (const section of bad) {
    await assert.rejects(
      open(section, parts),
      { code: "CQI_OPTION_INVALID" },
      Object.keys(section)[0],
    );
  }
  await assert.rejects(open({ schema: "" }, parts), { code: "CQI_DATABASE_IDENTIFIER_INVALID" });
  await assert.rejects(open([] as never, parts), { code: "CQI_OPTION_INVALID" });
});

test("resend sends what was sent again, in order and under the same ids", async () => {
  await using made = await fixture();
  await publish(made, 5);
  await made.drain();
  const before = made.landed.map(({ id }) => id);
  assert.equal(await made.box.resend(), 5);
  await made.drain();
  assert.deepEqual(made.landed.map(({ id }) => id), [...before, ...before]);
  const tomorrow = new Date(Date.now() + 86_400_000);
  assert.equal(await made.box.resend({ since: tomorrow }), 0);
  const yesterday = new Date(Date.now() - 86_400_000);
  assert.equal(await made.box.resend({ since: yesterday }), 5);
  await assert.rejects(made.box.resend({ since: new Date(NaN) }), { code: "CQI_OPTION_INVALID" });
});
