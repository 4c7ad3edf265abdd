import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { HEADER, topic } from "../../bus/mod.ts";
import { decode } from "../../contracts/mod.ts";
import { sql } from "../../database/mod.ts";
import { AssetCreatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { open } from "../../outbox/mod.ts";
import { until } from "../_until.ts";
import { alert, ALERTS, fixture, RiskAlertSchema } from "./_fixture.ts";

test("publish sends an event after the commit, under the id that it gave", async () => {
  await using made = await fixture();
  let sentBefore = -1;
  const { eventId, topic } = await made.box.transaction(async (tx) => {
    const enqueued = await tx.publish(RiskAlertSchema, alert(1, "one"));
    sentBefore = made.landed.length;
    return enqueued;
  });
  await made.drain();
  assert.equal(sentBefore, 0);
  assert.equal(topic, ALERTS);
  assert.deepEqual(made.landed.map(({ id }) => id), [eventId]);
  const event = decode(RiskAlertSchema, made.landed[0]!.record.value!);
  assert.equal(event.message, "one");
  assert.equal(event.eventId, eventId);
});

test("publish leaves nothing behind when its transaction is rolled back", async () => {
  await using made = await fixture();
  const failed = made.box.transaction(async (tx) => {
    await tx.publish(RiskAlertSchema, alert());
    throw new Error("undo");
  });
  await assert.rejects(failed, /undo/);
  await made.drain();
  assert.deepEqual(made.landed, []);
  const rows = await made.db.sql`select * from ${sql.identifier(made.schema, "outbox")}`;
  assert.deepEqual(rows, []);
});

test("publish in a savepoint goes with it", async () => {
  await using made = await fixture();
  await made.box.transaction(async (tx) => {
    await tx.publish(RiskAlertSchema, alert(1, "outer"));
    await tx.savepoint(async (inner) => {
      await inner.publish(RiskAlertSchema, alert(1, "undone"));
      throw new Error("undo");
    }).catch(() => {});
    await tx.savepoint(async (inner) => {
      await inner.savepoint((deeper) => deeper.publish(RiskAlertSchema, alert(1, "kept")));
    });
  });
  await made.drain();
  const messages = made.landed.map(({ record }) => decode(RiskAlertSchema, record.value!).message);
  assert.deepEqual(messages, ["outer", "kept"]);
});

test("publish takes several types and topics in one transaction, all of them or none", async () => {
  await using made = await fixture();
  const other = topic(RiskAlertSchema, { name: "desk.alerts" });
  const write = (fail: boolean) =>
    made.box.transaction(async (tx) => {
      await tx.publish(RiskAlertSchema, alert());
      await tx.publish(other, alert());
      await tx.publish("desk.mixed", create(RiskAlertSchema, alert()));
      if (fail) throw new Error("undo");
    });
  await assert.rejects(write(true), /undo/);
  await write(false);
  await made.drain();
  assert.deepEqual(
    made.landed.map(({ topic }) => topic).sort(),
    [ALERTS, "desk.alerts", "desk.mixed"],
  );
});

test("publish refuses a bad event before anything is written, and the transaction goes on", async () => {
  await using made = await fixture();
  await made.box.transaction(async (tx) => {
    await assert.rejects(
      tx.publish(RiskAlertSchema, { ...alert(), alertId: "no uuid" }),
      { code: "CQI_CONTRACT_INVALID" },
    );
    await assert.rejects(tx.publish("bad topic", create(RiskAlertSchema, alert())), {
      code: "CQI_BUS_TOPIC_INVALID",
    });
    await assert.rejects(
      tx.publish(RiskAlertSchema, alert(), { headers: { ce_id: "forged" } }),
      { code: "CQI_BUS_HEADER_INVALID" },
    );
    await assert.rejects(
      tx.publish(RiskAlertSchema, alert(), { signal: AbortSignal.abort(new Error("gone")) }),
      /gone/,
    );
    await tx.publish(RiskAlertSchema, alert(1, "good"));
  });
  await made.drain();
  assert.equal(made.landed.length, 1);
});

test("publish refuses an event that is larger than the bus takes", async () => {
  await using made = await fixture({ busSection: { maxMessageBytes: 2048n } });
  const large = made.box.transaction((tx) =>
    tx.publish(RiskAlertSchema, alert(1, "x".repeat(1000)), { headers: { pad: "y".repeat(1500) } })
  );
  await assert.rejects(large, { code: "CQI_CONTRACT_INVALID" });
});

test("publish refuses a key that no relay could note a failure of, and takes the longest other", async () => {
  await using made = await fixture({ section: { relay: false } });
  const publish = (key: string) =>
    made.box.transaction((tx) => tx.publish(RiskAlertSchema, alert(), { key }));
  await assert.rejects(publish("é".repeat(1001)), { code: "CQI_OPTION_INVALID" });
  // Random, so that PostgreSQL cannot make it shorter.
  const bytes = crypto.getRandomValues(new Uint8Array(2000));
  await publish(Array.from(bytes, (byte) => String.fromCharCode(33 + byte % 90)).join(""));
  const table = sql.identifier(made.schema, "outbox");
  assert.equal(await made.db.sql`update ${table} set retry_at = now()`.execute(), 1);
});

test("publish keeps headers, key and time as bus.publish would have them", async () => {
  await using made = await fixture({ busSection: { source: "/cq/desk" } });
  const bytes = Uint8Array.of(0, 255, 128);
  const at = made.clock.now();
  await made.box.transaction((tx) =>
    tx.publish(RiskAlertSchema, alert(7), {
      headers: { note: "héllo", raw: bytes },
      correlationId: "c-1",
      causationId: "e-0",
      key: "k",
    })
  );
  await made.clock.advance(5000);
  await made.drain();
  const [{ record, id }] = made.landed as [typeof made.landed[0] & object];
  assert.equal(record.key, "k");
  assert.equal(record.timestampMs, at);
  const { headers } = record;
  assert.equal(headers.get("note"), "héllo");
  assert.deepEqual(headers.get("raw"), bytes);
  assert.equal(headers.get(HEADER.id), id);
  assert.equal(headers.get(HEADER.source), "/cq/desk");
  assert.equal(headers.get(HEADER.correlationId), "c-1");
  assert.equal(headers.get(HEADER.causationId), "e-0");
  assert.equal(headers.get(HEADER.partitionKey), "k");
  assert.equal(headers.get(HEADER.type), "cqc.events.v1.RiskAlert");
});

test("publish captures the event being handled, though the relay sends later", async () => {
  await using made = await fixture();
  const cause = await made.bus.publish(RiskAlertSchema, alert(1, "cause"));
  await made.bus.subscribe(RiskAlertSchema, async (event) => {
    if (event.message !== "cause") return;
    await made.box.transaction((tx) => tx.publish("desk.alerts", create(RiskAlertSchema, alert())));
  }, { group: "desk" });
  await until(() => made.landed.length === 2, "the second event");
  const { headers } = made.landed[1]!.record;
  assert.equal(headers.get(HEADER.causationId), cause.eventId);
  assert.equal(headers.get(HEADER.correlationId), cause.eventId);
});

test("publish takes an event without a key", async () => {
  await using made = await fixture();
  await made.box.transaction((tx) => tx.publish(RiskAlertSchema, alert(), { key: null }));
  await made.drain();
  assert.equal(made.landed[0]?.key, null);
  assert.equal(made.landed[0]?.record.headers.has(HEADER.partitionKey), false);
});

test("publish keeps its hands off the message that it was given", async () => {
  await using made = await fixture();
  const event = create(RiskAlertSchema, alert());
  await made.box.transaction((tx) => tx.publish(RiskAlertSchema, event));
  assert.equal(Object.hasOwn(event, "eventId"), false);
});

test("publish refuses a message of another type", async () => {
  await using made = await fixture();
  const wrong = made.box.transaction((tx) =>
    tx.publish(RiskAlertSchema, create(AssetCreatedSchema) as never)
  );
  await assert.rejects(wrong, { code: "CQI_BUS_TYPE_MISMATCH" });
});

test("within gives a transaction of the database the ability to publish", async () => {
  await using made = await fixture();
  await made.db.transaction(async (tx) => {
    const { isolation } = await tx.sql<{ isolation: string }>`
      select current_setting('transaction_isolation') as isolation`.one();
    assert.equal(isolation, "serializable");
    await made.box.within(tx).publish(RiskAlertSchema, alert());
  }, { isolation: "serializable" });
  await made.drain();
  assert.equal(made.landed.length, 1);
});

test("publish cannot be used after its transaction", async () => {
  await using made = await fixture();
  const left = await made.box.transaction((tx) => ({ tx }));
  await assert.rejects(left.tx.publish(RiskAlertSchema, alert()), {
    code: "CQI_DATABASE_TRANSACTION_CLOSED",
  });
});

test("publish in a read-only transaction is refused", async () => {
  await using made = await fixture();
  const write = made.box.transaction((tx) => tx.publish(RiskAlertSchema, alert()), {
    readOnly: true,
  });
  await assert.rejects(write, { code: "CQI_DATABASE_READ_ONLY" });
});

test("open refuses a bus and a database that are not what open gave", async () => {
  await using made = await fixture();
  await assert.rejects(open({}, { bus: { ...made.bus }, database: made.db }), {
    code: "CQI_OPTION_INVALID",
  });
  await assert.rejects(open({}, { bus: made.bus, database: {} as never }), {
    code: "CQI_OPTION_INVALID",
  });
  await assert.rejects(open({}, undefined as never), { code: "CQI_OPTION_INVALID" });
});
