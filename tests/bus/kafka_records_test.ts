import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { readPartition, recordWriter } from "../../bus/drivers/_kafka_records.ts";

const TRANSACTIONAL = 16;
const CONTROL = 32;
const LOG_APPEND_TIME = 8;
const at = { topic: "t", partition: 1 };

type Part = Parameters<typeof readPartition>[2];
type Batch = NonNullable<Part["records"]>[number];
type Raw = Batch["records"][number];

function raw(offsetDelta: number, more: Partial<Raw> = {}): Raw {
  const value = Buffer.from(`v${offsetDelta}`);
  return {
    length: 10,
    attributes: 0,
    timestampDelta: 0n,
    offsetDelta,
    key: null,
    value,
    headers: [],
    ...more,
  };
}

function batch(firstOffset: bigint, records: Raw[], more: Partial<Batch> = {}): Batch {
  return {
    firstOffset,
    length: 0,
    partitionLeaderEpoch: 0,
    magic: 2,
    crc: 0,
    attributes: 0,
    lastOffsetDelta: records.at(-1)?.offsetDelta ?? 0,
    firstTimestamp: 1000n,
    maxTimestamp: 2000n,
    producerId: -1n,
    producerEpoch: 0,
    firstSequence: 0,
    records,
    ...more,
  };
}

function part(records: Batch[], more: Partial<Part> = {}): Part {
  return {
    partitionIndex: 1,
    errorCode: 0,
    highWatermark: 0n,
    lastStableOffset: 0n,
    logStartOffset: 0n,
    abortedTransactions: null,
    preferredReadReplica: -1,
    records,
    ...more,
  };
}

const marker = (type: number): Raw => raw(0, { key: Buffer.from([0, 0, 0, type]) });
const offsets = (found: ReturnType<typeof readPartition>): bigint[] =>
  found.records.map(({ offset }) => offset);

test("readPartition leaves out what lies before the offset that was asked for", () => {
  const found = readPartition(at, 12n, part([batch(10n, [raw(0), raw(1), raw(2), raw(3)])]));
  assert.deepEqual(offsets(found), [12n, 13n]);
  assert.equal(found.next, 14n);
});

test("readPartition goes on behind a batch whose records were compacted away", () => {
  const found = readPartition(at, 10n, part([batch(10n, [], { lastOffsetDelta: 4 })]));
  assert.deepEqual(offsets(found), []);
  assert.equal(found.next, 15n);
});

test("readPartition stays where it is when nothing came", () => {
  assert.equal(readPartition(at, 10n, part([])).next, 10n);
  assert.equal(readPartition(at, 10n, { ...part([]), records: null }).next, 10n);
});

test("readPartition drops what a producer aborted, and no other transaction of it", () => {
  const mine = { producerId: 7n, attributes: TRANSACTIONAL };
  const other = { producerId: 8n, attributes: TRANSACTIONAL };
  const end = { producerId: 7n, attributes: TRANSACTIONAL | CONTROL };
  const found = readPartition(
    at,
    0n,
    part([
      batch(0n, [raw(0)], mine),
      batch(1n, [raw(0)], other),
      batch(2n, [marker(0)], end),
      batch(3n, [raw(0)], mine),
      batch(4n, [marker(1)], end),
      batch(5n, [raw(0)], mine),
      batch(6n, [raw(0)]),
      batch(7n, [marker(0)], end),
    ], {
      abortedTransactions: [{ producerId: 7n, firstOffset: 5n }, {
        producerId: 7n,
        firstOffset: 0n,
      }],
    }),
  );
  assert.deepEqual(offsets(found), [1n, 3n, 6n]);
  assert.equal(found.next, 8n);
});

test("readPartition takes the broker's time where the topic says so", () => {
  const records = [raw(0, { timestampDelta: 5n })];
  const [created] = readPartition(at, 0n, part([batch(0n, records)])).records;
  assert.equal(created?.timestampMs, 1005);
  const stamped = batch(0n, records, { attributes: LOG_APPEND_TIME });
  assert.equal(readPartition(at, 0n, part([stamped])).records[0]?.timestampMs, 2000);
});

test("readPartition tells a tombstone from an empty value, and of a repeated header the first", () => {
  const name = Buffer.from("h");
  const headers: Raw["headers"] = [[name, Buffer.from("1")], [name, Buffer.from("2")], [
    Buffer.from("n"),
    null,
  ]];
  const found = readPartition(
    at,
    0n,
    part([batch(0n, [raw(0, { value: null, headers }), raw(1, { value: Buffer.alloc(0) })])]),
  ).records;
  assert.equal(found[0]?.value, null);
  assert.equal(found[1]?.value?.length, 0);
  assert.equal(String(found[0]?.headers.get("h")), "49");
  assert.equal((found[0]?.headers.get("n") as Uint8Array).length, 0);
});

test("readPartition gives bytes whose slices are copies", () => {
  const memory = Buffer.from("shared");
  const [record] = readPartition(at, 0n, part([batch(0n, [raw(0, { value: memory })])])).records;
  const copy = record!.value!.slice();
  copy[0] = 0;
  assert.equal(memory.toString(), "shared");
});

test("recordWriter writes a tombstone as null, an absent key as none and an empty key as empty", () => {
  const write = recordWriter();
  const record = { topic: "t", value: null, headers: new Map([["h", "ü"]]), timestampMs: 5.7 };
  const none = write({ ...record, key: null }, 3);
  const empty = write({ ...record, key: "" }, 3);
  assert.equal(none.value, null);
  assert.equal("key" in none, false);
  assert.equal(empty.key?.length, 0);
  assert.equal(none.partition, 3);
  assert.equal(none.timestamp, 5n);
  assert.deepEqual([...none.headers!].map(([n, v]) => [String(n), v.length]), [["h", 2]]);
});
