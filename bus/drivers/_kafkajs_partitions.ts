// What a member reads at the moment. The client library is told exactly where to read (seek), and
// what it brings is taken only when it continues where the last left off: after a rebalance it may
// bring what was asked for before.

import type { Consumer, EachBatchPayload, KafkaMessage } from "kafkajs";
import type { Instruments } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import type { BusRecord, Position, RecordSink, TopicPartition } from "../driver.ts";
import type { HeaderValue } from "../types.ts";
import type { KafkajsTopics } from "./_kafkajs_topics.ts";

/** Name of a partition: `topic:partition`. */
export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}

interface Owned extends TopicPartition {
  position: bigint;
  lost: boolean;
  waiting: BusRecord[][];
  held: number;
  paused: boolean;
  handing: boolean;
  checking: boolean;
  done: bigint;
  /** Resolves when it is given up; undefined before it is to be. */
  given: Promise<void> | undefined;
}

/** Partitions that are read. */
export interface KafkajsPartitions {
  /** Begins to read partitions. */
  add(starts: readonly Position[]): void;
  /** Takes a batch that was fetched, if it is what comes next. */
  take(payload: EachBatchPayload): void;
  /** Passes over what the client has filtered out. */
  skip(at: TopicPartition, last: bigint): void;
  /** Gives everything up; resolves when its work is done. */
  release(): Promise<void>;
  has(positions: readonly TopicPartition[]): boolean;
  committed(positions: readonly Position[]): void;
  /** Each with the offset below which everything is committed. */
  all(): Position[];
}

// Read ahead of what is handed over: from the first on nothing more is fetched, down to the second.
const HIGH_RECORDS = 2000;
const HIGH_BYTES = 4 * 2 ** 20;
const LOW_RECORDS = 500;

/** Makes the partitions of one run of a client's consumer. */
export function kafkajsPartitions(
  consumer: Consumer,
  topics: KafkajsTopics,
  sink: RecordSink,
  { logger }: Pick<Instruments, "logger">,
): KafkajsPartitions {
  const owned = new Map<string, Owned>();

  const call = (action: (all: [{ topic: string; partitions: number[] }]) => void, one: Owned) => {
    try {
      action([{ topic: one.topic, partitions: [one.partition] }]);
    } catch (error) {
      // A consumer that is about to stop has no partitions to hold or let go.
      logger.debug("Partition cannot be held or let go", { error, topic: one.topic });
    }
  };

  const seek = (one: Owned): void => {
    const { topic, partition, position } = one;
    try {
      consumer.seek({ topic, partition, offset: `${position}` });
    } catch (error) {
      // The same; what follows begins anew.
      logger.debug("Partition cannot be read from an offset", { error, topic, partition });
    }
  };

  const hand = async (one: Owned): Promise<void> => {
    one.handing = true;
    while (!one.lost) {
      const records = one.waiting.shift();
      if (records === undefined) break;
      await sink.records(records);
      one.held -= records.length;
      if (one.paused && one.held <= LOW_RECORDS && !one.lost) {
        one.paused = false;
        call((all) => consumer.resume(all), one);
      }
    }
    one.handing = false;
  };

  const add = (at: Position): Owned => {
    const one: Owned = {
      topic: at.topic,
      partition: at.partition,
      position: at.offset,
      lost: false,
      waiting: [],
      held: 0,
      paused: false,
      handing: false,
      checking: false,
      done: at.offset,
      given: undefined,
    };
    owned.set(nameOf(at), one);
    call((all) => consumer.resume(all), one);
    seek(one);
    return one;
  };

  // Each is given up once; who asks again waits for the same.
  const give = async (lost: readonly Owned[]): Promise<void> => {
    const fresh = lost.filter((one) => one.given === undefined);
    if (fresh.length > 0) {
      for (const one of fresh) one.lost = true;
      const given = revoke(fresh);
      for (const one of fresh) one.given = given;
    }
    await Promise.all(lost.map((one) => one.given));
  };

  const revoke = async (lost: readonly Owned[]): Promise<void> => {
    try {
      await sink.revoked(lost.map(({ topic, partition }) => ({ topic, partition })));
    } finally {
      for (const one of lost) if (owned.get(nameOf(one)) === one) owned.delete(nameOf(one));
    }
  };

  // Not what comes next: from before a rebalance, or the log no longer has what is wanted.
  const check = async (one: Owned, found: string): Promise<void> => {
    if (one.checking) return;
    one.checking = true;
    const { topic, partition } = one;
    try {
      const range = (await topics.ranges(topic, {})).find((each) => each.partition === partition);
      if (one.lost) return;
      if (range === undefined || (one.position >= range.start && one.position <= range.end)) {
        return seek(one);
      }
      logger.warn("Partition is read from its first offset again", {
        why: `offset ${one.position} is not on the log`,
        topic,
        partition,
        wanted: `${one.position}`,
        first: `${range.start}`,
        found,
      });
      await give([one]);
      add({ topic, partition, offset: range.start });
    } catch (error) {
      sink.state(CqiError.from(error, "CQI_BUS_UNAVAILABLE"));
    } finally {
      one.checking = false;
    }
  };

  return {
    add(starts) {
      for (const at of starts) {
        if (at.note !== undefined) sink.assigned?.(at);
        add(at);
      }
    },
    take({ batch, resolveOffset }) {
      const one = owned.get(nameOf(batch));
      if (one === undefined || one.lost) return;
      const { fetchedOffset } = batch as unknown as { readonly fetchedOffset: string };
      if (BigInt(fetchedOffset) !== one.position) {
        void check(one, fetchedOffset);
        return;
      }
      const last = batch.lastOffset();
      one.position = BigInt(last) + 1n;
      resolveOffset(last);
      const records = batch.messages.map((message) => recordOf(batch, message));
      one.waiting.push(records);
      one.held += records.length;
      const bytes = batch.messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
      if (!one.paused && (one.held >= HIGH_RECORDS || bytes >= HIGH_BYTES)) {
        one.paused = true;
        call((all) => consumer.pause(all), one);
      }
      if (!one.handing) void hand(one);
    },
    skip(at, last) {
      const one = owned.get(nameOf(at));
      if (one !== undefined && last >= one.position) one.position = last + 1n;
    },
    release: () => give([...owned.values()]),
    has: (positions) => positions.every((at) => owned.get(nameOf(at)) !== undefined),
    committed(positions) {
      for (const at of positions) {
        const one = owned.get(nameOf(at));
        if (one !== undefined) one.done = at.offset;
      }
    },
    all: () =>
      [...owned.values()].map(({ topic, partition, done }) => ({ topic, partition, offset: done })),
  };
}

function recordOf(at: TopicPartition, message: KafkaMessage): BusRecord {
  const headers = new Map<string, HeaderValue>();
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) headers.set(name, typeof first === "string" ? first : plain(first));
  }
  return {
    topic: at.topic,
    partition: at.partition,
    offset: BigInt(message.offset),
    key: message.key === null ? null : message.key.toString("utf8"),
    value: message.value === null ? null : plain(message.value),
    headers,
    timestampMs: Number(message.timestamp),
  };
}

// Plain bytes over the same memory: a Buffer's slice would share it where a copy is meant.
function plain(value: Uint8Array): Uint8Array {
  return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
}
