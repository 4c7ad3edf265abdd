import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import type { Bus, Position } from "../../bus/mod.ts";
import { freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { type Faults, openOn, turn, until } from "./_kit.ts";

// The whole bus over a driver that fails, delays, duplicates and takes partitions away in the
// middle of slow handlers, by a random script. Each run is judged by the same rules.

type Fault = "none" | "fail" | "slow" | "lost answer";

const faults = fc.infiniteStream(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Fault>("none") },
    { weight: 1, arbitrary: fc.constantFrom<Fault>("fail", "slow", "lost answer") },
  ),
);

const plans = fc.record({
  events: fc.integer({ min: 1, max: 120 }),
  keys: fc.integer({ min: 1, max: 12 }),
  partitions: fc.integer({ min: 1, max: 4 }),
  concurrency: fc.integer({ min: 1, max: 8 }),
  churn: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 6 }),
  sends: faults,
  commits: faults,
  handlers: faults,
});

const section = {
  retry: { maxAttempts: 100, initialDelay: { nanos: 1_000_000 }, maxDelay: { nanos: 1_000_000 } },
  commitInterval: { nanos: 1_000_000 },
  drainTimeout: { nanos: 50_000_000 },
  unknownType: "dead_letter",
};

async function slow(turns: number): Promise<void> {
  for (let n = 0; n < turns; n++) await turn();
}

async function through<T>(fault: Fault, pass: () => Promise<T>): Promise<T> {
  if (fault === "fail") throw new Error("scripted failure");
  if (fault === "slow") await slow(3);
  const result = await pass();
  if (fault === "lost answer") throw new Error("scripted loss of the answer");
  return result;
}

test("K15 K17 M1 nothing is lost, order per key holds and nothing is committed after a revoke", async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const broker = createBroker({ partitions: plan.partitions });
      const prices = freshTopic();
      const seen: { key: string; n: number }[] = [];
      const handledOf = new Map<string, Set<number>>();
      const wrong: string[] = [];
      const next = (stream: Iterator<Fault>): Fault => stream.next().value as Fault;

      const judgeCommit = (positions: readonly Position[]): void => {
        for (const { partition, offset } of positions) {
          const place = `${partition}`;
          const handled = handledOf.get(place) ?? new Set();
          for (let below = 0; below < Number(offset); below++) {
            if (!handled.has(below)) wrong.push(`committed ${place}:${offset}, ${below} unhandled`);
          }
        }
      };
      const member = (): Promise<Bus> => {
        const owned = new Set<number>();
        const script: Faults = {
          commit(positions, pass) {
            judgeCommit(positions);
            for (const { partition, offset } of positions) {
              if (!owned.has(partition)) {
                wrong.push(`committed ${partition}:${offset} after revoke`);
              }
            }
            return through(next(plan.commits), pass);
          },
          async revoked(lost, pass) {
            await pass();
            for (const { partition } of lost) owned.delete(partition);
          },
          records(records, pass) {
            for (const { partition } of records) owned.add(partition);
            return pass();
          },
        };
        return openOn(broker, { ...section, concurrency: plan.concurrency }, { faults: script });
      };
      const join = async (): Promise<Bus> => {
        const bus = await member();
        await bus.subscribe(prices, async (event, { key, partition, offset }) => {
          await through(next(plan.handlers), () => {
            const handled = handledOf.get(`${partition}`) ?? new Set();
            handledOf.set(`${partition}`, handled.add(Number(offset)));
            seen.push({ key: key!, n: numberOf(event) });
            return Promise.resolve();
          });
        }, { group: "g" });
        return bus;
      };

      const maker = await openOn(broker, {}, {
        faults: { send: (_records, pass) => through(next(plan.sends), pass) },
      });
      const acknowledged = new Set<number>();
      const publishing = (async () => {
        for (let n = 0; n < plan.events; n++) {
          const event = aPriceUpdated({ sequence: BigInt(n) });
          const key = `k${n % plan.keys}`;
          await maker.publish(prices, event, { key }).then(() => acknowledged.add(n), () => {});
        }
      })();
      const first = await join();
      for (const turns of plan.churn) {
        const other = await join();
        await slow(turns);
        await other.close();
      }
      await publishing;
      const wanted = () => [...acknowledged].filter((n) => !seen.some((each) => each.n === n));
      await until(() => wanted().length === 0, "events that were acknowledged to be handled");
      await first.close();
      await maker.close();
      assert.deepEqual(wrong, []);
      // Among first sights of each event, each key rises.
      const last = new Map<string, number>();
      const known = new Set<number>();
      for (const { key, n } of seen) {
        if (known.has(n)) continue;
        known.add(n);
        assert.ok(n > (last.get(key) ?? -1), `${key}: ${n} after ${last.get(key)}`);
        last.set(key, n);
      }
    }),
    { numRuns: 40, interruptAfterTimeLimit: 15_000 },
  );
});

test("K17 a driver that reads records twice after a revoke gives duplicates of those in flight alone", async () => {
  const broker = createBroker({ partitions: 1 });
  const prices = freshTopic();
  await using maker = await openOn(broker);
  for (let n = 0; n < 50; n++) {
    await maker.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key: `k${n}` });
  }
  const started: number[] = [];
  const crashed = await openOn(broker, { concurrency: 4, drainTimeout: { nanos: 1_000_000 } });
  await crashed.subscribe(prices, (event) => {
    started.push(numberOf(event));
    return numberOf(event) < 10 ? undefined : new Promise<void>(() => {});
  }, { group: "g" });
  await until(() => started.length >= 14, "14 starts");
  await crashed.close();
  const again: number[] = [];
  await maker.subscribe(prices, (event) => void again.push(numberOf(event)), { group: "g" });
  await until(() => again.length >= 40, "40 events");
  assert.deepEqual(again, Array.from({ length: 40 }, (_, n) => n + 10));
});

test("a commit that fails is tried again after commit_interval, with no event in between", async () => {
  const broker = createBroker({ partitions: 1 });
  const prices = freshTopic();
  let failures = 2;
  await using bus = await openOn(broker, { commitInterval: { nanos: 2_000_000 } }, {
    faults: {
      commit: (_positions, pass) =>
        failures-- > 0 ? Promise.reject(new Error("no leader")) : pass(),
    },
  });
  await bus.subscribe(prices, () => {}, { group: "g" });
  await bus.publish(prices, aPriceUpdated(), { key: "k" });
  const committed = () => broker.groups.get("g")!.committed.get(`${prices.name}:0`);
  await until(() => committed() === 1, "the commit");
  assert.equal(failures, -1);
});

test("B6 what runs ahead of an unfinished event is bounded, and goes on once it is done", async () => {
  const broker = createBroker({ partitions: 1 });
  const prices = freshTopic();
  await using bus = await openOn(broker, { maxInFlight: 10, concurrency: 4 });
  const gate = Promise.withResolvers<void>();
  const seen: number[] = [];
  await bus.subscribe(prices, async (event) => {
    if (numberOf(event) === 0) await gate.promise;
    seen.push(numberOf(event));
  }, { group: "g" });
  for (let n = 0; n < 300; n++) {
    await bus.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key: `k${n}` });
  }
  for (let n = 0; n < 50; n++) await turn();
  assert.equal(seen.length, 99);
  gate.resolve();
  await until(() => seen.length >= 300, "300 events");
});

test("a driver that hands over again what it has is refused each time, and no room is lost by it", async () => {
  const broker = createBroker({ partitions: 1 });
  const prices = freshTopic();
  let refused = 0;
  await using bus = await openOn(broker, { maxInFlight: 2 }, {
    faults: {
      async records(_records, pass) {
        await pass();
        await assert.rejects(pass(), { code: "CQI_INTERNAL", message: /Cannot add offset/ });
        refused++;
      },
    },
  });
  const seen: number[] = [];
  await bus.subscribe(prices, (event) => void seen.push(numberOf(event)), { group: "g" });
  for (let n = 0; n < 10; n++) {
    await bus.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key: "k" });
    await until(() => refused > n, "the refusal");
  }
  await until(() => seen.length >= 10, "10 events");
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
