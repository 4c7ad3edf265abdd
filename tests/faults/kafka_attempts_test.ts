// K17: attempts of events that fail, over members that are killed; and a broker that keeps no notes.

import assert from "node:assert/strict";
import test from "node:test";
import { collector, freshGroup, freshTopic, publishNumbers } from "../../testing/_bus_kit.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { real } from "../_real.ts";
import { adminOf, ms, openKafka, within } from "./_kafka.ts";
import { report } from "./_report.ts";
import { startMember } from "./_kafka_member.ts";

const server = await real(() => realKafka({ own: true, settings: { "num.partitions": "1" } }));
if (server !== undefined) {
  const { brokers } = server;

  test("K17 attempts count on over members that are killed with SIGKILL", async () => {
    const target = freshTopic();
    const group = freshGroup();
    await using producer = await openKafka({ brokers });
    await producer.ensureTopics([target]);
    await publishNumbers(producer, target, 0, 5, (n) => `k${n}`);
    const admin = adminOf(brokers);
    const topics = [{ name: target.name, partitionIndexes: [0] }];
    const noteOf = async (): Promise<string | null | undefined> => {
      const [found] = await admin.listConsumerGroupOffsets({
        groups: [{ groupId: group, topics }],
      });
      return found?.topics[0]?.partitions[0]?.metadata;
    };
    const lives: string[][] = [];
    for (let life = 0; life < 3; life++) {
      const member = startMember({
        place: { brokers, sessionMs: 1500, heartbeatMs: 200 },
        topic: target.name,
        group,
        takesMs: [0, 0],
        fails: true,
      });
      const failed: string[] = [];
      member.process.stdout!.on("data", (chunk) => {
        failed.push(...String(chunk).split("\n").filter((line) => line.startsWith("failed ")));
      });
      const wanted = `a1:${[0, 1, 2, 3, 4].map((n) => `+${n}=${life + 1}`).join()}`;
      await within(40_000, async () => await noteOf() === wanted, wanted);
      member.kill("SIGKILL");
      await member.ended;
      lives.push(failed.sort());
    }
    await admin.close();
    report(`lives, each with what failed in it: ${lives.map((all) => all.join(", ")).join(" | ")}`);
    for (const [life, failed] of lives.entries()) {
      assert.deepEqual(failed, [0, 1, 2, 3, 4].map((n) => `failed ${n} ${life + 1}`));
    }
  });
}

const narrow = await real(() =>
  realKafka({
    own: true,
    settings: { "num.partitions": "1", "offset.metadata.max.bytes": "4" },
  })
);
if (narrow !== undefined) {
  test("K17 a broker that has no room for notes has offsets committed without", async () => {
    const target = freshTopic();
    const group = freshGroup();
    await using bus = await openKafka({ brokers: narrow.brokers }, {
      retry: { maxAttempts: 3, initialDelay: ms(1) },
    });
    const done = collector<number>();
    await bus.subscribe(target, (_event, { attempt }) => {
      if (attempt < 3) throw new Error("passing");
      done.add(attempt);
    }, { group });
    await publishNumbers(bus, target, 0, 5);
    assert.deepEqual(await done.until((seen) => seen.length === 5), [3, 3, 3, 3, 3]);
  });
}
