import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { type BusRecord, HEADER, topic } from "../bus/mod.ts";
import { sleep, systemClock } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { BusBackend } from "./bus_contract.ts";
import {
  collector,
  freshGroup,
  freshId,
  freshTopic,
  numberOf,
  publishNumbers,
  range,
} from "./_bus_kit.ts";
import type { SuiteTest } from "./_suite.ts";
import { aPriceUpdated } from "./builders.ts";

/** What operators see and do: topics, lag, dead letters; and what is large, empty or for everybody. */
export function operatorTests(backend: BusBackend): SuiteTest[] {
  return [
    {
      name: "a broadcast subscription of each instance receives every event from its start on",
      async run() {
        await using first = await backend.open();
        await using second = await backend.open();
        const prices = freshTopic();
        const [one, two, late] = [collector<number>(), collector<number>(), collector<number>()];
        const from = (got: typeof one) => (event: Parameters<typeof numberOf>[0]) =>
          got.add(numberOf(event));
        const all = { broadcast: true, startAt: "earliest" } as const;
        await first.subscribe(prices, from(one), all);
        await publishNumbers(first, prices, 0, 20, (n) => `k${n}`);
        await second.subscribe(prices, from(two), all);
        await second.subscribe(prices, from(late), { broadcast: true });
        await publishNumbers(second, prices, 20, 30, (n) => `k${n}`);
        await one.until((seen) => seen.length >= 30);
        await two.until((seen) => seen.length >= 30);
        await late.until((seen) => seen.length >= 10);
        const sorted = (got: typeof one) => [...got.seen].sort((a, b) => a - b);
        assert.deepEqual(sorted(one), range(30));
        assert.deepEqual(sorted(two), range(30));
        assert.deepEqual(sorted(late), range(30).slice(20));
      },
    },
    {
      name: "an event of 900,000 bytes, an empty one and an empty key arrive as they were sent",
      async run() {
        await using bus = await backend.open();
        const blobs = topic(BytesValueSchema, { name: `test.${freshId()}` });
        const got = collector<{ readonly size: number; readonly sum: number; key?: string }>();
        const sumOf = (bytes: Uint8Array) => bytes.reduce((sum, byte) => (sum + byte) % 65_521, 0);
        await bus.subscribe(
          blobs,
          ({ value }, { key }) =>
            got.add({ size: value.length, sum: sumOf(value), ...key !== undefined && { key } }),
        );
        const large = Uint8Array.from({ length: 900_000 }, (_, i) => (i * 31) % 251);
        await bus.publish(blobs, { value: large }, { key: "large" });
        await bus.publish(blobs, { value: new Uint8Array() }, { key: "" });
        const seen = await got.until((all) => all.length >= 2);
        assert.deepEqual([...seen].sort((a, b) => a.size - b.size), [
          { size: 0, sum: 0, key: "" },
          { size: 900_000, sum: sumOf(large), key: "large" },
        ]);
      },
    },
    {
      name: "ensureTopics makes topics exist, as often and as concurrently as it is asked",
      async run() {
        await using bus = await backend.open();
        await using other = await backend.open();
        const topics = [freshTopic(), freshTopic()];
        await Promise.all([bus.ensureTopics(topics), other.ensureTopics(topics)]);
        await bus.ensureTopics(topics);
        const published = await bus.publish(topics[0]!, aPriceUpdated());
        assert.equal(published.offset, 0n);
      },
    },
    {
      name: "lag counts what is published and not handled, and falls to zero when it is",
      needs: "lag",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const group = freshGroup();
        const gate = Promise.withResolvers<void>();
        const got = collector<number>();
        await bus.subscribe(prices, async (event) => {
          await gate.promise;
          got.add(numberOf(event));
        }, { group });
        const lagOf = async () =>
          (await bus.lag()).find((each) => each.topic === prices.name && each.group === group)?.lag;
        await publishNumbers(bus, prices, 0, 50, (n) => `k${n}`);
        const behind = await eventually(lagOf, (lag) => lag === 50n);
        gate.resolve();
        await got.until((seen) => seen.length >= 50);
        assert.deepEqual([behind, await eventually(lagOf, (lag) => lag === 0n)], [50n, 0n]);
        await assert.rejects(bus.lag({ signal: AbortSignal.abort() }), { name: "AbortError" });
      },
    },
    {
      name: "dead letters are listed, replayed for their group alone, parked and purged",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const [failing, fine] = [freshGroup(), freshGroup()];
        let broken = true;
        const got = collector<number>();
        const others = collector<number>();
        await bus.subscribe(prices, (event) => {
          if (broken && numberOf(event) < 3) throw new CqiError("CQI_BUS_PERMANENT", "Not yet");
          got.add(numberOf(event));
        }, { group: failing });
        await bus.subscribe(prices, (event) => others.add(numberOf(event)), { group: fine });
        await publishNumbers(bus, prices, 0, 4);
        await got.until((seen) => seen.includes(3));
        const box = bus.deadLetters(prices);
        const letters = await box.list({ group: failing });
        assert.deepEqual(letters.map(({ origin }) => origin.offset), [0n, 1n, 2n]);
        assert.deepEqual(letters.map(({ key, reason, attempts }) => [key, reason, attempts]), [
          ["k", "permanent", 1],
          ["k", "permanent", 1],
          ["k", "permanent", 1],
        ]);
        broken = false;
        assert.equal(await box.park([letters[1]!], { note: "by hand" }), 1);
        assert.equal(await box.purge([letters[2]!]), 1);
        assert.deepEqual(await box.replay(letters), { replayed: 1, parked: 0, passed: 2 });
        assert.deepEqual(await got.until((seen) => seen.length >= 2), [3, 0]);
        assert.deepEqual(await box.replay({}), { replayed: 0, parked: 0, passed: 0 });
        assert.equal((await box.list({ state: "parked" }))[0]?.note, "by hand");
        await publishNumbers(bus, prices, 4, 5);
        await others.until((seen) => seen.includes(4));
        assert.deepEqual(others.seen, [0, 1, 2, 3, 4]);
      },
    },
    {
      name: "records are read untouched from a time on",
      needs: "startAtTime",
      async run() {
        await using bus = await backend.open();
        const prices = freshTopic();
        const sent = await bus.publish(prices, aPriceUpdated(), { key: "k" });
        const read = async (startAt: Date): Promise<BusRecord | undefined> => {
          for await (const record of bus.records(prices.name, { startAt })) return record;
          return undefined;
        };
        const record = await read(new Date(0));
        const id = record?.headers.get(HEADER.id);
        assert.equal(id instanceof Uint8Array ? new TextDecoder().decode(id) : id, sent.eventId);
        assert.equal(record?.offset, sent.offset);
        assert.equal(record?.partition, sent.partition);
        assert.equal(record?.key, "k");
      },
    },
  ];
}

// A commit takes its time: asks until the answer is as wanted, for as long as a test may take.
async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (let tries = 1;; tries++) {
    const answer = await ask();
    if (wanted(answer) || tries === 2000) return answer;
    await sleep(systemClock, 5);
  }
}
