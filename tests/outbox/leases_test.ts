import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "../../database/mod.ts";
import { until } from "../_until.ts";
import { alert, type Fixture, fixture, RiskAlertSchema } from "./_fixture.ts";

interface Held {
  readonly relay: string | null;
  readonly lanes: bigint;
}

async function held(made: Fixture): Promise<Held[]> {
  return await made.db.sql<Held>`
    select relay, count(*) as lanes from ${sql.identifier(made.schema, "outbox_lanes")}
    group by relay order by lanes`;
}

/** Renews, hands over and takes, as often as it needs. */
async function settle(made: Fixture, wanted: readonly bigint[]): Promise<void> {
  await until(async () => {
    await made.clock.advance(1000);
    const now = await held(made);
    return now.every(({ relay }) => relay !== null) &&
      `${now.map(({ lanes }) => lanes)}` === `${wanted}`;
  }, `lanes held as ${wanted}`);
}

test("one relay holds every lane", async () => {
  await using made = await fixture();
  await settle(made, [64n]);
});

test("relays share the lanes as they come and go", async () => {
  await using made = await fixture();
  await settle(made, [64n]);
  const second = await made.another();
  await settle(made, [32n, 32n]);
  const third = await made.another();
  await settle(made, [20n, 22n, 22n]);
  await third.close();
  await settle(made, [32n, 32n]);
  await second.close();
  await settle(made, [64n]);
});

test("close hands the lanes over at once", async () => {
  await using made = await fixture();
  await settle(made, [64n]);
  await made.box.close();
  assert.deepEqual(await held(made), [{ relay: null, lanes: 64n }]);
  const relays = await made.db.sql`select * from ${sql.identifier(made.schema, "outbox_relays")}`;
  assert.deepEqual(relays, []);
});

test("a relay whose lease has run out sends nothing until it has it again", async () => {
  await using made = await fixture({ section: { lease: "10m" } });
  await settle(made, [64n]);
  // Another relay took everything while this one was frozen.
  const lanes = sql.identifier(made.schema, "outbox_lanes");
  await made.db.sql`update ${lanes} set relay = 'other', until = now() + interval '1 hour'`;
  await made.clock.advance(600_000);
  await made.box.transaction((tx) => tx.publish(RiskAlertSchema, alert()));
  for (let n = 0; n < 20; n++) await made.clock.advance(1000);
  assert.equal(made.landed.length, 0);
  await made.db.sql`update ${lanes} set until = now() - interval '1 second'`;
  await until(async () => {
    await made.clock.advance(120_000);
    return made.landed.length === 1;
  });
});

test("a relay without writers' help finds lanes of one that died", async () => {
  await using made = await fixture({ section: { relay: false } });
  const lanes = sql.identifier(made.schema, "outbox_lanes");
  const relays = sql.identifier(made.schema, "outbox_relays");
  await made.db.sql`
    insert into ${relays} values ('dead', now() + interval '1 hour')`;
  await made.db.sql`update ${lanes} set relay = 'dead', until = now() + interval '1 hour'`;
  await made.box.transaction((tx) => tx.publish(RiskAlertSchema, alert()));
  await made.another();
  for (let n = 0; n < 5; n++) await made.clock.advance(1000);
  assert.equal(made.landed.length, 0);
  await made.db.sql`update ${lanes} set until = now()`;
  await made.db.sql`update ${relays} set until = now() where relay = 'dead'`;
  await settle(made, [64n]);
  await until(() => made.landed.length === 1);
});
