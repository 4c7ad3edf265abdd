import assert from "node:assert/strict";
import type { BusBackend } from "./bus_contract.ts";
import { collector, freshGroup, freshTopic, numberOf, publishNumbers, range } from "./_bus_kit.ts";
import type { SuiteTest } from "./_suite.ts";
import { aPriceUpdated } from "./builders.ts";

/** Streams, pausing, aborting, closing. */
export function lifecycleTests(backend: BusBackend): SuiteTest[] {
  return [
    {
      name: "a stream reads the whole log in order and ends when its loop is left",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        await publishNumbers(bus, prices, 0, 10);
        const seen: number[] = [];
        for await (const { event } of bus.subscribe(prices)) {
          seen.push(numberOf(event));
          if (seen.length === 10) break;
        }
        assert.deepEqual(seen, range(10));
      },
    },
    {
      name: "a stream of a group acknowledges an event when the next one is asked for",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const group = freshGroup();
        await publishNumbers(bus, prices, 0, 3);
        for await (const { event } of bus.subscribe(prices, { group })) {
          if (numberOf(event) === 1) break;
        }
        for await (const { event } of bus.subscribe(prices, { group })) {
          assert.equal(numberOf(event), 1);
          break;
        }
      },
    },
    {
      name: "aborting the signal ends a stream that waits and a subscription",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const stop = new AbortController();
        const got = collector<number>();
        await bus.subscribe(prices, (event) => got.add(numberOf(event)), { signal: stop.signal });
        const reading = (async () => {
          let count = 0;
          for await (const _ of bus.subscribe(prices, { signal: stop.signal })) count++;
          return count;
        })();
        await publishNumbers(bus, prices, 0, 1);
        await got.until((seen) => seen.length >= 1);
        stop.abort();
        assert.ok(await reading <= 1);
        await publishNumbers(bus, prices, 1, 2);
        const after = collector<number>();
        await bus.subscribe(prices, (event) => after.add(numberOf(event)), { group: freshGroup() });
        await after.until((seen) => seen.length >= 2);
        assert.deepEqual(got.seen, [0]);
      },
    },
    {
      name: "a paused subscription handles nothing and goes on in order when resumed",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const group = freshGroup();
        const got = collector<number>();
        const paused = await bus.subscribe(prices, (event) => got.add(numberOf(event)), { group });
        paused.pause();
        const other = collector<number>();
        await bus.subscribe(prices, (event) => other.add(numberOf(event)), { group: freshGroup() });
        await publishNumbers(bus, prices, 0, 20);
        await other.until((seen) => seen.length >= 20);
        assert.deepEqual(got.seen, []);
        paused.resume();
        assert.deepEqual(await got.until((seen) => seen.length >= 20), range(20));
      },
    },
    {
      name: "K16 closing finishes what is in hand, commits it, and hands the rest to the next",
      async run() {
        await using maker = await backend.open();
        const bus = await backend.open({ concurrency: 4 });
        const prices = freshTopic();
        const group = freshGroup();
        await publishNumbers(maker, prices, 0, 40, (n) => `k${n}`);
        const gate = Promise.withResolvers<void>();
        const started = collector<number>();
        const first: number[] = [];
        await bus.subscribe(prices, async (event) => {
          started.add(numberOf(event));
          await gate.promise;
          first.push(numberOf(event));
        }, { group });
        await started.until((seen) => seen.length >= 4);
        const closing = bus.close();
        gate.resolve();
        await closing;
        assert.equal(first.length, 4);
        const second = collector<number>();
        await maker.subscribe(prices, (event) => second.add(numberOf(event)), { group });
        await second.until((seen) => new Set([...seen, ...first]).size === 40);
        // Only what finished above an unfinished offset of its partition may come twice.
        const twice = second.seen.filter((n) => first.includes(n));
        assert.ok(twice.length <= 4, `${twice.length} events came twice`);
      },
    },
    {
      name: "an event whose handler never settles comes again to the next member",
      async run() {
        await using maker = await backend.open();
        const bus = await backend.open({ drainTimeout: { nanos: 20_000_000 } });
        const prices = freshTopic();
        const group = freshGroup();
        const started = collector<number>();
        await bus.subscribe(prices, (event) => {
          started.add(numberOf(event));
          return new Promise<void>(() => {});
        }, { group });
        await publishNumbers(maker, prices, 0, 1);
        await started.until((seen) => seen.length >= 1);
        await bus.close();
        const got = collector<number>();
        await maker.subscribe(prices, (event) => got.add(numberOf(event)), { group });
        assert.deepEqual(await got.until((seen) => seen.length >= 1), [0]);
      },
    },
    {
      name: "closing twice and at once is one closing, and a closed bus says so",
      async run() {
        const bus = await backend.open();
        const prices = freshTopic();
        await bus.subscribe(prices, () => {});
        await Promise.all([bus.close(), bus.close()]);
        await bus.close();
        await assert.rejects(bus.publish(prices, aPriceUpdated()), { code: "CQI_CLOSED" });
        await assert.rejects(bus.subscribe(prices, () => {}), { code: "CQI_CLOSED" });
        assert.equal((await bus.check()).status, "down");
      },
    },
    {
      name: "a second handler for the same type of a group in one process is refused",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const group = freshGroup();
        const one = await bus.subscribe(prices, () => {}, { group });
        await assert.rejects(
          bus.subscribe(prices, () => {}, { group }),
          { code: "CQI_BUS_SUBSCRIPTION_DUPLICATE" },
        );
        await one.close();
        await (await bus.subscribe(prices, () => {}, { group })).close();
      },
    },
  ];
}
