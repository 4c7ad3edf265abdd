// What the bus on Kafka is to do at stated numbers: 10,000 events byte by byte, 100,000 in order over
// a rebalance, a handler a thousand times slower than the producer (for a minute with TEST_LONG=1).

import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import process from "node:process";
import test from "node:test";
import { type Bus, topic } from "../../bus/mod.ts";
import { sleep, systemClock } from "../../core/mod.ts";
import { freshGroup, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { real } from "../_real.ts";
import { adminOf, committedOf, endsOf, openKafka, within } from "./_kafka.ts";
import { report } from "./_report.ts";
import { startMember } from "./_kafka_member.ts";

const PARTITIONS = 6;
const SLOW_MS = process.env["TEST_LONG"] ? 60_000 : 8000;

const server = await real(() =>
  realKafka({ own: true, settings: { "num.partitions": `${PARTITIONS}` } })
);

if (server !== undefined) {
  const { brokers } = server;
  const admin = adminOf(brokers);
  test.after(() => admin.close());

  test("row 1: 10,000 events over 6 partitions are published and all received, byte by byte the same", async () => {
    const blobs = topic(BytesValueSchema, { name: freshTopic().name });
    await using bus = await openKafka({ brokers }, { consumerGroup: freshGroup() });
    await bus.ensureTopics([blobs]);
    const random = seededRandom(1);
    const sent = Array.from(
      { length: 10_000 },
      () => Uint8Array.from({ length: 1 + random.next() * 200 }, () => random.next() * 256),
    );
    const start = systemClock.monotonic();
    const published = await Promise.all(
      sent.map((value, n) => bus.publish(blobs, { value }, { key: `${n}` })),
    );
    const publishedMs = systemClock.monotonic() - start;
    const received = new Map<number, Uint8Array>();
    let again = 0;
    await bus.subscribe(blobs, (event, { key }) => {
      if (received.has(Number(key))) again++;
      received.set(Number(key), event.value);
    });
    await within(30_000, () => received.size === sent.length, "10,000 events");
    const differ = sent.filter((value, n) => !Buffer.from(value).equals(received.get(n)!));
    const used = new Set(published.map(({ partition }) => partition)).size;
    report(
      `row 1: 10,000 published within ${Math.round(publishedMs)} ms over ${used} partitions, ` +
        `${received.size} received, ${again} again, ${differ.length} differ`,
    );
    assert.deepEqual([used, differ.length, again], [PARTITIONS, 0, 0]);
  });

  test("row 9: 100 keys of 1,000 events each stay in order under three consumers and a rebalance", async () => {
    const [keys, each] = [100, 1000];
    const target = freshTopic();
    const group = freshGroup();
    const place = { brokers, heartbeatMs: 200, sessionMs: 6000 };
    await using producer = await openKafka(place);
    await producer.ensureTopics([target]);
    const last = new Map<string, number>();
    const handled = new Set<string>();
    const perMember: number[] = [];
    let [again, total] = [0, 0];
    const disorder: string[] = [];
    const member = async (): Promise<Bus> => {
      const index = perMember.push(0) - 1;
      const bus = await openKafka(place, { consumerGroup: group });
      await bus.subscribe(target, (event, { key }) => {
        const n = numberOf(event);
        perMember[index]!++;
        if (handled.has(`${key} ${n}`)) return void again++;
        handled.add(`${key} ${n}`);
        if (n !== (last.get(key!) ?? -1) + 1) disorder.push(`${key}: ${n} after ${last.get(key!)}`);
        last.set(key!, n);
        total++;
      });
      return bus;
    };
    const members = await Promise.all([member(), member(), member()]);
    const publish = async (key: number): Promise<void> => {
      for (let n = 0; n < each; n += 50) {
        await Promise.all(
          Array.from(
            { length: 50 },
            (_, index) =>
              producer.publish(target, aPriceUpdated({ sequence: BigInt(n + index) }), {
                key: `${key}`,
              }),
          ),
        );
      }
    };
    const publishing = Promise.all(Array.from({ length: keys }, (_, key) => publish(key)));
    await within(60_000, () => total > 20_000, "20,000 events");
    await members.shift()!.close();
    members.push(await member());
    await publishing;
    await within(60_000, () => total === keys * each, "100,000 events");
    await Promise.all(members.map((bus) => bus.close()));
    const ends = await endsOf(admin, target.name, PARTITIONS);
    report(
      `row 9: ${total} of ${
        keys * each
      } handled by ${perMember} (the first left, the last came), ` +
        `${again} again, ${disorder.length} out of order`,
    );
    assert.deepEqual(disorder, []);
    assert(perMember.every((count) => count > 0), `${perMember}`);
    assert.deepEqual(await committedOf(admin, group, target.name, PARTITIONS), ends);
  });

  test("row 13: a handler of 10 events a second before a producer of 10,000 stays within bounds", async () => {
    const name = freshTopic().name;
    const blobs = topic(BytesValueSchema, { name });
    await using producer = await openKafka({ brokers });
    await producer.ensureTopics([blobs]);
    const slow = startMember({
      place: { brokers },
      topic: name,
      group: freshGroup(),
      of: "bytes",
      takesMs: [100, 100],
      concurrency: 1,
      memory: true,
    });
    const value = new Uint8Array(200);
    const start = systemClock.monotonic();
    let published = 0;
    let early = 0;
    while (systemClock.monotonic() - start < SLOW_MS) {
      const due = Math.min(1000, (systemClock.monotonic() - start) * 10 - published);
      await Promise.all(
        Array.from(
          { length: Math.max(0, due) },
          (_, n) => producer.publish(blobs, { value }, { key: `${published + n}` }),
        ),
      );
      published += Math.max(0, Math.floor(due));
      // What it takes to start and to read ahead is there by then.
      if (early === 0 && slow.done.length > 20) early = slow.peakMiB;
      await sleep(systemClock, 20);
    }
    const tookMs = systemClock.monotonic() - start;
    slow.kill("SIGTERM");
    const ended = await slow.ended;
    report(
      `row 13: ${published} published in ${Math.round(tookMs / 1000)} s, ${slow.done.length} ` +
        `handled; memory of the consumer ${early} MiB after 20, at most ${slow.peakMiB} MiB`,
    );
    assert.equal(ended.code, 0, ended.stderr);
    assert(early > 0 && slow.done.length < published / 100);
    assert(slow.peakMiB - early < 80, `${slow.peakMiB - early} MiB more`);
  });
}
