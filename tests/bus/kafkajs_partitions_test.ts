import assert from "node:assert/strict";
import { test } from "node:test";
import type { EachBatchPayload } from "kafkajs";
import { heldBytes } from "../../bus/drivers/_kafkajs_ahead.ts";
import { keyBytes } from "../../bus/drivers/_kafka_keys.ts";
import { kafkajsPartitions } from "../../bus/drivers/_kafkajs_partitions.ts";
import type { BusRecord, RecordSink } from "../../bus/mod.ts";
import { noopLogger } from "../../core/mod.ts";
import { until } from "../_until.ts";

interface Fetched {
  readonly topic?: string;
  readonly partition: number;
  readonly fetched: number;
  readonly records: number;
  readonly bytes?: number;
  readonly key?: Uint8Array;
  readonly headers?: Record<string, Uint8Array>;
}

function batchOf({ topic = "t", partition, fetched, records, bytes = 1, key, headers }: Fetched) {
  const messages = Array.from({ length: records }, (_, i) => ({
    key: key === undefined ? null : Buffer.from(key),
    value: Buffer.alloc(bytes),
    headers: headers ?? {},
    offset: `${fetched + i}`,
    timestamp: "0",
  }));
  const batch = {
    topic,
    partition,
    fetchedOffset: `${fetched}`,
    messages,
    lastOffset: () => `${fetched + records - 1}`,
  };
  return { batch, resolveOffset: () => {} } as unknown as EachBatchPayload;
}

function namesOf(all: readonly { topic: string; partitions?: number[] }[]): string[] {
  return all.flatMap(({ topic, partitions }) => (partitions ?? []).map((one) => `${topic}${one}`));
}

/** Partitions of a client that is played: what it is told is kept, and fetches obey it. */
function rig(maxFetchBytes: number) {
  const paused = new Set<string>();
  const sought: [number, number][] = [];
  const failures: unknown[] = [];
  const waiting: { readonly records: readonly BusRecord[]; readonly take: () => void }[] = [];
  let refuse: unknown;
  const sink: RecordSink = {
    records: (records) =>
      refuse === undefined
        ? new Promise((take) => waiting.push({ records, take }))
        : Promise.reject(refuse),
    revoked: () => Promise.resolve(),
    state: () => {},
  };
  const partitions = kafkajsPartitions(sink, {
    consumer: {
      pause: (all) => namesOf(all).forEach((name) => paused.add(name)),
      resume: (all) => namesOf(all).forEach((name) => paused.delete(name)),
      seek: ({ partition, offset }) => void sought.push([partition, Number(offset)]),
    },
    topics: {
      ranges: () =>
        Promise.resolve([0, 1, 2].map((partition) => ({ partition, start: 0n, end: 10n ** 9n }))),
    },
    settings: { maxFetchBytes },
    logger: noopLogger,
    failed: (error) => failures.push(error),
  });
  const add = (count: number, topic = "t"): void => {
    const all = Array.from({ length: count }, (_, partition) => partition);
    partitions.add(all.map((partition) => ({ topic, partition, offset: 0n })));
    sought.length = 0;
  };
  const next = new Map<string, number>();
  /** Fetches on, as the client does of what it is not told to hold. True when it may. */
  const fetch = (of: Omit<Fetched, "fetched">): boolean => {
    const name = `${of.topic ?? "t"}${of.partition}`;
    if (paused.has(name)) return false;
    const fetched = next.get(name) ?? 0;
    next.set(name, fetched + of.records);
    partitions.take(batchOf({ ...of, fetched }));
    return true;
  };
  return {
    partitions,
    paused,
    sought,
    failures,
    waiting,
    add,
    fetch,
    refuse: (error: unknown) => void (refuse = error),
  };
}

test("kafkajsPartitions holds a partition of which too many bytes wait, however small each fetch is", () => {
  const { add, fetch } = rig(2 ** 30);
  add(1);
  let fetches = 0;
  while (fetches < 1000 && fetch({ partition: 0, records: 1, bytes: 100_000 })) fetches++;
  assert.equal(fetches, 21);
});

test("kafkajsPartitions holds a partition of which too many records wait", () => {
  const { add, fetch } = rig(2 ** 30);
  add(1);
  let fetches = 0;
  while (fetches < 1000 && fetch({ partition: 0, records: 100 })) fetches++;
  assert.equal(fetches, 20);
});

test("kafkajsPartitions holds all partitions when too much waits in all, the idle ones too", () => {
  const { add, fetch, paused } = rig(2 ** 20);
  add(3);
  let bytes = 0;
  for (let i = 0; i < 1000; i++) {
    if (fetch({ partition: i % 2, records: 1, bytes: 100_000 })) bytes += 100_000;
  }
  assert.ok(bytes <= 2 ** 20 + 100_000, `${bytes} bytes wait`);
  assert.deepEqual([...paused].sort(), ["t0", "t1", "t2"]);
});

test("kafkajsPartitions leaves a topic its share while another's events wait", () => {
  const { add, fetch } = rig(2 ** 20);
  add(3);
  add(1, "other");
  const bytes = 100_000;
  for (let i = 0; i < 1000; i++) fetch({ partition: i % 3, records: 1, bytes });
  let fetches = 0;
  while (fetches < 1000 && fetch({ topic: "other", partition: 0, records: 1, bytes })) fetches++;
  assert.equal(fetches, 6);
});

test("kafkajsPartitions lets partitions go once what waits is taken", async () => {
  const { add, fetch, paused, waiting } = rig(2 ** 20);
  add(3);
  while (fetch({ partition: 0, records: 1, bytes: 100_000 }));
  while (paused.size > 0) {
    await until(() => waiting.length > 0, "records");
    waiting.shift()!.take();
    await Promise.resolve();
  }
  assert.equal(fetch({ partition: 0, records: 1 }), true);
});

test("kafkajsPartitions counts what was given up as gone", async () => {
  const { add, fetch, partitions, paused } = rig(2 ** 20);
  add(2);
  while (fetch({ partition: 0, records: 1, bytes: 100_000 }));
  await partitions.release();
  add(2);
  assert.deepEqual([...paused], []);
});

test("kafkajsPartitions gives keys of arbitrary bytes as text that stands for them", () => {
  const { add, fetch, waiting } = rig(2 ** 20);
  add(1);
  const key = Uint8Array.of(0xff, 0x00, 0xc3, 0xa9, 0xc3);
  fetch({ partition: 0, records: 1, key });
  assert.deepEqual(new Uint8Array(keyBytes(waiting[0]!.records[0]!.key!)), key);
});

test("heldBytes counts keys and headers as well as values", () => {
  const record: BusRecord = {
    topic: "t",
    partition: 0,
    offset: 0n,
    key: "k".repeat(1000),
    value: new Uint8Array(10_000),
    headers: new Map<string, string | Uint8Array>([
      ["n".repeat(100), new Uint8Array(100_000)],
      ["text", "x".repeat(1_000_000)],
    ]),
    timestampMs: 0,
  };
  const least = 1000 + 10_000 + 100 + 100_000 + 1_000_000;
  const bytes = heldBytes([record]);
  assert.ok(bytes > least && bytes < least + 300, `${bytes}`);
});

test("kafkajsPartitions begins anew where records are not taken, and hands over no later ones", async () => {
  const { add, fetch, failures, refuse, waiting } = rig(2 ** 20);
  add(1);
  refuse(new Error("No room"));
  fetch({ partition: 0, records: 1 });
  fetch({ partition: 0, records: 1 });
  await until(() => failures.length > 0, "the failure");
  refuse(undefined);
  fetch({ partition: 0, records: 1 });
  assert.deepEqual([failures.length, waiting.length], [1, 0]);
});

const filtered = (firstOffset: string | null, lastOffset: string) => ({
  topic: "t",
  partition: 0,
  firstOffset,
  lastOffset,
});

test("kafkajsPartitions passes over a filtered batch that comes next", () => {
  const { add, partitions, sought, waiting } = rig(2 ** 20);
  add(1);
  partitions.skip(filtered("0", "4"));
  partitions.take(batchOf({ partition: 0, fetched: 5, records: 1 }));
  assert.deepEqual(sought, []);
  assert.deepEqual(waiting.map(({ records }) => records[0]!.offset), [5n]);
});

test("kafkajsPartitions does not pass over records for a filtered batch from before a rebalance", () => {
  const { add, partitions, sought, waiting } = rig(2 ** 20);
  add(1);
  partitions.skip(filtered("50", "60"));
  assert.deepEqual(sought, [[0, 0]]);
  partitions.take(batchOf({ partition: 0, fetched: 0, records: 2 }));
  assert.deepEqual(waiting.map(({ records }) => records[0]!.offset), [0n]);
});

test("kafkajsPartitions passes over a filtered batch behind a gap of the log, seen twice", () => {
  const { add, partitions, sought, waiting } = rig(2 ** 20);
  add(1);
  partitions.skip(filtered("50", "60"));
  partitions.skip(filtered("50", "60"));
  assert.equal(sought.length, 1);
  partitions.take(batchOf({ partition: 0, fetched: 61, records: 1 }));
  assert.deepEqual(waiting.map(({ records }) => records[0]!.offset), [61n]);
});

test("kafkajsPartitions passes over a batch of which all was compacted away", () => {
  const { add, partitions, waiting } = rig(2 ** 20);
  add(1);
  partitions.skip(filtered(null, "0"));
  partitions.take(batchOf({ partition: 0, fetched: 1, records: 1 }));
  assert.deepEqual(waiting.map(({ records }) => records[0]!.offset), [1n]);
});
