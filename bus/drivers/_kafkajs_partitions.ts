// What a member reads at the moment. The client library is told exactly where to read (seek), and
// what it brings is taken only when it continues where the last left off: after a rebalance it may
// bring what was asked for before.

import type { Consumer, EachBatchPayload, KafkaMessage } from "kafkajs";
import type { Instruments } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import type { BusRecord, Position, RecordSink, TopicPartition } from "../driver.ts";
import type { HeaderValue } from "../types.ts";
import { plain } from "./_kafka_headers.ts";
import { keyText } from "./_kafka_keys.ts";
import { readAhead } from "./_kafkajs_ahead.ts";
import type { KafkajsSettings } from "./_kafkajs_settings.ts";
import type { KafkajsTopics } from "./_kafkajs_topics.ts";

/** Name of a partition: `topic:partition`. */
export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}

interface Owned extends TopicPartition {
  position: bigint;
  lost: boolean;
  waiting: BusRecord[][];
  handing: boolean;
  checking: boolean;
  /** First offset of a filtered batch that did not continue where the last left off. */
  doubt: string | undefined;
  done: bigint;
  /** Resolves when it is given up; undefined before it is to be. */
  given: Promise<void> | undefined;
}

/** A batch of which nothing is left: control records, aborted ones, records compacted away. */
export interface FilteredBatch extends TopicPartition {
  /** Its first offset; null where all of it is below what was asked for. */
  readonly firstOffset: string | null;
  /** Its last offset, at which the client goes on. */
  readonly lastOffset: string;
}

/** What partitions are read with. */
export interface KafkajsPartitionsOptions extends Pick<Instruments, "logger"> {
  readonly consumer: Pick<Consumer, "pause" | "resume" | "seek">;
  readonly topics: Pick<KafkajsTopics, "ranges">;
  readonly settings: Pick<KafkajsSettings, "maxFetchBytes">;
  /** Called with why records were not taken. */
  readonly failed: (error: unknown) => void;
}

/** Partitions that are read. */
export interface KafkajsPartitions {
  /** Begins to read partitions. */
  add(starts: readonly Position[]): void;
  /** Takes a batch that was fetched, if it is what comes next. */
  take(payload: EachBatchPayload): void;
  /** Passes over a batch that the client has filtered out, if it is what comes next. */
  skip(batch: FilteredBatch): void;
  /** Gives everything up; resolves when its work is done. */
  release(): Promise<void>;
  has(positions: readonly TopicPartition[]): boolean;
  committed(positions: readonly Position[]): void;
  /** Each with the offset below which everything is committed. */
  all(): Position[];
}

/** Makes the partitions of one run of a client's consumer. */
export function kafkajsPartitions(
  sink: RecordSink,
  { consumer, topics, settings, logger, failed }: KafkajsPartitionsOptions,
): KafkajsPartitions {
  const owned = new Map<string, Owned>();

  const flow = ({ topic, partition }: Owned, paused: boolean): void => {
    const all = [{ topic, partitions: [partition] }];
    try {
      if (paused) consumer.pause(all);
      else consumer.resume(all);
    } catch (error) {
      // A consumer that is about to stop has no partitions to hold or let go.
      logger.debug("Partition cannot be held or let go", { error, topic });
    }
  };
  const ahead = readAhead(settings.maxFetchBytes, flow);

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
      try {
        await sink.records(records);
      } catch (error) {
        // What was not taken must come again: from what is committed, once all begins anew.
        return failed(error);
      }
      ahead.remove(one, records);
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
      handing: false,
      checking: false,
      doubt: undefined,
      done: at.offset,
      given: undefined,
    };
    owned.set(nameOf(at), one);
    flow(one, false);
    ahead.join(one);
    seek(one);
    return one;
  };

  // Each is given up once; who asks again waits for the same.
  const give = async (lost: readonly Owned[]): Promise<void> => {
    const fresh = lost.filter((one) => one.given === undefined);
    if (fresh.length > 0) {
      for (const one of fresh) {
        one.lost = true;
        one.waiting = [];
        ahead.leave(one);
      }
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
      one.doubt = undefined;
      one.waiting.push(records);
      ahead.add(one, records);
      if (!one.handing) void hand(one);
    },
    skip(batch) {
      const one = owned.get(nameOf(batch));
      const last = BigInt(batch.lastOffset);
      if (one === undefined || one.lost || last < one.position) return;
      // It does not say from where it was asked for. What begins behind our position is from before
      // a rebalance, or what lay between is gone from the log: then it comes again when asked anew.
      const first = batch.firstOffset ?? batch.lastOffset;
      if (BigInt(first) > one.position && one.doubt !== first) {
        one.doubt = first;
        return seek(one);
      }
      one.doubt = undefined;
      one.position = last + 1n;
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
  let bytes = (message.key?.length ?? 0) + (message.value?.length ?? 0);
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first === undefined) continue;
    headers.set(name, typeof first === "string" ? first : plain(first));
    bytes += name.length + first.length;
  }
  return {
    topic: at.topic,
    partition: at.partition,
    offset: BigInt(message.offset),
    key: message.key === null ? null : keyText(message.key),
    value: message.value === null ? null : plain(message.value),
    headers,
    bytes,
    timestampMs: Number(message.timestamp),
  };
}
