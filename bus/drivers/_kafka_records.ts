// Records between our form and that of the client library.

import type { fetchV17, MessageRecord } from "@platformatic/kafka";
import { Buffer } from "node:buffer";
import type { BusRecord, RecordToSend, TopicPartition } from "../driver.ts";
import type { HeaderValue } from "../types.ts";
import { headerReader, plain } from "./_kafka_headers.ts";
import { keyBytes, keyText } from "./_kafka_keys.ts";

// Names of headers repeat from record to record.
const MAX_NAMES = 1000;

/** Makes a writer of records, which remembers the names of headers. */
export function recordWriter(): (record: RecordToSend, partition: number) => MessageRecord {
  const names = new Map<string, Buffer>();
  const nameOf = (text: string): Buffer => {
    let name = names.get(text);
    if (name === undefined) {
      name = Buffer.from(text);
      if (names.size < MAX_NAMES) names.set(text, name);
    }
    return name;
  };
  return (record, partition) => {
    const headers = new Map<Buffer, Buffer>();
    for (const [name, value] of record.headers) headers.set(nameOf(name), bytesOf(value));
    return {
      topic: record.topic,
      partition,
      // A tombstone; the library's type does not say so, its protocol does.
      value: (record.value === null ? null : bytesOf(record.value)) as Buffer,
      ...record.key !== null && { key: keyBytes(record.key) },
      headers,
      timestamp: BigInt(Math.trunc(record.timestampMs)),
    };
  };
}

function bytesOf(value: HeaderValue): Buffer {
  if (typeof value === "string") return Buffer.from(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

const CONTROL = 0b10_0000;
const TRANSACTIONAL = 0b1_0000;
const LOG_APPEND_TIME = 0b1000;
const ABORT = 0;
// What a record takes in memory besides its bytes, about.
const RECORD_BYTES = 100;

/** What one fetch brought of a partition. */
export interface Fetched {
  readonly records: BusRecord[];
  /** The offset to read next. */
  readonly next: bigint;
  /** Memory that the records take, about: keys, values, headers and something for each. */
  readonly bytes: number;
}

/**
 * Reads the batches of a partition: control records and aborted transactions are left out, and so
 * is what lies before the offset that was asked for (a batch comes whole).
 *
 * @param at The partition.
 * @param from The offset that was asked for.
 * @param part What the broker answered.
 */
export function readPartition(
  at: TopicPartition,
  from: bigint,
  part: fetchV17.FetchResponsePartition,
): Fetched {
  const { topic, partition } = at;
  const records: BusRecord[] = [];
  const aborted = [...part.abortedTransactions ?? []]
    .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const dropping = new Set<bigint>();
  const headersOf = headerReader();
  let next = from;
  let bytes = 0;
  for (const batch of part.records ?? []) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    while (aborted.length > 0 && aborted[0]!.firstOffset <= last) {
      dropping.add(aborted.shift()!.producerId);
    }
    if (last + 1n > next) next = last + 1n;
    if ((batch.attributes & CONTROL) !== 0) {
      // Key of a control record: version, then type (0 abort, 1 commit), 16 bits each.
      if (batch.records[0]?.key?.readInt16BE(2) === ABORT) dropping.delete(batch.producerId);
      continue;
    }
    if ((batch.attributes & TRANSACTIONAL) !== 0 && dropping.has(batch.producerId)) continue;
    for (const record of batch.records) {
      const offset = batch.firstOffset + BigInt(record.offsetDelta);
      if (offset < from) continue;
      bytes += RECORD_BYTES + record.length;
      records.push({
        topic,
        partition,
        offset,
        key: record.key === null ? null : keyText(record.key),
        value: record.value === null ? null : plain(record.value),
        headers: headersOf(record.headers),
        bytes: record.length,
        timestampMs: Number(
          (batch.attributes & LOG_APPEND_TIME) !== 0
            ? batch.maxTimestamp
            : batch.firstTimestamp + record.timestampDelta,
        ),
      });
    }
  }
  return { records, next, bytes };
}
