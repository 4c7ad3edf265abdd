// Handlers whose database goes away: their events wait, and nobody buries them.

import assert from "node:assert/strict";
import test from "node:test";
import { sleep, systemClock } from "../../core/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { freshGroup, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { real } from "../_real.ts";
import { adminOf, endsOf, load, ms, openKafka, within } from "./_kafka.ts";
import { report } from "./_report.ts";
import { openPostgres } from "./_postgres.ts";

const AWAY_MS = 20_000;
const PARTITIONS = 3;

const postgres = await real(() => realPostgres({ own: true }));
const server = postgres === undefined
  ? undefined
  : await real(() => realKafka({ own: true, settings: { "num.partitions": `${PARTITIONS}` } }));

if (postgres !== undefined && server !== undefined) {
  test("row 25: PostgreSQL stopped for 20 s under load buries no event, uses up no attempts, and all are handled after", async () => {
    const target = freshTopic();
    const { brokers } = server;
    await using database = await openPostgres(postgres.section);
    await database.sql`create table seen (n bigint primary key)`;
    const section = {
      consumerGroup: freshGroup(),
      retry: { maxAttempts: 3, initialDelay: ms(100), maxDelay: ms(1000) },
    };
    await using bus = await openKafka({ brokers }, section);
    await bus.ensureTopics([target]);
    const work = load(bus, target, { callers: 8, atOnce: 2, pauseMs: 20 });
    const handled = new Set<number>();
    let [failures, most] = [0, 0];
    const codes = new Set<string>();
    const subscription = await bus.subscribe(target, async (event, { attempt }) => {
      const number = numberOf(event);
      most = Math.max(most, attempt);
      try {
        await database.sql`insert into seen values (${number}) on conflict do nothing`.execute();
      } catch (error) {
        failures++;
        codes.add(
          isCqiError(error) ? `${error.code}${error.retryable ? "" : " for good"}` : `${error}`,
        );
        throw error;
      }
      handled.add(number);
    }, { dependsOn: [database] });
    await within(20_000, () => handled.size > 300, "some events");
    await postgres.stop("immediate");
    const stopped = systemClock.monotonic();
    const pauseMs = await within(10_000, () => subscription.state === "waiting", "the pause");
    const [before, failuresThen] = [handled.size, failures];
    await sleep(systemClock, AWAY_MS - (systemClock.monotonic() - stopped));
    const during = handled.size - before;
    const lateFailures = failures - failuresThen;
    const waiting = work.accepted.size - handled.size;
    await postgres.start();
    const flowMs = await within(20_000, () => handled.size > before, "events again");
    await work.stop();
    const missing = (): number =>
      [...work.accepted].filter((number) => !handled.has(number)).length;
    // What is missing is counted below.
    await within(20_000, () => missing() === 0, "every event").catch(() => {});
    const [row] = await database.sql`select count(*)::int as n from seen`.rows();
    const letters = await bus.deadLetters(target).list();
    const admin = adminOf(brokers);
    const buried = await endsOf(admin, `${target.name}.dlq`, PARTITIONS);
    await admin.close();
    report(
      `row 25: ${work.accepted.size} events, ${handled.size} handled, ${row!["n"]} rows; waiting ` +
        `after ${Math.round(pauseMs)} ms; ${during} handled and ${lateFailures} failed in ` +
        `${AWAY_MS} ms (${failuresThen} before the pause, ${[
          ...codes,
        ]}), ${waiting} waited; again after ` +
        `${
          Math.round(flowMs)
        } ms; highest attempt ${most}; ${missing()} missing, ${buried} dead letters ` +
        `${letters.map(({ message }) => message)}`,
    );
    assert.equal(missing(), 0);
    assert.deepEqual(letters, []);
    assert.equal(buried.reduce((a, b) => a + b, 0n), 0n);
    assert.equal(during, 0);
    assert.equal(most, 1);
    // No more than were in hand.
    assert(failures <= 16, `${failures} failures`);
    assert.equal(row!["n"], handled.size);
  });
}
