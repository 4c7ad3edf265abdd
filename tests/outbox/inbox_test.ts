import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type Message } from "@bufbuild/protobuf";
import type { Delivery } from "../../bus/mod.ts";
import { type Database, sql, type SqlFragment } from "../../database/mod.ts";
import { CqiError, isRetryable } from "../../errors/mod.ts";
import type { RiskAlert } from "../../gen/ts/cqc/events/v1/mod.ts";
import { open } from "../../outbox/mod.ts";
import { until } from "../_until.ts";
import { alert, type Fixture, fixture, RiskAlertSchema } from "./_fixture.ts";

/** A table for what handlers do, in the fixture's schema. */
async function effects(made: Fixture): Promise<SqlFragment> {
  const table = sql.identifier(made.schema, "effects");
  await made.db.sql`create table ${table} (event_id text not null, message text not null)`;
  return table;
}

/** A delivery as the bus would make it. */
function deliveryOf(event: RiskAlert, eventId: string, topic = "alerts"): Delivery<RiskAlert> {
  return {
    event,
    eventId,
    type: event.$typeName,
    topic,
    partition: 0,
    offset: 0n,
    key: undefined,
    headers: new Map(),
    timestampMs: 0,
    attempt: 1,
    correlationId: eventId,
    signal: new AbortController().signal,
    skip: (reason) => ({ skip: reason }),
  };
}

async function committed(made: Fixture): Promise<void> {
  await until(async () => (await made.bus.lag()).every(({ lag }) => lag === 0n), "the commits");
}

test("subscribe handles an event that comes five times once, and acknowledges them all", async () => {
  await using made = await fixture();
  const table = await effects(made);
  let calls = 0;
  await made.box.subscribe(RiskAlertSchema, async (event, tx) => {
    calls++;
    await tx.sql`insert into ${table} values (${event.eventId}, ${event.message})`;
  }, { group: "watch" });
  const event = { ...alert(1, "once"), eventId: crypto.randomUUID() };
  for (let n = 0; n < 5; n++) await made.bus.publish(RiskAlertSchema, event);
  await committed(made);
  assert.equal(calls, 1);
  assert.equal((await made.db.sql`select * from ${table}`).length, 1);
});

test("subscribe handles an event once for each group", async () => {
  await using made = await fixture();
  const seen: string[] = [];
  for (const group of ["one", "two"]) {
    await made.box.subscribe(RiskAlertSchema, () => void seen.push(group), { group });
  }
  const event = { ...alert(), eventId: crypto.randomUUID() };
  await made.bus.publish(RiskAlertSchema, event);
  await made.bus.publish(RiskAlertSchema, event);
  await committed(made);
  assert.deepEqual(seen.sort(), ["one", "two"]);
});

test("subscribe without a group uses that of the bus", async () => {
  await using made = await fixture({ busOptions: { service: { name: "desk" } } });
  await made.box.subscribe("desk.mixed", () => {});
  await made.bus.publish("desk.mixed", create(RiskAlertSchema, alert()));
  await committed(made);
  const { consumer_group } = await made.db.sql<{ consumer_group: string }>`
    select consumer_group from ${sql.identifier(made.schema, "inbox")}`.one();
  assert.equal(consumer_group, "desk");
});

test("handler that throws leaves no state, no note and no event, and is tried again", async () => {
  await using made = await fixture();
  const table = await effects(made);
  let calls = 0;
  await made.box.subscribe(RiskAlertSchema, async (event, tx) => {
    await tx.sql`insert into ${table} values (${event.eventId}, ${event.message})`;
    await tx.publish("desk.mixed", create(RiskAlertSchema, alert(2, `follows ${++calls}`)));
    if (calls < 3) throw new Error("not yet");
  }, { group: "watch", timeout: Infinity });
  await made.bus.publish(RiskAlertSchema, alert(1, "state"));
  await until(async () => {
    await made.clock.advance(1000);
    return calls === 3;
  });
  await committed(made);
  await made.drain();
  assert.equal((await made.db.sql`select * from ${table}`).length, 1);
  assert.equal(made.landed.filter(({ topic }) => topic === "desk.mixed").length, 1);
});

test("handler that skips is noted as handled", async () => {
  await using made = await fixture();
  let calls = 0;
  const handler = made.box.handler<RiskAlert>((_event, tx) => {
    calls++;
    return tx.delivery.skip("noise");
  }, { group: "watch" });
  const delivery = deliveryOf(create(RiskAlertSchema, alert()), "e-1");
  assert.deepEqual(await handler(delivery.event, delivery), { skip: "noise" });
  assert.deepEqual(await handler(delivery.event, delivery), { skip: "duplicate" });
  assert.equal(calls, 1);
});

test("handler tells the same id on two topics apart", async () => {
  await using made = await fixture();
  let calls = 0;
  const handler = made.box.handler<RiskAlert>(() => void calls++, { group: "watch" });
  const event = create(RiskAlertSchema, alert());
  await handler(event, deliveryOf(event, "e-1", "a"));
  await handler(event, deliveryOf(event, "e-1", "b"));
  assert.equal(calls, 2);
});

test("handler has a commit whose answer was lost tried again, since the inbox can tell", async () => {
  await using made = await fixture();
  let isLost = true;
  const db = new Proxy(made.db, {
    get: (target, property) =>
      property !== "transaction"
        ? Reflect.get(target, property)
        : async (...args: Parameters<Database["transaction"]>) => {
          const result = await target.transaction(...args);
          if (isLost) throw new CqiError("CQI_DATABASE_OUTCOME_UNKNOWN", "Lost");
          return result;
        },
  });
  const box = await open({ schema: made.schema, relay: false, migrate: false }, {
    bus: made.bus,
    database: db,
  });
  let calls = 0;
  const handler = box.handler<Message>(() => void calls++, { group: "watch" });
  const delivery = deliveryOf(create(RiskAlertSchema, alert()), "e-1");
  const lost = await Promise.resolve(handler(delivery.event, delivery)).catch((error) => error);
  assert.equal(lost.code, "CQI_DATABASE_OUTCOME_UNKNOWN");
  assert.equal(isRetryable(lost), true);
  isLost = false;
  assert.deepEqual(await handler(delivery.event, delivery), { skip: "duplicate" });
  assert.equal(calls, 1);
});

test("handler refuses a bad group and a handler that is none", async () => {
  await using made = await fixture();
  for (const group of ["", "a b", "x".repeat(250), undefined as never]) {
    assert.throws(() => made.box.handler(() => {}, { group }), { code: "CQI_OPTION_INVALID" });
  }
  assert.throws(() => made.box.handler("no" as never, { group: "g" }), {
    code: "CQI_OPTION_INVALID",
  });
  assert.throws(
    () => void made.box.subscribe(RiskAlertSchema, () => {}, { broadcast: true } as never),
    { code: "CQI_OPTION_INVALID" },
  );
});

test("subscribe runs its own middleware outside the transaction", async () => {
  await using made = await fixture();
  const order: string[] = [];
  await made.box.subscribe(RiskAlertSchema, async (_event, tx) => {
    order.push(
      (await tx.sql<{ level: string }>`
      select current_setting('transaction_isolation') as level`.one()).level,
    );
  }, {
    group: "watch",
    transaction: { isolation: "serializable" },
    middleware: [async (delivery, info, next) => {
      order.push(info.group ?? "");
      const result = await next(delivery, info);
      order.push("after");
      return result;
    }],
  });
  await made.bus.publish(RiskAlertSchema, alert());
  await committed(made);
  assert.deepEqual(order, ["watch", "serializable", "after"]);
});

test("inbox takes ids that no one would choose", async () => {
  await using made = await fixture();
  let calls = 0;
  const handler = made.box.handler<RiskAlert>(() => void calls++, { group: "watch" });
  const event = create(RiskAlertSchema, alert());
  const ids = ["'; drop table inbox; --", "é".repeat(128), "a/0/1", " ", "%s", "\\"];
  for (const id of [...ids, ...ids]) await handler(event, deliveryOf(event, id));
  assert.equal(calls, ids.length);
});
