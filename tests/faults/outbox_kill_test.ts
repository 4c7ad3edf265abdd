import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../core/mod.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { type Child, startChild } from "../_child.ts";
import { real } from "../_real.ts";
import { disorder, firstOf, keyOf, openParts, placeOf, read } from "./_outbox.ts";
import { report } from "./_report.ts";

const CHILD = fileURLToPath(new URL("_outbox_child.ts", import.meta.url));
const TRANSACTIONS = 1000;

const postgres = await real(() => realPostgres());
const broker = postgres === undefined ? undefined : await real(() => realKafka());

if (postgres !== undefined && broker !== undefined) {
  test("K17: of 1,000 transactions, half undone, service and relay killed at random, exactly the committed events are sent", async () => {
    const place = placeOf(postgres, broker);
    const json = JSON.stringify(place);
    const random = seededRandom(Date.now() % 2 ** 31);
    await using parts = await openParts(place, { relay: false });
    const { db } = parts;
    await db.sql`create table counts (key text primary key, count int not null)`;
    await db.sql`create table truth (event_id text primary key, number int not null)`;
    for (let key = 0; key < 20; key++) await db.sql`insert into counts values (${keyOf(key)}, 0)`;
    const reading = read(parts.bus, place, () => systemClock.monotonic());

    const kills = { service: 0, relay: 0 };
    let isWriting = true;
    const written = Promise.withResolvers<void>();
    /** A relay that dies after some events, time and again. */
    const relays = (async () => {
      while (isWriting) {
        const relay = startChild(CHILD, ["relay", json]);
        const after = 1 + Math.floor(random.next() * 120);
        await Promise.race([
          relay.until(new RegExp(`sent ${after}\\n`)),
          relay.ended,
          written.promise,
        ]);
        relay.kill("SIGKILL");
        await relay.ended;
        kills.relay++;
      }
    })();

    /** How far a service came. */
    const reached = async (service: Child): Promise<number> => {
      const { stdout } = await service.ended;
      return Math.max(0, ...[...stdout.matchAll(/done (\d+)\n/g)].map(([, n]) => Number(n)));
    };
    for (let from = 0; from < TRANSACTIONS;) {
      const service = startChild(CHILD, ["write", json, `${from}`, `${TRANSACTIONS}`]);
      const stop = from + 60 + Math.floor(random.next() * 200);
      if (stop < TRANSACTIONS) {
        await service.until(new RegExp(`done ${stop}\\n`));
        service.kill("SIGKILL");
        kills.service++;
        from = Math.max(from, await reached(service)) + 1;
      } else {
        const { code, stderr } = await service.ended;
        assert.equal(code, 0, stderr);
        from = TRANSACTIONS;
      }
    }
    isWriting = false;
    written.resolve();
    await relays;

    await using last = await openParts(place);
    await last.box.drained();
    await reading.end();
    const truth = await db.sql<{ event_id: string }>`select event_id from truth`;
    const first = firstOf(reading.seen);
    report(
      `K17: ${truth.length} events committed, ${first.length} on Kafka in ${reading.seen.length} ` +
        `records, ${kills.service} services and ${kills.relay} relays killed`,
    );
    assert.deepEqual(
      first.map(({ id }) => id).sort(),
      truth.map(({ event_id }) => event_id).sort(),
    );
    assert.deepEqual(disorder(first), []);
    assert.ok(kills.service >= 3 && kills.relay >= 3);
    assert.ok(truth.length > 500);
  });
}
