// Members that come, go and are slow, and events that cannot be handled.

import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import test from "node:test";
import { createDriver } from "../../bus/drivers/kafka.ts";
import { HEADER, headerText } from "../../bus/headers.ts";
import type { Bus } from "../../bus/mod.ts";
import { instruments, sleep, systemClock } from "../../core/mod.ts";
import { EventBusConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { assertOrderPerKey, freshGroup, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { real } from "../_real.ts";
import {
  adminOf,
  committedOf,
  endsOf,
  load,
  ms,
  openKafka,
  type Prices,
  publishTo,
  repeats,
  within,
} from "./_kafka.ts";
import { report } from "./_report.ts";
import { type Member, startMember } from "./_kafka_member.ts";

const PARTITIONS = 4;
// More than a member reads ahead of a partition.
const BACKLOG = 4000;
const DROPPED_REGEXP = /was dropped from its group/;

const server = await real(() =>
  realKafka({ own: true, settings: { "num.partitions": `${PARTITIONS}` } })
);

/** The partition of an event. */
async function partitionOf(bus: Bus, target: Prices, wanted: number): Promise<number> {
  const reader = bus.subscribe(target, { startAt: "earliest" });
  try {
    for await (const { event, partition } of reader) {
      if (numberOf(event) === wanted) return partition;
    }
  } finally {
    await reader.close();
  }
  throw new Error("Log ended");
}

if (server !== undefined) {
  const { brokers } = server;
  const admin = adminOf(brokers);
  test.after(() => admin.close());
  const quick = { brokers, heartbeatMs: 200, sessionMs: 6000 };

  test("K11: members that join and leave 20 times amid slow handlers cost no event, no order and no second handling", async () => {
    const random = seededRandom(11);
    const target = freshTopic();
    const group = freshGroup();
    await using producer = await openKafka(quick);
    await producer.ensureTopics([target]);
    const work = load(producer, target, { callers: 24, atOnce: 1, pauseMs: 200 });
    const handled: number[] = [];
    const begun: { key: string; n: number }[] = [];
    const busy = new Map<string, number>();
    let together = 0;
    const member = async (): Promise<Bus> => {
      const bus = await openKafka(quick, { consumerGroup: group });
      await bus.subscribe(target, async (event, { key }) => {
        const n = numberOf(event);
        begun.push({ key: key!, n });
        busy.set(key!, (busy.get(key!) ?? 0) + 1);
        if (busy.get(key!)! > 1) together++;
        await sleep(systemClock, 20 + random.next() * 200);
        busy.set(key!, busy.get(key!)! - 1);
        handled.push(n);
      });
      return bus;
    };
    const members: Bus[] = [await member()];
    let most = 1;
    for (let turn = 0; turn < 20; turn++) {
      const enough = handled.length + 60;
      // All at once now and then: a member that leaves while another joins.
      if (members.length === 1 || (members.length < 4 && random.next() < 0.5)) {
        members.push(await member());
      } else {
        const [left] = members.splice(Math.floor(random.next() * members.length), 1);
        const joining = turn % 4 === 0 ? member() : undefined;
        await left!.close();
        if (joining !== undefined) members.push(await joining);
      }
      most = Math.max(most, members.length);
      await within(20_000, () => handled.length >= enough, `60 events after turn ${turn}`);
    }
    await work.stop();
    const missing = (): number[] => {
      const done = new Set(handled);
      return [...work.accepted].filter((number) => !done.has(number));
    };
    await within(20_000, () => missing().length === 0, "every acknowledged event").catch(() => {});
    await Promise.all(members.map((bus) => bus.close()));
    const ends = await endsOf(admin, target.name, PARTITIONS);
    const committed = await committedOf(admin, group, target.name, PARTITIONS);
    report(
      `K11: 20 turns, up to ${most} members; ${work.accepted.size} acknowledged, ` +
        `${missing().length} missing, ${repeats(handled)} handled again, ${together} times two ` +
        `of a key at once; committed ${committed} of ${ends}`,
    );
    assert.deepEqual(missing(), []);
    assertOrderPerKey(begun);
    assert.equal(repeats(handled), 0);
    assert.equal(together, 0);
    assert.deepEqual(committed, ends);
  });

  test("K11: members that crash, one of three after another, cost no event, and little but what they had in hand comes again", async () => {
    const target = freshTopic();
    const group = freshGroup();
    const inFlight = 20;
    await using producer = await openKafka({ brokers });
    await producer.ensureTopics([target]);
    const work = load(producer, target, { callers: 24, atOnce: 1, pauseMs: 60 });
    const start = (): Member =>
      startMember({
        place: { brokers, heartbeatMs: 200, sessionMs: 1500 },
        topic: target.name,
        group,
        takesMs: [10, 60],
        inFlight,
      });
    const members = [start(), start(), start()];
    const all = [...members];
    const ended: Awaited<Member["ended"]>[] = [];
    const crashes = 6;
    for (let crash = 0; crash < crashes; crash++) {
      const begun = (): number => all.reduce((sum, each) => sum + each.begun.length, 0);
      await within(20_000, () => members.every((each) => each.begun.length > 0), "three at work");
      const before = begun();
      await within(20_000, () => begun() >= before + 50, "50 events");
      const [victim] = members.splice(crash % 3, 1, start());
      all.push(members[crash % 3]!);
      victim!.kill("SIGKILL");
      ended.push(await victim!.ended);
    }
    await within(20_000, () => members.every((each) => each.begun.length > 0), "three at work");
    await work.stop();
    const done = (): number[] => all.flatMap((each) => [...each.done]);
    const missing = (): number[] => {
      const known = new Set(done());
      return [...work.accepted].filter((number) => !known.has(number));
    };
    await within(20_000, () => missing().length === 0, "every acknowledged event").catch(() => {});
    for (const each of members) each.kill("SIGTERM");
    for (const each of members) ended.push(await each.ended);
    const ends = await endsOf(admin, target.name, PARTITIONS);
    const committed = await committedOf(admin, group, target.name, PARTITIONS);
    report(
      `K11 crashes: ${crashes} of three members at work; ${work.accepted.size} acknowledged, ` +
        `${missing().length} missing, ${
          repeats(done())
        } done again (${inFlight} in flight each); ` +
        `committed ${committed} of ${ends}`,
    );
    assert.deepEqual(ended.map(({ stderr }) => stderr), ended.map(() => ""));
    assert.deepEqual(ended.slice(crashes).map(({ code }) => code), [0, 0, 0]);
    assert.deepEqual(missing(), []);
    // What is done behind what is not, or is not committed yet, comes again as well.
    assert(repeats(done()) <= 4 * crashes * inFlight);
    assert.deepEqual(committed, ends);
  });

  test("K12: a handler that takes longer than the session keeps its membership, holds up no other key, and is committed once", async () => {
    const target = freshTopic();
    const group = freshGroup();
    const logger = testLogger();
    const place = { brokers, heartbeatMs: 200, sessionMs: 1500 };
    await using bus = await openKafka(place, { consumerGroup: group }, { logger });
    await publishTo(bus, target, 100, (number) => (number === 0 ? "slow" : `${number}`));
    const handled: number[] = [];
    let slowOnes = 0;
    await bus.subscribe(target, async (event) => {
      const number = numberOf(event);
      if (number === 0) {
        slowOnes++;
        await sleep(systemClock, 6000);
      }
      handled.push(number);
    });
    const othersMs = await within(3000, () => handled.length === 99, "the 99 others");
    await within(10_000, () => handled.length === 100, "the slow one");
    const ends = await endsOf(admin, target.name, PARTITIONS);
    await within(
      5000,
      async () => `${await committedOf(admin, group, target.name, PARTITIONS)}` === `${ends}`,
      "every event committed",
    );
    report(
      `K12: 6000 ms in a session of 1500 ms; 99 others within ${Math.round(othersMs)} ms; the ` +
        `slow one began ${slowOnes} times; ${repeats(handled)} handled again`,
    );
    assert.equal(slowOnes, 1);
    assert.equal(repeats(handled), 0);
    logger.expectNone({ message: DROPPED_REGEXP });
  });

  test("K12: a handler that takes longer than the session is left in peace while another member joins", async () => {
    const target = freshTopic();
    const group = freshGroup();
    const logger = testLogger();
    const place = { brokers, heartbeatMs: 200, sessionMs: 1500 };
    const section = { consumerGroup: group, drainTimeout: ms(8000) };
    await using first = await openKafka(place, section, { logger });
    await publishTo(first, target, 40, (number) => `${number}`);
    const begun: number[] = [];
    const handled: number[] = [];
    const handler = async (event: Parameters<typeof numberOf>[0]): Promise<void> => {
      begun.push(numberOf(event));
      await sleep(systemClock, 3000);
      handled.push(numberOf(event));
    };
    await first.subscribe(target, handler);
    await within(5000, () => begun.length >= 16, "16 begun");
    await using second = await openKafka(place, section, { logger });
    await second.subscribe(target, handler);
    await within(30_000, () => new Set(handled).size === 40, "all 40");
    report(`K12 joined amid: ${handled.length} handled of 40, ${repeats(handled)} again`);
    assert.equal(repeats(begun), 0);
    logger.expectNone({ message: DROPPED_REGEXP });
  });

  for (const driver of ["kafka", "kafkajs"] as const) {
    test(`row 24 K12 ${driver}: a subscription paused for two sessions keeps its place in the group and its partitions, and goes on in order`, async () => {
      const target = freshTopic();
      const group = freshGroup();
      const logger = testLogger();
      const sessionMs = 3000;
      const place = { driver, brokers, heartbeatMs: 200, sessionMs };
      const handled: { by: string; key: string; n: number; partition: number }[] = [];
      const member = async (by: string) => {
        const bus = await openKafka(place, { consumerGroup: group }, { logger });
        const subscription = await bus.subscribe(target, (event, { key, partition }) => {
          handled.push({ by, key: key!, n: numberOf(event), partition });
        });
        return { bus, subscription };
      };
      const all = 2 * BACKLOG;
      const keyOf = (number: number): string => `${number % 64}`;
      const paused = await member("paused");
      await using _paused = paused.bus;
      await publishTo(paused.bus, target, 1, () => "0");
      const other = await member("other");
      await using _other = other.bus;
      // The first has given up what the second has.
      const partitionsOf = (by: string, among: typeof handled): number[] =>
        [...new Set(among.filter((each) => each.by === by).map(({ partition }) => partition))]
          .toSorted();
      let next = 1;
      await within(20_000, async () => {
        await publishTo(paused.bus, target, 64, keyOf, next);
        next += 64;
        return partitionsOf("other", handled).length > 0;
      }, "both members at work");
      await within(20_000, () => handled.length >= next, "what was published before");
      const settled = handled.length;
      await publishTo(paused.bus, target, BACKLOG - next, keyOf, next);
      await within(20_000, () => handled.length >= BACKLOG, "as much again");
      const had = partitionsOf("paused", handled.slice(settled));
      const members = async (): Promise<string[]> =>
        [...(await admin.describeGroups({ groups: [group] })).get(group)!.members.keys()]
          .toSorted();
      const before = await members();
      const from = handled.length;

      paused.subscription.pause();
      await publishTo(paused.bus, target, BACKLOG, keyOf, BACKLOG);
      await sleep(systemClock, 2 * sessionMs);
      const meanwhile = handled.slice(from);
      const committed = await committedOf(admin, group, target.name, PARTITIONS);
      const during = await members();
      paused.subscription.resume();
      await within(20_000, () => handled.length >= all, "what was published meanwhile");
      const ends = await endsOf(admin, target.name, PARTITIONS);
      await within(
        10_000,
        async () => `${await committedOf(admin, group, target.name, PARTITIONS)}` === `${ends}`,
        "every event committed",
      );
      const resumed = handled.slice(from + meanwhile.length);
      report(
        `row 24 ${driver}: paused for ${2 * sessionMs} ms in sessions of ${sessionMs} ms; ` +
          `${meanwhile.length} handled meanwhile by the other member, ${resumed.length} after; ` +
          `${repeats(handled.map(({ n }) => n))} handled again; committed ${committed}, then ` +
          `${ends}; members ${before.length}, ${during.length} and ${(await members()).length}`,
      );
      assert.equal(before.length, 2);
      assert.deepEqual(during, before);
      assert.deepEqual(await members(), before);
      assert.deepEqual(partitionsOf("paused", resumed), had);
      assert.deepEqual(meanwhile.filter(({ by }) => by === "paused"), []);
      const others = partitionsOf("other", handled.slice(from));
      assert.deepEqual(others.filter((partition) => had.includes(partition)), []);
      assert.equal(repeats(handled.map(({ n }) => n)), 0);
      assert.equal(handled.length, all);
      assertOrderPerKey(handled);
      logger.expectNone({ message: DROPPED_REGEXP });
    });
  }

  test("K12 B2: a handler that never settles is set aside after its attempts, and its partition goes on", async () => {
    const target = freshTopic();
    const group = freshGroup();
    const place = { brokers, heartbeatMs: 200, sessionMs: 1500 };
    const section = {
      consumerGroup: group,
      handlerTimeout: ms(1000),
      retry: { maxAttempts: 2 },
      drainTimeout: ms(1000),
    };
    await using bus = await openKafka(place, section);
    await publishTo(bus, target, 100, () => "one key");
    const handled: number[] = [];
    let calls = 0;
    await bus.subscribe(target, async (event) => {
      if (numberOf(event) === 3) {
        calls++;
        await new Promise(() => {});
      }
      handled.push(numberOf(event));
    });
    await within(10_000, () => handled.length === 99, "the 99 others");
    const buried = await bus.deadLetters(target).list();
    const ends = await endsOf(admin, target.name, PARTITIONS);
    await within(
      5000,
      async () =>
        (await committedOf(admin, group, target.name, PARTITIONS))
          .every((offset, n) => offset === ends[n] || ends[n] === 0n),
      "every event committed",
    );
    report(`K12 never settles: ${calls} calls, ${handled.length} others handled, 1 set aside`);
    assert.equal(calls, 2);
    assert.equal(buried.length, 1);
    assert.deepEqual(handled, handled.toSorted((a, b) => a - b));
  });

  test("B3 K15: while the dead-letter topic is not there the offset does not move; then the letter is written and it does", async () => {
    const target = freshTopic();
    const group = freshGroup();
    await using maker = await openKafka({ brokers });
    await publishTo(maker, target, 20, (number) => (number === 5 ? "bad" : `${number}`));
    const section = {
      consumerGroup: group,
      ensureTopics: false,
      retry: { maxAttempts: 1, maxDelay: ms(500) },
    };
    const logger = testLogger();
    const handled: number[] = [];
    const subscribe = async (): Promise<Bus> => {
      const bus = await openKafka(quick, section, { logger });
      await bus.subscribe(target, (event) => {
        if (numberOf(event) === 5) throw new Error("Cannot handle this one");
        handled.push(numberOf(event));
      });
      return bus;
    };
    const partition = await partitionOf(maker, target, 5);
    const tries = (): number =>
      logger.entries.filter(({ message }) => message.startsWith("Dead letter cannot be written"))
        .length;
    const first = await subscribe();
    await within(10_000, () => handled.length === 19 && tries() >= 2, "19 events and two tries");
    const held = await committedOf(admin, group, target.name, PARTITIONS);
    await first.close();
    const ends = await endsOf(admin, target.name, PARTITIONS);
    const triedThen = tries();
    // Another life: nothing of it may have been forgotten.
    const second = await subscribe();
    await within(10_000, () => tries() > triedThen, "another try");
    const heldAgain = await committedOf(admin, group, target.name, PARTITIONS);
    await admin.createTopics({ topics: [`${target.name}.dlq`], partitions: 1, replicas: 1 });
    await within(
      20_000,
      async () => `${await committedOf(admin, group, target.name, PARTITIONS)}` === `${ends}`,
      "every event committed",
    );
    const letters = await endsOf(admin, `${target.name}.dlq`, 1);
    report(
      `B3 K15: ${tries()} tries in vain; committed ${held}, then ${heldAgain}, then ${ends} ` +
        `(the bad one is in partition ${partition}); ${letters} dead letter`,
    );
    assert(held[partition]! < ends[partition]!);
    assert.equal(heldAgain[partition], held[partition]);
    assert.deepEqual(letters, [1n]);
    await second.close();
  });

  test("B2: one poison at the head of 1,000 is set aside byte by byte, and 999 are handled in order", async () => {
    const target = freshTopic();
    const group = freshGroup();
    await using bus = await openKafka(quick, { consumerGroup: group });
    await bus.ensureTopics([target]);
    const poison = Uint8Array.from({ length: 4096 }, (_, n) => 255 - (n * 7) % 256);
    const config = create(EventBusConfigSchema, {
      driver: "kafka",
      kafka: { brokers: [...brokers] },
    });
    const driver = await createDriver(config, instruments({}));
    const headers = new Map([[HEADER.type, "cqc.events.v1.PriceUpdated"], ["odd", "kept"]]);
    const [sent] = await driver.send(
      [{ topic: target.name, key: "k", value: poison, headers, timestampMs: 1_767_225_600_000 }],
      {},
    );
    assert(!(sent instanceof Error));
    await driver.close();
    await publishTo(bus, target, 999, () => "k", 1);
    const handled: number[] = [];
    await bus.subscribe(target, (event) => void handled.push(numberOf(event)));
    await within(20_000, () => handled.length >= 999, "999 events");
    const letters: Uint8Array[] = [];
    let reason = "";
    for await (const letter of bus.records(`${target.name}.dlq`)) {
      letters.push(letter.value!);
      reason = headerText(letter.headers, HEADER.dlqReason) ?? "";
      assert.equal(headerText(letter.headers, "odd"), "kept");
      break;
    }
    const written = await endsOf(admin, `${target.name}.dlq`, PARTITIONS);
    report(
      `B2: ${handled.length} handled in order, ${
        repeats(handled)
      } again; ${written} dead letters, ` +
        `${letters[0]!.length} bytes, reason ${reason}`,
    );
    assert.deepEqual(handled, Array.from({ length: 999 }, (_, n) => n + 1));
    assert.equal(written.reduce((a, b) => a + b, 0n), 1n);
    assert.deepEqual([...letters[0]!], [...poison]);
    assert.equal(reason, "undecodable");
  });
}
