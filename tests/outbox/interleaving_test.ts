// Transactions that overlap in every way, relays that come, go, fail and die: what is promised must
// hold. PGlite has one session, so a transaction that commits late is played by what it looks like
// to everybody else: rows with ids that were drawn earlier than they became visible.

import assert from "node:assert/strict";
import { test } from "node:test";
import { partitionOfKey } from "../../bus/mod.ts";
import { sql } from "../../database/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { until } from "../_until.ts";
import { type Fixture, fixture } from "./_fixture.ts";

interface Write {
  readonly id: number;
  readonly key: string;
  /** When the row was written, and when it became visible; steps of the run. */
  readonly drawn: number;
  readonly visible: number;
}

const STEPS = 30;
const KEYS = 5;

function plan(random: () => number): Write[] {
  const writes: Write[] = [];
  let id = 0;
  for (let drawn = 0; drawn < STEPS; drawn++) {
    for (let n = Math.floor(random() * 4); n > 0; n--) {
      const key = `k${Math.floor(random() * KEYS)}`;
      const late = random() < 0.4 ? Math.floor(random() * 8) : 0;
      // A third are rolled back: their ids are gaps.
      if (random() < 0.33) id++;
      writes.push({ id: ++id, key, drawn, visible: drawn + late });
    }
  }
  return writes;
}

async function show(made: Fixture, { id, key }: Write): Promise<void> {
  const headers = sql.json([["ce_id", `${id}`]]);
  await made.db.sql`
    insert into ${sql.identifier(made.schema, "outbox")}
      (id, lane, topic, key, event_id, value, headers, timestamp_ms, size)
    overriding system value
    values (${id}, ${partitionOfKey(`t ${key}`, 64)}, 't', ${key}, ${`${id}`},
      ${new Uint8Array()}, ${headers}, 0, 1)`;
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`relay skips no row and keeps the order of each key, run ${seed}`, async () => {
    const source = seededRandom(seed);
    const random = () => source.next();
    await using made = await fixture({
      section: { relay: false, initialDelay: 1, maxDelay: 2, batchSize: 1 + seed },
    });
    let isCalm = false;
    made.fault = async (records, pass) => {
      const luck = isCalm ? 1 : random();
      // Lost before it arrived; lost on the way back; taken.
      if (luck < 0.15) return records.map(() => new CqiError("CQI_BUS_UNAVAILABLE", "Down"));
      const outcomes = await pass();
      if (luck < 0.3) {
        records.forEach((record) => made.landed.push(landedOf(record)));
        return outcomes.map(() => new CqiError("CQI_BUS_UNAVAILABLE", "Answer lost"));
      }
      return outcomes;
    };
    const writes = plan(random);
    let relays = [await made.another()];
    for (let step = 0; step < STEPS + 8; step++) {
      for (const write of writes) if (write.visible === step) await show(made, write);
      const luck = random();
      if (luck < 0.2 && relays.length < 3) relays.push(await made.another());
      else if (luck < 0.4) await relays.shift()?.close();
      await made.clock.advance(1 + random() * 1500);
    }
    isCalm = true;
    relays = [...relays, await made.another()];
    await until(async () => {
      await made.clock.advance(1000);
      return (await made.box.backlog()).pending === 0;
    }, "all to be sent");

    const first = new Map<string, number>();
    made.landed.forEach(({ id }, at) => first.has(id) || first.set(id, at));
    assert.deepEqual([...first.keys()].sort(), writes.map(({ id }) => `${id}`).sort());
    let pairs = 0;
    for (const a of writes) {
      for (const b of writes) {
        // The promise: what had committed before another was written goes first.
        if (a.key !== b.key || a.visible >= b.drawn) continue;
        pairs++;
        assert.ok(first.get(`${a.id}`)! < first.get(`${b.id}`)!, `${a.id} before ${b.id}`);
      }
    }
    assert.ok(pairs > 50, `${pairs} pairs`);
  });
}

function landedOf(record: Fixture["landed"][0]["record"]): Fixture["landed"][0] {
  return {
    topic: record.topic,
    key: record.key,
    id: record.headers.get("ce_id") as string,
    record,
  };
}
