// The link to a broker: cut, silent, slow, not there yet. The broker tells clients the proxy's port,
// so that everything goes through it.

import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import test from "node:test";
import { topic } from "../../bus/mod.ts";
import { sleep, systemClock } from "../../core/mod.ts";
import { freshGroup, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { judge } from "../bridge/_judge.ts";
import { real } from "../_real.ts";
import {
  adminOf,
  byRule,
  committedOf,
  counted,
  endsOf,
  load,
  ms,
  onLog,
  openKafka,
  publishTo,
  repeats,
  watch,
  within,
} from "./_kafka.ts";
import { report } from "./_report.ts";
import { startProxy } from "./_proxy.ts";

const PARTITIONS = 4;

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(":") + 1));

let target = 0;
const proxy = await startProxy(() => target);
const server = await real(async () => {
  const kafka = await realKafka({
    own: true,
    settings: {
      "num.partitions": `${PARTITIONS}`,
      "advertised.listeners": `PLAINTEXT://127.0.0.1:${proxy.port}`,
    },
  });
  target = portOf(kafka.brokers[0]!);
  return kafka;
});
test.after(() => proxy.close());

if (server !== undefined) {
  const direct = portOf(server.brokers[0]!);
  const node = server.nodes[0]!;
  const brokers = [`127.0.0.1:${proxy.port}`];

  test("K5 K7: a connection cut 50 times while 5,000 events are published leaves 5,000 on the log", async () => {
    const prices = freshTopic();
    await using bus = await openKafka({ brokers });
    await bus.ensureTopics([prices]);
    const random = seededRandom(7);
    const work = load(bus, prices, { total: 5000, callers: 32, atOnce: 4, pauseMs: 2 });
    const stopped = work.stop();
    let cuts = 0;
    let lostAnswers = 0;
    for (let next = 60; cuts < 50; cuts++, next += 60 + Math.floor(random.next() * 50)) {
      await within(
        20_000,
        () => work.accepted.size + work.refused.size >= Math.min(next, 4990),
        `${next} events`,
      );
      if (cuts % 2 === 0) proxy.cut();
      else {
        // The batch is on the log, and nobody hears of it.
        await proxy.loseNextAnswer();
        lostAnswers++;
      }
    }
    await stopped;
    const admin = adminOf(brokers);
    const log = await onLog(bus, admin, prices, PARTITIONS);
    await admin.close();
    report(
      `K5 K7: ${cuts} cuts, ${lostAnswers} of them with an answer under way; ` +
        `${work.accepted.size} acknowledged, ${work.refused.size} refused, slowest ` +
        `${Math.round(work.slowestMs)} ms; ${log.length} on the log, ${new Set(log).size} distinct`,
    );
    assert.equal(work.refused.size, 0, counted(work.refused));
    assert.equal(log.length, 5000);
    assert.equal(new Set(log).size, 5000);
  });

  test("K5: a consumer whose connection is cut 20 times handles each event, in order, and commits", async () => {
    const prices = freshTopic();
    const group = freshGroup();
    await using bus = await openKafka({ brokers }, { consumerGroup: group });
    await bus.ensureTopics([prices]);
    const work = load(bus, prices, { total: 2000, pauseMs: 30 });
    const stopped = work.stop();
    const { history } = work;
    const handled = new Set<string>();
    let deliveries = 0;
    await bus.subscribe(prices, (event) => {
      const uuid = `${event.price!.sequence}`;
      deliveries++;
      handled.add(uuid);
      history.push({ kind: "deliver", group, uuid }, { kind: "ack", group, uuid });
    });
    for (let cut = 1; cut <= 20; cut++) {
      await within(20_000, () => handled.size >= cut * 90, `${cut * 90} events`);
      proxy.cut();
    }
    await stopped;
    await within(20_000, () => handled.size === 2000, "every event");
    const admin = adminOf(brokers);
    const ends = await endsOf(admin, prices.name, PARTITIONS);
    await within(
      10_000,
      async () => `${await committedOf(admin, group, prices.name, PARTITIONS)}` === `${ends}`,
      "every event committed",
    );
    await admin.close();
    const findings = judge(history, [group]);
    report(
      `K5 consumer: 20 cuts, ${work.accepted.size} acknowledged, ${handled.size} handled, ` +
        `${deliveries - handled.size} again; findings ${JSON.stringify(byRule(findings))}`,
    );
    assert.deepEqual(findings, []);
  });

  test("K5 K13: a link that is silent for 12 s and then goes on loses nothing, and says so meanwhile", async () => {
    const prices = freshTopic();
    const group = freshGroup();
    const place = {
      brokers,
      sessionMs: 6000,
      heartbeatMs: 500,
      client: { requestTimeout: ms(3000) },
    };
    await using producer = await openKafka(place);
    await using consumer = await openKafka(place, { consumerGroup: group });
    await producer.ensureTopics([prices]);
    const work = load(producer, prices, { callers: 8, pauseMs: 20 });
    const { history } = work;
    const handled = new Set<string>();
    let deliveries = 0;
    await consumer.subscribe(prices, (event) => {
      const uuid = `${event.price!.sequence}`;
      deliveries++;
      handled.add(uuid);
      history.push({ kind: "deliver", group, uuid }, { kind: "ack", group, uuid });
    });
    const health = watch(consumer);
    await within(20_000, () => handled.size > 200, "some events");
    history.push({ kind: "disrupt", group });
    proxy.hold(true);
    await sleep(systemClock, 12_000);
    const wasGreen = health.isGreen;
    proxy.hold(false);
    history.push({ kind: "disrupt", group });
    const greenMs = await within(10_000, () => health.isGreen, "a bus that is well again");
    const then = handled.size;
    await within(20_000, () => handled.size > then + 200, "new events");
    await work.stop();
    await within(20_000, () => handled.size >= work.accepted.size, "every event");
    await health.stop();
    const admin = adminOf(brokers);
    const written = (await endsOf(admin, prices.name, PARTITIONS)).reduce((a, b) => a + b, 0n);
    await admin.close();
    const findings = judge(history, [group]);
    report(
      `K5 silent for 12 s: ${work.accepted.size} acknowledged, ${work.refused.size} refused, ` +
        `slowest ${Math.round(work.slowestMs)} ms; ${written} on the log; ` +
        `${deliveries - handled.size} handled again; red after ${Math.round(health.redMs ?? -1)} ` +
        `ms, green ${Math.round(greenMs)} ms after; findings ${JSON.stringify(byRule(findings))}`,
    );
    assert.equal(work.refused.size, 0, counted(work.refused));
    assert.equal(written, BigInt(work.accepted.size));
    assert.equal(wasGreen, false);
    assert.deepEqual(findings.filter(({ rule }) => rule !== "duplicate"), []);
  });

  test("K6: over a slow link, 300 ms an answer, events go through without an error", async () => {
    const prices = freshTopic();
    const group = freshGroup();
    await using slow = await startProxy(direct);
    slow.faults.latencyMs = 300;
    target = slow.port;
    proxy.cut();
    try {
      await using bus = await openKafka({ brokers }, { consumerGroup: group });
      const start = systemClock.monotonic();
      await publishTo(bus, prices, 1000, (number) => `${number % 16}`);
      const publishedMs = systemClock.monotonic() - start;
      const handled: number[] = [];
      await bus.subscribe(prices, (event) => void handled.push(numberOf(event)));
      await within(30_000, () => handled.length >= 1000, "1,000 events");
      report(
        `K6: 1000 published in ${Math.round(publishedMs)} ms, ${handled.length} handled after ` +
          `${Math.round(systemClock.monotonic() - start)} ms, ${repeats(handled)} again`,
      );
      assert.equal(handled.length, 1000);
      assert.equal(repeats(handled), 0);
    } finally {
      target = direct;
      proxy.cut();
    }
  });

  test("K9: an event that the broker finds too large is refused at once, what shares its call and key is not tried, and all others are written", async () => {
    const blobs = topic(BytesValueSchema, { name: freshTopic().name });
    await using bus = await openKafka({ brokers }, { maxMessageBytes: 8n * 2n ** 20n });
    const publish = (number: number, length = 0, key = "k") => {
      const value = new Uint8Array(1 + length).fill(number);
      return bus.publish(blobs, { value }, { key });
    };
    await publish(0);
    const start = systemClock.monotonic();
    const outcomes = await Promise.allSettled([
      publish(1),
      publish(2, 3 * 2 ** 20),
      publish(3, 0, "other"),
      publish(5),
    ]);
    const tookMs = systemClock.monotonic() - start;
    await publish(4);
    const log: number[] = [];
    await using reader = bus.subscribe(blobs, { startAt: "earliest" });
    for await (const { event } of reader) if (log.push(event.value[0]!) >= 4) break;
    const admin = adminOf(brokers);
    const ends = await endsOf(admin, blobs.name, PARTITIONS);
    await admin.close();
    const [, refused, , behind] = outcomes;
    assert.equal(refused!.status, "rejected");
    const { code, retryable, message } = refused.reason;
    assert(behind!.status === "rejected" && behind.reason.retryable);
    report(`K9: ${code} after ${Math.round(tookMs)} ms; on the log ${log}`);
    assert.equal(code, "CQI_REQUEST_TOO_LARGE");
    assert.equal(retryable, false);
    assert.match(message, /MESSAGE_TOO_LARGE/);
    assert(tookMs < 3000, `${tookMs} ms`);
    assert.deepEqual(log.sort(), [0, 1, 3, 4]);
    assert.equal(ends.reduce((a, b) => a + b, 0n), 4n);
  });

  test("K3: a bus opened while every broker is down says so, and connects by itself when they are up", async () => {
    const prices = freshTopic();
    const group = freshGroup();
    const setUp = await openKafka({ brokers });
    await publishTo(setUp, prices, 10, () => "k");
    await setUp.close();
    await node.kill();
    await using bus = await openKafka({ brokers }, { consumerGroup: group });
    const handled: number[] = [];
    const subscribed = bus.subscribe(prices, (event) => void handled.push(numberOf(event)));
    const published = bus.publish(prices, aPriceUpdated({ sequence: 10n }), { key: "k" });
    const health = watch(bus, 200);
    await within(5000, () => !health.isGreen, "a bus that says that it is not well");
    await sleep(systemClock, 5000);
    const wasGreen = health.isGreen;
    await node.start();
    const readyMs = await within(10_000, () => health.isGreen, "a bus that is well");
    await Promise.all([subscribed, published]);
    await within(10_000, () => handled.length >= 11, "11 events");
    await health.stop();
    report(
      `K3: down for ${5000} ms and the start; well ${Math.round(readyMs)} ms after it was up; ` +
        `handled ${handled}`,
    );
    assert.equal(wasGreen, false);
    assert.deepEqual(handled, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("K3: with nobody there publishing says in time that nothing was written, and a subscriber may leave", async () => {
    const section = { consumerGroup: "g", publishTimeout: ms(2000) };
    for (const ensureTopics of [true, false]) {
      const bus = await openKafka({ brokers: ["127.0.0.1:1"] }, { ...section, ensureTopics });
      const prices = freshTopic();
      const start = systemClock.monotonic();
      const tookMs = (): number => Math.round(systemClock.monotonic() - start);
      const published = bus.publish(prices, aPriceUpdated(), { key: "k" }).then(
        () => assert.fail("published"),
        ({ code, retryable, details }) => ({ code, retryable, details, tookMs: tookMs() }),
      );
      const leaving = new AbortController();
      const left = bus.subscribe(prices, () => {}, { signal: leaving.signal }).then(
        () => assert.fail("subscribed"),
        (error) => ({ error, tookMs: tookMs() }),
      );
      const stays = assert.rejects(bus.subscribe(prices, () => {}, { group: "other" }), {
        code: "CQI_CLOSED",
      });
      assert.equal((await bus.check()).status, "down");
      leaving.abort(new Error("left"));
      const leave = await left;
      const publication = await published;
      const closing = tookMs();
      await bus.close();
      await stays;
      const closedMs = tookMs() - closing;
      report(
        `K3 nobody there, ensure_topics ${ensureTopics}: publication refused after ` +
          `${publication.tookMs} ms (publish_timeout 2000 ms), closed in ${closedMs} ms`,
      );
      assert.equal(publication.code, "CQI_BUS_UNAVAILABLE");
      assert.equal(publication.retryable, true);
      assert.deepEqual(publication.details, { outcome: "not_written" });
      assert(publication.tookMs >= 1900 && publication.tookMs < 3500, `${publication.tookMs} ms`);
      assert.equal(leave.error.message, "left");
      assert(leave.tookMs < 1500, `${leave.tookMs} ms`);
      assert(closedMs < 2000, `${closedMs} ms`);
    }
  });
}
