// K17: members killed with SIGKILL at random moments. Ten times each way; TEST_LONG=1 makes it a
// hundred. The seed is printed; TEST_SEED sets it.

import assert from "node:assert/strict";
import process from "node:process";
import test from "node:test";
import { sleep, systemClock } from "../../core/mod.ts";
import { assertOrderPerKey, freshGroup, freshTopic } from "../../testing/_bus_kit.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { real } from "../_real.ts";
import { adminOf, committedOf, endsOf, load, openKafka, within } from "./_kafka.ts";
import { report } from "./_report.ts";
import { type Member, startMember } from "./_kafka_member.ts";

const PARTITIONS = 4;
const IN_FLIGHT = 40;
const KILLS = process.env["TEST_LONG"] ? 100 : 10;
const SEED = Number(process.env["TEST_SEED"] ?? (Date.now() % 1_000_000));

const server = await real(() =>
  realKafka({ own: true, settings: { "num.partitions": `${PARTITIONS}` } })
);

if (server !== undefined) {
  const { brokers } = server;

  for (const [how, instance] of [["by session", undefined], ["by name", "one"]] as const) {
    test(`K17 a member known ${how} and killed ${KILLS} times at random moments loses no event`, async () => {
      const random = seededRandom(SEED);
      const target = freshTopic();
      const group = freshGroup();
      await using producer = await openKafka({ brokers });
      await producer.ensureTopics([target]);
      const work = load(producer, target, { total: 250 * KILLS, pauseMs: 400 });
      const client = instance === undefined ? {} : { groupInstanceId: instance };
      const member = (): Member =>
        startMember({
          place: { brokers, sessionMs: 1500, heartbeatMs: 200, client },
          topic: target.name,
          group,
          takesMs: [2, 15],
          inFlight: IN_FLIGHT,
          concurrency: 16,
        });
      // What each life had begun and done.
      const lives: { readonly begun: readonly number[]; readonly done: readonly number[] }[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        const child = member();
        const wanted = 1 + Math.floor(random.next() * 200);
        await within(20_000, () => child.begun.length >= wanted, `event ${wanted} of life ${kill}`);
        // Also between a line and the next.
        await sleep(systemClock, random.next() * 30);
        child.kill("SIGKILL");
        const { stderr } = await child.ended;
        assert.equal(stderr, "");
        lives.push({ begun: [...child.begun], done: [...child.done] });
      }
      await work.stop();
      const last = member();
      const done = new Set(lives.flatMap((life) => [...life.done]));
      const missing = (): number[] => {
        for (const number of last.done) done.add(number);
        return [...work.accepted].filter((number) => !done.has(number));
      };
      await within(30_000, () => missing().length === 0, "every acknowledged event").catch(
        () => {},
      );
      last.kill("SIGTERM");
      const ended = await last.ended;
      lives.push(last);

      // What a life did again of what the ones before had done.
      const known = new Set<number>();
      const again = lives.map((life) => {
        const count = new Set(life.done.filter((number) => known.has(number))).size;
        for (const number of life.done) known.add(number);
        return count;
      });
      const twice = lives.map(({ begun }) => begun.length - new Set(begun).size);
      const sum = again.reduce((total, count) => total + count, 0);
      const admin = adminOf(brokers);
      const ends = await endsOf(admin, target.name, PARTITIONS);
      const committed = await committedOf(admin, group, target.name, PARTITIONS);
      await admin.close();
      report(
        `K17 ${how}, seed ${SEED}: ${KILLS} kills, ${work.accepted.size} acknowledged, ` +
          `${missing().length} missing, ${sum} done again in all, at most ${Math.max(...again)} ` +
          `after a kill (${IN_FLIGHT} in flight); committed ${committed} of ${ends}`,
      );
      assert.equal(work.refused.size, 0);
      assert.deepEqual(missing(), []);
      assert.equal(ended.code, 0, ended.stderr);
      assert.deepEqual(committed, ends);
      const keys = new Map(
        work.history.flatMap((entry) =>
          entry.kind === "publish" ? [[Number(entry.uuid), entry.key] as const] : []
        ),
      );
      for (const { begun } of lives) {
        assertOrderPerKey(begun.map((n) => ({ key: keys.get(n)!, n })));
      }
      // No life was handed an event twice.
      assert.deepEqual(twice, lives.map(() => 0));
      // What comes again is what was in hand, and what was done and not committed yet: the longer a
      // commit takes (a busy machine, a rebalance that ends the session before), the more of it.
      assert(Math.max(...again) <= 4 * IN_FLIGHT, `${again}`);
    });
  }
}
