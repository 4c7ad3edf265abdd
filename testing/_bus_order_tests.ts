import assert from "node:assert/strict";
import type { BusBackend } from "./bus_contract.ts";
import {
  assertOrderPerKey,
  collector,
  freshGroup,
  freshTopic,
  numberOf,
  publishNumbers,
  range,
} from "./_bus_kit.ts";
import type { SuiteTest } from "./_suite.ts";

interface Seen {
  readonly key: string;
  readonly n: number;
}

/** Order per key, and nothing more held up than it must. */
export function orderTests(backend: BusBackend): SuiteTest[] {
  return [
    {
      name: "events of a key are handled in order, though handlers run side by side and fail",
      async run() {
        await using bus = await backend.open({
          concurrency: 16,
          retry: { initialDelay: { nanos: 1_000_000 }, maxDelay: { nanos: 2_000_000 } },
        });
        const prices = freshTopic();
        const got = collector<Seen>();
        await bus.subscribe(prices, async (event, { key, attempt }) => {
          const n = numberOf(event);
          await Promise.resolve();
          if (n % 17 === 0 && attempt < 3) throw new Error("passing trouble");
          got.add({ key: key ?? "", n });
        });
        await publishNumbers(bus, prices, 0, 1000, (n) => `k${n % 25}`);
        await got.until((seen) => seen.length >= 1000);
        assertOrderPerKey(got.seen);
        assert.equal(new Set(got.seen.map(({ n }) => n)).size, 1000);
      },
    },
    {
      name: "a key whose handler waits holds up no other key",
      async run() {
        await using bus = await backend.open({ concurrency: 8 });
        const prices = freshTopic();
        const gate = Promise.withResolvers<void>();
        const got = collector<Seen>();
        await bus.subscribe(prices, async (event, { key }) => {
          if (key === "slow") await gate.promise;
          got.add({ key: key ?? "", n: numberOf(event) });
        });
        await publishNumbers(bus, prices, 0, 3, () => "slow");
        await publishNumbers(bus, prices, 3, 53, (n) => `k${n}`);
        await got.until((seen) => seen.length >= 50);
        assert.deepEqual(got.seen.filter(({ key }) => key === "slow"), []);
        gate.resolve();
        await got.until((seen) => seen.length >= 53);
        assert.deepEqual(got.seen.slice(50).map(({ n }) => n), [0, 1, 2]);
      },
    },
    {
      name: "a key in retry parks its own later events and no others",
      async run() {
        await using bus = await backend.open({
          retry: {
            maxAttempts: 100,
            initialDelay: { nanos: 1_000_000 },
            maxDelay: { nanos: 5_000_000 },
          },
        });
        const prices = freshTopic();
        let broken = true;
        const got = collector<Seen>();
        await bus.subscribe(prices, (event, { key }) => {
          if (key === "bad" && broken) throw new Error("not yet");
          got.add({ key: key ?? "", n: numberOf(event) });
        });
        await publishNumbers(bus, prices, 0, 3, () => "bad");
        await publishNumbers(bus, prices, 3, 43, (n) => `k${n}`);
        await got.until((seen) => seen.length >= 40);
        broken = false;
        await got.until((seen) => seen.length >= 43);
        assert.deepEqual(got.seen.slice(40).map(({ n }) => n), [0, 1, 2]);
      },
    },
    {
      name: "members that join and leave in the middle lose nothing and keep order per key",
      async run() {
        await using first = await backend.open();
        const prices = freshTopic();
        const group = freshGroup();
        const got = collector<Seen>();
        const handler = async (
          event: Parameters<typeof numberOf>[0],
          at: { key: string | undefined },
        ) => {
          const n = numberOf(event);
          await Promise.resolve();
          got.add({ key: at.key ?? "", n });
        };
        await first.subscribe(prices, handler, { group });
        const publishing = publishNumbers(first, prices, 0, 2000, (n) => `k${n % 40}`);
        for (const _ of range(3)) {
          const more = await backend.open();
          await more.subscribe(prices, handler, { group });
          await more.close();
        }
        await publishing;
        await got.until((seen) => new Set(seen.map(({ n }) => n)).size === 2000);
        assertOrderPerKey(got.seen);
      },
    },
    {
      name: "a slow consumer bounds what is read ahead of it",
      async run() {
        await using bus = await backend.open({ concurrency: 1, maxInFlight: 10 });
        const prices = freshTopic();
        const gate = Promise.withResolvers<void>();
        const got = collector<number>();
        let started = 0;
        await bus.subscribe(prices, async (event) => {
          started++;
          await gate.promise;
          got.add(numberOf(event));
        });
        await publishNumbers(bus, prices, 0, 500, (n) => `k${n}`);
        assert.ok(started <= 1, `${started} handlers started with concurrency 1`);
        gate.resolve();
        await got.until((seen) => seen.length >= 500);
        assert.deepEqual([...got.seen].sort((a, b) => a - b), range(500));
      },
    },
  ];
}
