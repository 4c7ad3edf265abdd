// A member that stands still for longer than its session, as one on a machine that swaps does, and
// goes on amid its handlers when others have its partitions.

import assert from "node:assert/strict";
import test from "node:test";
import { sleep, systemClock } from "../../core/mod.ts";
import { freshGroup, freshTopic } from "../../testing/_bus_kit.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { real } from "../_real.ts";
import { adminOf, committedOf, endsOf, load, openKafka, repeats, within } from "./_kafka.ts";
import { startMember } from "./_kafka_member.ts";
import { report } from "./_report.ts";

const PARTITIONS = 4;
const SESSION_MS = 1500;

const server = await real(() =>
  realKafka({ own: true, settings: { "num.partitions": `${PARTITIONS}` } })
);

if (server !== undefined) {
  const { brokers } = server;
  const admin = adminOf(brokers);
  test.after(() => admin.close());

  test("K5: a member frozen for three sessions amid its handlers moves no offset back when it goes on, and costs no event", async () => {
    const target = freshTopic();
    const group = freshGroup();
    await using producer = await openKafka({ brokers });
    await producer.ensureTopics([target]);
    const work = load(producer, target, { callers: 24, atOnce: 1, pauseMs: 60 });
    const start = () =>
      startMember({
        place: { brokers, heartbeatMs: 200, sessionMs: SESSION_MS },
        topic: target.name,
        group,
        takesMs: [10, 60],
      });
    const [frozen, other] = [start(), start()];
    await within(20_000, () => frozen.begun.length > 50 && other.begun.length > 50, "two at work");
    const highest: bigint[] = Array(PARTITIONS).fill(-1n);
    let back = 0;
    const look = async (): Promise<readonly bigint[]> => {
      const committed = await committedOf(admin, group, target.name, PARTITIONS);
      committed.forEach((offset, partition) => {
        if (offset < highest[partition]!) back++;
        else highest[partition] = offset;
      });
      return committed;
    };
    frozen.kill("SIGSTOP");
    const [stoppedMs, begunThen] = [systemClock.monotonic(), frozen.begun.length];
    // Others take all of it over before the session has passed a third time.
    await within(20_000, async () => {
      const before = await look();
      await sleep(systemClock, 200);
      const after = await look();
      return after.every((offset, partition) => offset > before[partition]!);
    }, "every partition in other hands");
    while (systemClock.monotonic() - stoppedMs < 3 * SESSION_MS) {
      await look();
      await sleep(systemClock, 50);
    }
    const unfinished = begunThen - frozen.done.length;
    frozen.kill("SIGCONT");
    await within(20_000, async () => {
      await look();
      return frozen.begun.length > begunThen + 50;
    }, "the frozen one at work again");
    await work.stop();
    const missing = (): number[] => {
      const known = new Set([...frozen.done, ...other.done]);
      return [...work.accepted].filter((number) => !known.has(number));
    };
    await within(20_000, () => missing().length === 0, "every acknowledged event").catch(() => {});
    for (const each of [frozen, other]) each.kill("SIGTERM");
    const ended = await Promise.all([frozen.ended, other.ended]);
    const committed = await look();
    const ends = await endsOf(admin, target.name, PARTITIONS);
    const again = repeats([...frozen.done, ...other.done]);
    report(
      `K5 frozen: ${work.accepted.size} acknowledged, ${missing().length} missing, ${unfinished} ` +
        `amid their handlers, ${again} done again, offsets moved back ${back} times; committed ` +
        `${committed} of ${ends}`,
    );
    assert.deepEqual(ended.map(({ code }) => code), [0, 0]);
    assert.deepEqual(missing(), []);
    assert.equal(back, 0);
    assert.deepEqual(committed, ends);
  });
}
