import assert from "node:assert/strict";
import { systemClock } from "../core/mod.ts";
import type { BusBackend } from "./bus_contract.ts";
import { collector, freshGroup, freshTopic, numberOf, publishNumbers, range } from "./_bus_kit.ts";
import type { SuiteTest } from "./_suite.ts";
import { aPriceUpdated } from "./builders.ts";

/** Groups share, come back, and start where they are told to. */
export function groupTests(backend: BusBackend): SuiteTest[] {
  return [
    {
      name: "each group receives every event, and no event goes to two members of a group",
      async run() {
        await using first = await backend.open();
        await using second = await backend.open();
        const prices = freshTopic();
        const [shared, alone] = [freshGroup(), freshGroup()];
        const inShared = collector<number>();
        const inAlone = collector<number>();
        await first.subscribe(prices, (e) => inShared.add(numberOf(e)), { group: shared });
        await second.subscribe(prices, (e) => inShared.add(numberOf(e)), { group: shared });
        await second.subscribe(prices, (e) => inAlone.add(numberOf(e)), { group: alone });
        await publishNumbers(first, prices, 0, 200, (n) => `k${n % 20}`);
        await inShared.until((seen) => new Set(seen).size === 200);
        await inAlone.until((seen) => seen.length >= 200);
        // What a second member may have read as well it hands out before it is closed.
        await Promise.all([first.close(), second.close()]);
        assert.deepEqual([...inShared.seen].sort((a, b) => a - b), range(200));
        assert.deepEqual([...inAlone.seen].sort((a, b) => a - b), range(200));
      },
    },
    {
      name: "each member of a group has a share of the events",
      needs: "crossProcess",
      async run() {
        await using first = await backend.open();
        await using second = await backend.open();
        const prices = freshTopic();
        const group = freshGroup();
        const inFirst = collector<number>();
        const inSecond = collector<number>();
        await first.subscribe(prices, (e) => inFirst.add(numberOf(e)), { group });
        await second.subscribe(prices, (e) => inSecond.add(numberOf(e)), { group });
        await publishNumbers(first, prices, 0, 200, (n) => `k${n}`);
        await Promise.all([inFirst, inSecond].map((got) => got.until((seen) => seen.length > 0)));
      },
    },
    {
      name: "a group that starts later receives what was published before, a latest one does not",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        await publishNumbers(bus, prices, 0, 10);
        const early = collector<number>();
        const late = collector<number>();
        await bus.subscribe(prices, (e) => early.add(numberOf(e)), { group: freshGroup() });
        await bus.subscribe(prices, (e) => late.add(numberOf(e)), {
          group: freshGroup(),
          startAt: "latest",
        });
        await publishNumbers(bus, prices, 10, 11);
        await early.until((seen) => seen.length >= 11);
        assert.deepEqual(await late.until((seen) => seen.length > 0), [10]);
      },
    },
    {
      name: "a group that comes back goes on after what it handled",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const group = freshGroup();
        const first = collector<number>();
        const one = await bus.subscribe(prices, (e) => first.add(numberOf(e)), { group });
        await publishNumbers(bus, prices, 0, 5);
        await first.until((seen) => seen.length >= 5);
        await one.close();
        await publishNumbers(bus, prices, 5, 8);
        const second = collector<number>();
        await bus.subscribe(prices, (e) => second.add(numberOf(e)), { group });
        assert.deepEqual(await second.until((seen) => seen.length >= 3), [5, 6, 7]);
      },
    },
    {
      name: "a start at a time delivers exactly what was written at or after it",
      needs: "startAtTime",
      async run() {
        let now = 1_767_225_600_000;
        const clock = { ...systemClock, now: () => now };
        await using bus = await backend.open({}, { clock });
        const prices = freshTopic();
        await publishNumbers(bus, prices, 0, 3);
        now += 60_000;
        const since = new Date(now);
        await publishNumbers(bus, prices, 3, 5);
        const got = collector<number>();
        await bus.subscribe(prices, (e) => got.add(numberOf(e)), { startAt: since });
        assert.deepEqual(await got.until((seen) => seen.length >= 2), [3, 4]);
      },
    },
    {
      name: "row 26 a start at offsets delivers what each partition has from there on, and once",
      needs: "startAtOffset",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const written = await Promise.all(
          range(40).map((n) =>
            bus.publish(prices, aPriceUpdated({ sequence: BigInt(n) }), { key: `k${n % 8}` })
          ),
        );
        const { partition } = written[0]!;
        const there = written.filter((each) => each.partition === partition);
        const from = there.map(({ offset }) => offset).sort((a, b) => (a < b ? -1 : 1))[2]!;
        const expected = range(40).filter((n) =>
          written[n]!.partition !== partition || written[n]!.offset >= from
        );
        const group = freshGroup();
        const got = collector<number>();
        const offsets = new Map([[partition, from]]);
        const first = await bus.subscribe(prices, (e) => got.add(numberOf(e)), {
          group,
          startAt: { offsets },
        });
        await got.until((seen) => seen.length >= expected.length);
        await first.close();
        // What is committed counts, not where it started.
        await bus.subscribe(prices, (e) => got.add(numberOf(e)), { group, startAt: { offsets } });
        await publishNumbers(bus, prices, 40, 41);
        await got.until((seen) => seen.includes(40));
        assert.deepEqual([...got.seen].sort((a, b) => a - b), [...expected, 40]);
      },
    },
    {
      name: "row 26 a start beyond the end waits for what comes, for groups and for readers",
      needs: "startAtOffset",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        await publishNumbers(bus, prices, 0, 5);
        const { partition } = await bus.publish(prices, aPriceUpdated({ sequence: 5n }), {
          key: "k",
        });
        const startAt = { offsets: new Map([[partition, 10n ** 15n]]) };
        const got = collector<number>();
        await bus.subscribe(prices, (e) => got.add(numberOf(e)), { group: freshGroup(), startAt });
        await bus.subscribe(prices, (e) => got.add(numberOf(e)), { broadcast: true, startAt });
        await publishNumbers(bus, prices, 6, 8);
        await got.until((seen) => seen.length >= 4);
        assert.deepEqual([...got.seen].sort((a, b) => a - b), [6, 6, 7, 7]);
        for await (
          const { offset } of bus.records(prices.name, {
            startAt: { offsets: new Map([[partition, 3n]]) },
          })
        ) {
          assert.equal(offset, 3n);
          break;
        }
      },
    },
  ];
}
