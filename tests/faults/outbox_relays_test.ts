import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../core/mod.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { startChild } from "../_child.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import {
  alert,
  disorder,
  firstOf,
  LEASE_MS,
  openParts,
  placeOf,
  read,
  type Seen,
  topicOf,
} from "./_outbox.ts";
import { report } from "./_report.ts";
import { openPostgres } from "./_postgres.ts";

const CHILD = fileURLToPath(new URL("_outbox_child.ts", import.meta.url));
const KEYS = 100;
const ROUNDS = 200;

const postgres = await real(() => realPostgres());
const broker = postgres === undefined ? undefined : await real(() => realKafka());

/** The longest that any key went without an event, in milliseconds. */
function longestStall(seen: readonly Seen[]): number {
  const last = new Map<string, number>();
  let longest = 0;
  for (const { key, atMs } of seen) {
    longest = Math.max(longest, atMs - (last.get(key) ?? atMs));
    last.set(key, atMs);
  }
  return longest;
}

if (postgres !== undefined && broker !== undefined) {
  test("three relays, one killed: 100 keys of 200 events each in order, no key stalled longer than a lease", async () => {
    const place = placeOf(postgres, broker);
    const json = JSON.stringify(place);
    await using parts = await openParts(place, { relay: false });
    const topic = topicOf(place);
    const now = (): number => systemClock.monotonic();
    const reading = read(parts.bus, place, now);
    const relays = [1, 2, 3].map(() => startChild(CHILD, ["relay", json]));
    await Promise.all(relays.map((relay) => relay.until(/ready\n/)));
    await until(async () =>
      (await parts.db.sql`
        select relay from cqi.outbox_lanes where relay is not null
        group by relay having count(*) between 20 and 22`).length === 3, "the lanes to be shared");
    let pauses = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const startedMs = now();
      await parts.box.transaction(async (tx) => {
        await Promise.all(
          Array.from({ length: KEYS }, (_, key) => tx.publish(topic, alert(key, `:${round}`))),
        );
      });
      pauses = Math.max(pauses, now() - startedMs);
      if (round === ROUNDS / 2) relays[1]!.kill("SIGKILL");
    }
    await until(() => firstOf(reading.seen).length === KEYS * ROUNDS, "all events");
    for (const relay of [relays[0]!, relays[2]!]) relay.kill("SIGKILL");
    await Promise.all(relays.map((relay) => relay.ended));
    await reading.end();
    const first = firstOf(reading.seen);
    const stallMs = longestStall(first);
    report(
      `relays: ${first.length} events in ${reading.seen.length} records, longest stall of a key ` +
        `${Math.round(stallMs)} ms with a lease of ${LEASE_MS} ms (longest transaction ` +
        `${Math.round(pauses)} ms)`,
    );
    assert.deepEqual(disorder(first), []);
    // The time until the writer's next transaction is not the relays'.
    assert.ok(stallMs < LEASE_MS + pauses + 500, `${stallMs} ms`);
  });

  test("D5: a slow transaction with the lower id is relayed after faster ones, none is skipped", async () => {
    const place = placeOf(postgres, broker);
    await using parts = await openParts(place);
    const topic = topicOf(place);
    const reading = read(parts.bus, place, () => 0);
    const gate = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const slow = parts.box.transaction(async (tx) => {
      await tx.publish(topic, alert(1, "slow:1"));
      written.resolve();
      await gate.promise;
    });
    await written.promise;
    for (let n = 2; n <= 20; n++) {
      await parts.box.transaction((tx) => tx.publish(topic, alert(1, `fast:${n}`)));
    }
    await until(() => reading.seen.length === 19, "the fast ones");
    gate.resolve();
    await slow;
    await until(() => reading.seen.length === 20, "the slow one");
    assert.equal(reading.seen.at(-1)?.message, "slow:1");
    await reading.end();
  });

  test("a commit is heard of by a relay that looks by itself only each hour, also after its listening was cut", async () => {
    const place = placeOf(postgres, broker);
    await using parts = await openParts(place, { relay: false });
    await using sender = await openParts(place, { pollInterval: "1h" });
    const topic = topicOf(place);
    const reading = read(parts.bus, place, () => 0);
    const publish = (message: string) =>
      parts.box.transaction((tx) => tx.publish(topic, alert(1, message)));
    const admin = await openPostgres(postgres.section);
    const listeners = () =>
      admin.sql<{ pid: number }>`
        select pid from pg_stat_activity
        where datname = current_database() and query like 'listen%'`;
    await until(async () => (await listeners()).length > 0, "the listening");
    await publish("heard:1");
    await until(() => reading.seen.length === 1, "the first event");
    const [{ pid }] = await listeners() as [{ pid: number }];
    await admin.sql`select pg_terminate_backend(${pid})`;
    await publish("lost:2");
    await until(() => reading.seen.length === 2, "what came while nobody listened");
    await until(async () => (await sender.box.backlog()).pending === 0, "both to be noted");
    await admin.close();
    await reading.end();
  });
}
