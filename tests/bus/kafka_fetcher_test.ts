// What is read ahead: shared among topics, and not spoilt by one partition that cannot be read.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { transportError } from "../../bus/drivers/_kafka_errors.ts";
import { kafkaFetcher } from "../../bus/drivers/_kafka_fetcher.ts";
import { fetchMemory } from "../../bus/drivers/_kafka_memory.ts";
import type { BusRecord } from "../../bus/driver.ts";
import { instruments } from "../../core/mod.ts";
import type { CqiError } from "../../errors/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import {
  type Asked,
  emptyPart,
  type FakeCluster,
  fakeCluster,
  fetched,
  type FetchedPart,
  partOf,
  type Script,
  SETTINGS,
} from "./_kafka_cluster.ts";

interface Reader {
  readonly cluster: FakeCluster;
  /** Records that were handed over, by topic and partition. */
  readonly counts: ReadonlyMap<string, number>;
  readonly troubles: readonly (CqiError | undefined)[];
  /** What was refused: the partition and the offset from which on. */
  readonly refused: readonly string[];
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

function reader(
  topics: Readonly<Record<string, number>>,
  script: Script,
  take: (records: readonly BusRecord[]) => Promise<void> = () => Promise.resolve(),
): Reader {
  const clock = fakeClock();
  const cluster = fakeCluster(clock, topics, script);
  const counts = new Map<string, number>();
  const troubles: (CqiError | undefined)[] = [];
  const refused: string[] = [];
  const fetcher = kafkaFetcher(cluster.client, SETTINGS, instruments({ clock }), {
    records(records) {
      for (const { topic, partition } of records) {
        const name = `${topic}:${partition}`;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      return take(records);
    },
    trouble: (error) => void troubles.push(error),
    reset: () => {},
    refused: ({ partition }, from) => void refused.push(`${partition} from ${from}`),
  });
  for (const [topic, count] of Object.entries(topics)) {
    for (let partition = 0; partition < count; partition++) fetcher.add({ topic, partition }, 0n);
  }
  fetcher.pump();
  return {
    cluster,
    counts,
    troubles,
    refused,
    advance: (ms) => clock.advance(ms),
    async close() {
      const closed = fetcher.close();
      await clock.advance(2000);
      await closed;
    },
  };
}

/** Asked of partitions, at most once in a while, so that a test ends. */
const bounded = (
  each: (name: string, partition: number, offset: bigint) => FetchedPart,
  limit = 400,
): Script => {
  let left = limit;
  return (asked: Asked) => asked.name === "Fetch" && left-- > 0 ? fetched(asked, each) : undefined;
};

test("Kafka fetcher reads on for other topics while one that waits has taken all that may be read ahead", async () => {
  // `slow` fills 1,000 bytes with its first answers, and its events never get room.
  const { counts, advance, close } = reader(
    { slow: 8, quick: 1 },
    bounded((_, partition, offset) => partOf(partition, offset, 300)),
    ([first]) => first!.topic === "slow" ? new Promise(() => {}) : Promise.resolve(),
  );
  await advance(5000);
  assert(counts.get("quick:0")! > 20, `${counts.get("quick:0")}`);
  // One that is being handed over and one that waits, for each partition.
  assert(counts.get("slow:0")! === 1, `${counts.get("slow:0")}`);
  void close();
});

test("fetchMemory keeps a share for each topic and gives all of it to one that is alone", () => {
  const memory = fetchMemory(900);
  memory.topics = 3;
  memory.take("a", 900);
  assert.equal(memory.has("a"), true);
  memory.take("a", 1);
  assert.deepEqual(["a", "b"].map((topic) => memory.has(topic)), [false, true]);
  assert.equal(memory.allowance(["b", "b"]), 300);
  memory.take("b", 300);
  assert.equal(memory.has("b"), false);
  memory.give("a", 901);
  assert.deepEqual(["a", "b", "c"].map((topic) => memory.has(topic)), [true, true, true]);
  assert.equal(memory.allowance(["a"]), 900);
});

test("Kafka fetcher counts keys and headers among what it holds", async () => {
  // The value is nothing; the key is over the bound by itself.
  const { counts, cluster, advance, close } = reader(
    { prices: 4 },
    bounded((_, partition, offset) => {
      const part = partOf(partition, offset, 2000);
      const [record] = part.records![0]!.records;
      Object.assign(record!, { value: Buffer.alloc(0), key: Buffer.alloc(2000, "k") });
      return part;
    }),
    () => new Promise(() => {}),
  );
  await advance(5000);
  assert.deepEqual([...counts.values()], [1, 1, 1, 1]);
  // None is asked for ahead of those that wait.
  assert.equal(cluster.asked.filter(({ name }) => name === "Fetch").length, 1);
  void close();
});

test("Kafka fetcher reads on past a part that makes no sense, and says so", async () => {
  const { counts, troubles, advance, close } = reader({ prices: 2 }, (asked) => {
    if (asked.name !== "Fetch") return undefined;
    const partitions: { partition: number; fetchOffset: bigint }[] = asked.args[6][0].partitions;
    // The good one has 40 records.
    const isIdle = ({ partition, fetchOffset }: typeof partitions[number]) =>
      partition === 1 && fetchOffset >= 40n;
    if (partitions.every(isIdle)) return undefined;
    return fetched(asked, (_, partition, offset) => {
      if (partition === 1 && offset >= 40n) return emptyPart(1);
      const part = partOf(partition, offset, 10);
      const [batch] = part.records!;
      if (partition === 0) {
        // A control record whose key is too short.
        Object.assign(batch!, { attributes: 32 });
        Object.assign(batch!.records[0]!, { key: Buffer.of(0) });
      }
      return part;
    });
  });
  await advance(60_000);
  assert.equal(counts.get("prices:0"), undefined);
  assert.equal(counts.get("prices:1"), 40);
  assert(troubles.some((error) => /'prices'.*malformed/.test(error?.message ?? "")));
  await close();
});

test("Kafka fetcher asks by itself for a partition whose answer cannot be read, and the others go on", async () => {
  let left = 60;
  const { counts, cluster, advance, close } = reader({ prices: 3 }, (asked) => {
    if (asked.name !== "Fetch" || left-- <= 0) return undefined;
    return fetched(asked, (name, partition, offset) => {
      // As the client library does with a batch that it cannot unpack: the whole answer is lost.
      if (name === "prices:1") throw transportError("ask for Fetch", new RangeError("bad varint"));
      return partOf(partition, offset, 10);
    });
  });
  await advance(60_000);
  assert(counts.get("prices:0")! > 10, `${counts.get("prices:0")}`);
  assert(counts.get("prices:2")! > 10, `${counts.get("prices:2")}`);
  assert(cluster.asked.length > 20);
  await close();
});

test("Kafka fetcher asks for partitions together after an outage", async () => {
  let away = 12;
  const { cluster, advance, close } = reader({ prices: 6 }, ({ name }) => {
    if (name !== "Fetch" || away-- <= 0) return undefined;
    const refused = Object.assign(new Error("away"), { code: "PLT_KFK_NETWORK" });
    throw transportError("ask for Fetch", refused);
  });
  await advance(60_000);
  const sizes = cluster.asked.filter(({ name }) => name === "Fetch")
    .map(({ args }) => args[6][0].partitions.length);
  assert.deepEqual(new Set(sizes), new Set([6]));
  await close();
});

test("Kafka fetcher hands over nothing of a partition that follows what was refused, and the others go on", async () => {
  const taken: string[] = [];
  const { refused, advance, close } = reader(
    { prices: 2 },
    bounded((_, partition, offset) => partOf(partition, offset, 30), 40),
    ([first]) => {
      const { partition, offset } = first!;
      if (partition === 1 && offset === 1n) return Promise.reject(new Error("No room"));
      taken.push(`${partition} ${offset}`);
      return Promise.resolve();
    },
  );
  await advance(3000);
  assert.deepEqual(refused, ["1 from 1"]);
  assert.deepEqual(taken.filter((each) => each.startsWith("1 ")), ["1 0"]);
  assert(taken.includes("0 9"), taken.join());
  await close();
});
