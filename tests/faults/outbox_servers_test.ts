import assert from "node:assert/strict";
import { test } from "node:test";
import { isCqiError } from "../../errors/mod.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { alert, disorder, firstOf, openParts, placeOf, read, topicOf } from "./_outbox.ts";
import { report } from "./_report.ts";

const postgres = await real(() => realPostgres({ own: true }));
const broker = postgres === undefined ? undefined : await real(() => realKafka({ own: true }));

if (postgres !== undefined && broker !== undefined) {
  test("K3: while the broker is away the service writes on, health says since when, and all is sent afterwards", async () => {
    const place = placeOf(postgres, broker);
    await using parts = await openParts(place, { alarmAfter: "1s", maxDelay: "500ms" });
    const topic = topicOf(place);
    const write = (n: number) =>
      parts.box.transaction((tx) => tx.publish(topic, alert(n % 7, `:${n}`)));
    for (let n = 1; n <= 50; n++) await write(n);
    await parts.box.drained();
    await broker.nodes[0]!.kill();
    for (let n = 51; n <= 250; n++) await write(n);
    await until(async () => (await parts.box.check()).status === "degraded", "the alarm");
    const { pending, oldestSeconds, parked } = await parts.box.backlog();
    assert.equal(pending, 200);
    assert.equal(parked, 0);
    assert.ok(oldestSeconds >= 1, `${oldestSeconds}`);
    await broker.nodes[0]!.start();
    await parts.box.drained({ signal: AbortSignal.timeout(60_000) });
    const reading = read(parts.bus, place, () => 0);
    await until(() => firstOf(reading.seen).length >= 250, "all events");
    await reading.end();
    const first = firstOf(reading.seen);
    report(
      `K3: ${first.length} of 250 events in ${reading.seen.length} records, ${pending} waited, the ` +
        `oldest ${oldestSeconds.toFixed(1)} s`,
    );
    assert.equal(first.length, 250);
    assert.deepEqual(disorder(first), []);
    assert.equal((await parts.box.check()).status, "ok");
  });

  test("P1: when PostgreSQL is killed and back, the relay goes on and what was committed is sent", async () => {
    const place = placeOf(postgres, broker);
    await using parts = await openParts(place, { maxDelay: "500ms" });
    const topic = topicOf(place);
    const committed = new Set<string>();
    const unknown = new Set<string>();
    let failures = 0;
    let isWriting = true;
    const writing = (async () => {
      for (let n = 1; isWriting; n++) {
        const eventId = crypto.randomUUID();
        try {
          await parts.box.transaction((tx) =>
            tx.publish(topic, { ...alert(n % 7, `:${n}`), eventId })
          );
          committed.add(eventId);
        } catch (error) {
          failures++;
          if (isCqiError(error, "CQI_DATABASE_OUTCOME_UNKNOWN")) unknown.add(eventId);
        }
      }
    })();
    for (let round = 0; round < 2; round++) {
      const before = committed.size;
      await until(() => committed.size > before + 100, "a hundred more");
      if (round === 0) await postgres.kill();
      else await postgres.stop("fast");
      await postgres.start();
    }
    const after = committed.size;
    await until(() => committed.size > after + 100, "writing to go on");
    isWriting = false;
    await writing;
    await parts.box.drained({ signal: AbortSignal.timeout(60_000) });
    const reading = read(parts.bus, place, () => 0);
    await until(() => firstOf(reading.seen).length >= committed.size, "all events");
    await reading.end();
    const first = firstOf(reading.seen);
    const seen = new Set(first.map(({ id }) => id));
    const missing = [...committed].filter((id) => !seen.has(id));
    const extra = [...seen].filter((id) => !committed.has(id) && !unknown.has(id));
    report(
      `P1: ${committed.size} committed, ${failures} failed, ${unknown.size} unknown, ` +
        `${seen.size} on Kafka in ${reading.seen.length} records`,
    );
    assert.deepEqual([missing, extra], [[], []]);
    assert.deepEqual(disorder(first), []);
  });
}
