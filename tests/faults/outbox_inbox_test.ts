import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { realKafka } from "../../testing/real_kafka.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { startChild } from "../_child.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { alert, firstOf, openParts, placeOf, read, topicOf } from "./_outbox.ts";
import { report } from "./_report.ts";

const CHILD = fileURLToPath(new URL("_outbox_child.ts", import.meta.url));

const postgres = await real(() => realPostgres());
const broker = postgres === undefined ? undefined : await real(() => realKafka());

if (postgres !== undefined && broker !== undefined) {
  test("K17: an event delivered five times, with crashes after the commit and before the offset, is applied once", async () => {
    const place = placeOf(postgres, broker);
    const json = JSON.stringify(place);
    await using parts = await openParts(place, { relay: false });
    await parts.db.sql`create table effects (event_id text not null)`;
    const topic = topicOf(place);
    const reading = read(parts.bus, place, () => 0);
    const cause = { ...alert(5, "cause:0"), eventId: crypto.randomUUID() };
    for (let n = 0; n < 3; n++) await parts.bus.publish(topic, cause);

    const crashes: string[] = [];
    for (let n = 0; n < 2; n++) {
      const { stdout } = await startChild(CHILD, ["consume", json, "crash"]).ended;
      crashes.push(...stdout.match(/cause.*/g) ?? []);
    }
    const last = startChild(CHILD, ["consume", json, "live"]);
    const { 0: text } = await last.until(/(?:cause.*\n(?:.*\n)*?){3}/);
    const deliveries = [...crashes, ...text.match(/cause.*/g) ?? []];
    await until(() => reading.seen.some(({ message }) => message === "follows:1"), "what follows");
    last.kill("SIGKILL");
    await last.ended;
    await reading.end();
    const effects = await parts.db.sql`select event_id from effects`;
    const follows = firstOf(reading.seen).filter(({ message }) => message.startsWith("follows"));
    report(
      `K17: delivered ${deliveries.length} times (${deliveries.join(", ")}), applied ` +
        `${effects.length} time, ${follows.length} event follows`,
    );
    assert.ok(deliveries.length >= 5);
    assert.equal(deliveries.filter((line) => line.endsWith("applied")).length, 1);
    assert.deepEqual(effects, [{ event_id: cause.eventId }]);
    assert.equal(follows.length, 1);
  });
}
