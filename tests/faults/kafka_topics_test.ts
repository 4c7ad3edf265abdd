// K14: the log is not what the group remembers. Never a silent jump to its end.

import assert from "node:assert/strict";
import test from "node:test";
import type { Bus } from "../../bus/mod.ts";
import { freshGroup, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { real } from "../_real.ts";
import {
  adminOf,
  committedOf,
  endsOf,
  openKafka,
  type Prices,
  publishTo,
  within,
} from "./_kafka.ts";
import { report } from "./_report.ts";

const server = await real(() => realKafka({ own: true, settings: { "num.partitions": "1" } }));

if (server !== undefined) {
  const { brokers } = server;
  const admin = adminOf(brokers);
  test.after(() => admin.close());
  const quick = { brokers, heartbeatMs: 200, sessionMs: 6000 };
  const again = /read from its first offset again/;

  const make = (name: string) => admin.createTopics({ topics: [name], partitions: 1, replicas: 1 });
  const reader = async (
    group: string,
    target: Prices,
    seen: number[],
    startAt: "earliest" | "latest" = "earliest",
  ) => {
    const logger = testLogger();
    const bus: Bus = await openKafka(quick, { consumerGroup: group, ensureTopics: false }, {
      logger,
    });
    await bus.subscribe(target, (event) => void seen.push(numberOf(event)), { startAt });
    return { bus, logger };
  };
  const publishFresh = async (target: Prices, count: number, from = 0): Promise<void> => {
    await using bus = await openKafka({ brokers });
    await publishTo(bus, target, count, () => "k", from);
  };
  const isCommitted = (group: string, target: Prices, count = 1) => async () =>
    `${await committedOf(admin, group, target.name, count)}` ===
      `${await endsOf(admin, target.name, count)}`;

  test("K14: where what a group wants is deleted from the log it reads from the first that is left, and says so", async () => {
    const target = freshTopic();
    const group = freshGroup();
    const seen: number[] = [];
    await publishFresh(target, 10);
    const first = await reader(group, target, seen);
    await within(10_000, isCommitted(group, target), "10 committed");
    await first.bus.close();
    await publishFresh(target, 90, 10);
    await admin.deleteRecords({
      topics: [{ name: target.name, partitions: [{ partition: 0, offset: 50n }] }],
    });
    const second = await reader(group, target, seen);
    await within(10_000, () => seen.includes(99), "the last event");
    await second.bus.close();
    report(`K14 out of range: first 10, then ${seen[10]} to ${seen.at(-1)}, ${seen.length} in all`);
    assert.deepEqual(seen.slice(10), Array.from({ length: 50 }, (_, n) => 50 + n));
    second.logger.expect({ level: "warn", message: again });
  });

  test("K14: a topic deleted and made again under a running consumer is read from its beginning", async () => {
    const target = freshTopic();
    const group = freshGroup();
    const seen: number[] = [];
    await publishFresh(target, 50);
    const one = await reader(group, target, seen);
    await within(10_000, isCommitted(group, target), "50 committed");
    await admin.deleteTopics({ topics: [target.name] });
    await within(
      10_000,
      async () => !(await admin.listTopics()).includes(target.name),
      "a topic that is gone",
    );
    await make(target.name);
    await publishFresh(target, 100, 1000);
    await within(20_000, () => seen.includes(1099), "the last event of the new topic").catch(
      () => {},
    );
    await one.bus.close();
    const missing = Array.from({ length: 100 }, (_, n) => 1000 + n).filter((n) =>
      !seen.includes(n)
    );
    report(
      `K14 made again, running: ${missing.length} of 100 missing, ${
        seen.length - 50
      } handled after`,
    );
    assert.deepEqual(missing, []);
  });

  test("K14: a topic made again while its consumer is idle does not inherit the old offset after a restart", async () => {
    const target = freshTopic();
    const group = freshGroup();
    const seen: number[] = [];
    await publishFresh(target, 50);
    const one = await reader(group, target, seen);
    await within(10_000, isCommitted(group, target), "50 committed");
    await admin.deleteTopics({ topics: [target.name] });
    await within(
      10_000,
      async () => !(await admin.listTopics()).includes(target.name),
      "a topic that is gone",
    );
    await make(target.name);
    await within(
      10_000,
      () => one.logger.entries.some(({ message }) => again.test(message)),
      "a consumer that has noticed",
    );
    await one.bus.close();
    const committed = await committedOf(admin, group, target.name, 1);
    await publishFresh(target, 100, 1000);
    const two = await reader(group, target, seen);
    await within(10_000, () => seen.includes(1099), "the last event").catch(() => {});
    await two.bus.close();
    const missing = Array.from({ length: 100 }, (_, n) => 1000 + n).filter((n) =>
      !seen.includes(n)
    );
    report(
      `K14 made again, idle, restarted: committed ${committed} on the empty topic; ${missing.length} of 100 missing`,
    );
    assert.deepEqual(missing, []);
  });

  test("K14: partitions that are added are found and read from their beginning, also by who started at the end", async () => {
    const target = freshTopic();
    const group = freshGroup();
    const seen: number[] = [];
    await publishFresh(target, 5);
    const one = await reader(group, target, seen, "latest");
    await admin.createPartitions({
      topics: [{
        name: target.name,
        count: 4,
        assignments: [{ brokerIds: [1] }, { brokerIds: [1] }, { brokerIds: [1] }],
      }],
      validateOnly: false,
    });
    await using bus = await openKafka({ brokers });
    await publishTo(bus, target, 60, (n) => `${n}`, 100);
    const tookMs = await within(20_000, () => new Set(seen).size >= 60, "60 events").catch(() =>
      -1
    );
    await one.bus.close();
    report(
      `K14 added: ${new Set(seen).size} of 60 after ${Math.round(tookMs)} ms; ${await endsOf(
        admin,
        target.name,
        4,
      )} on the log`,
    );
    assert.equal(seen.filter((n) => n >= 100).length, 60);
    assert.equal(seen.filter((n) => n < 100).length, 0);
  });
}
