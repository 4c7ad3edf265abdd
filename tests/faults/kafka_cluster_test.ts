// Three brokers, three copies, two of which must have a record: one is killed, one hangs, all are
// restarted in turn, two are gone.

import assert from "node:assert/strict";
import process from "node:process";
import test from "node:test";
import { sleep, systemClock } from "../../core/mod.ts";
import { freshGroup, freshTopic } from "../../testing/_bus_kit.ts";
import { type KafkaNode, realKafka } from "../../testing/real_kafka.ts";
import { judge } from "../bridge/_judge.ts";
import { real } from "../_real.ts";
import {
  adminOf,
  byRule,
  counted,
  load,
  type LoadOptions,
  ms,
  onLog,
  openKafka,
  repeats,
  watch,
  within,
} from "./_kafka.ts";
import { report } from "./_report.ts";

const PARTITIONS = 3;
const RETRIED: LoadOptions = { callers: 12, pauseMs: 10 };

const server = await real(() => realKafka({ own: true, brokers: 3 }));

if (server !== undefined) {
  const { brokers, nodes } = server;

  interface Outcome {
    readonly slowestMs: number;
    /** The longest time without an event handled. */
    readonly stallMs: number;
    readonly refused: number;
  }

  /** A producer and a consumer under load, while `fault` does its worst. */
  const underLoad = async (
    row: string,
    publishMs: number,
    fault: (leader: KafkaNode, coordinator: KafkaNode) => Promise<void>,
  ): Promise<Outcome> => {
    const target = freshTopic();
    const group = freshGroup();
    const section = { consumerGroup: group, publishTimeout: ms(publishMs) };
    const place = { brokers, sessionMs: 10_000, client: { requestTimeout: ms(5000) } };
    await using producer = await openKafka(place, section);
    await using consumer = await openKafka(place, section);
    await producer.ensureTopics([target]);
    const work = load(producer, target, RETRIED);
    const { history } = work;
    const handled = new Set<string>();
    let deliveries = 0;
    await consumer.subscribe(target, async (event) => {
      const uuid = `${event.price!.sequence}`;
      history.push({ kind: "deliver", group, uuid });
      deliveries++;
      await sleep(systemClock, 2);
      history.push({ kind: "ack", group, uuid });
      handled.add(uuid);
    });
    const health = watch(consumer);
    let longestMs = 0;
    let last = systemClock.monotonic();
    let size = 0;
    const stalls = setInterval(() => {
      const now = systemClock.monotonic();
      if (handled.size !== size) last = now;
      size = handled.size;
      longestMs = Math.max(longestMs, now - last);
    }, 50);
    await within(30_000, () => handled.size > 300, "some events");

    const admin = adminOf(brokers);
    const metadata = await admin.metadata({ topics: [target.name] });
    const led = metadata.topics.get(target.name)!.partitions[0]!.leader;
    const [found] = await admin.findCoordinator({ keyType: 0, keys: [group] });
    await admin.close();
    history.push({ kind: "disrupt", group });
    await fault(nodes[led - 1]!, nodes[found!.nodeId - 1]!);
    // What was in hand may come again where the member had to join anew.
    history.push({ kind: "disrupt", group });

    const greenMs = await within(10_000, () => health.isGreen, "a bus that is well again");
    const then = handled.size;
    await within(20_000, () => handled.size > then + 300, "new events");
    await work.stop();
    await within(
      30_000,
      () => [...work.accepted].every((number) => handled.has(`${number}`)),
      "every acknowledged event",
    );
    clearInterval(stalls);
    await health.stop();
    await using reader = await openKafka(place);
    const after = adminOf(brokers);
    const log = await onLog(reader, after, target, PARTITIONS);
    await after.close();
    const findings = judge(history, [group]);
    const there = new Set(log);
    const lost = [...work.accepted].filter((number) => !there.has(number));
    const unsaid = [...work.refused].filter(([number, { details }]) =>
      there.has(number) && details["outcome"] === "not_written"
    );
    report(
      `${row}: ${work.accepted.size} acknowledged, ${work.refused.size} refused ` +
        `(${counted(work.refused)}), slowest ${Math.round(work.slowestMs)} ms; ${log.length} on ` +
        `the log, ${repeats(log)} of them twice, ${lost.length} acknowledged ones missing, ` +
        `${unsaid.length} said not to be written; ${handled.size} handled, ` +
        `${deliveries - handled.size} again, none for at most ${Math.round(longestMs)} ms; green ` +
        `${Math.round(greenMs)} ms after; findings ${JSON.stringify(byRule(findings))}`,
    );
    assert.deepEqual(lost, []);
    assert.deepEqual(unsaid, []);
    assert.equal(repeats(log), 0);
    // Refused or not, an event whose outcome nobody knew may be there.
    const known = findings.filter(({ rule }) => rule !== "duplicate");
    assert.deepEqual(known, []);
    for (const error of work.refused.values()) {
      assert.equal(error.code, "CQI_BUS_UNAVAILABLE", error.message);
      assert.equal(error.retryable, true);
      assert(["unknown", "not_written"].includes(String(error.details["outcome"])));
    }
    return { slowestMs: work.slowestMs, stallMs: longestMs, refused: work.refused.size };
  };

  test("K1: the leader of a partition killed under load, one of three, costs no event", async () => {
    const { slowestMs, stallMs, refused } = await underLoad("K1 leader", 30_000, async (leader) => {
      await leader.kill();
      await sleep(systemClock, 8000);
      await leader.start();
    });
    assert.equal(refused, 0);
    assert(slowestMs < 15_000, `${slowestMs} ms`);
    assert(stallMs < 15_000, `${stallMs} ms`);
  });

  // Brokers that stop in peace take their time.
  if (process.env["TEST_LONG"]) {
    test("K1: three brokers restarted one after another under load cost no event", async () => {
      const { refused, slowestMs } = await underLoad("K1 rolling", 30_000, async () => {
        for (const node of nodes) {
          await node.stop();
          await node.start();
        }
      });
      assert.equal(refused, 0);
      assert(slowestMs < 15_000, `${slowestMs} ms`);
    });
  }

  test("K4: the coordinator of the group hangs for 12 s, and the others are used", async () => {
    const { refused, slowestMs, stallMs } = await underLoad(
      "K4",
      30_000,
      async (_, coordinator) => {
        coordinator.freeze();
        try {
          await sleep(systemClock, 12_000);
        } finally {
          coordinator.thaw();
        }
      },
    );
    assert.equal(refused, 0);
    assert(slowestMs < 15_000, `${slowestMs} ms`);
    assert(stallMs < 15_000, `${stallMs} ms`);
  });

  test("K2: two of three killed for 10 s, publications are refused in time or kept, and nothing acknowledged is lost", async () => {
    const { slowestMs } = await underLoad("K2", 5000, async (leader) => {
      const gone = nodes.filter((node) => node !== leader);
      await Promise.all(gone.map((node) => node.kill()));
      await sleep(systemClock, 10_000);
      await Promise.all(gone.map((node) => node.start()));
    });
    assert(slowestMs < 7000, `${slowestMs} ms`);
  });
}
