// What a consumer reads at the moment: partitions taken up, given up, and put back to where the log
// begins when what was wanted of it is gone.

import type { Instruments, WaitOptions } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { delays } from "../../retry/mod.ts";
import type { ConsumeOptions, Position, RecordSink, TopicPartition } from "../driver.ts";
import type { StartAt } from "../types.ts";
import type { KafkaClient, TopicInfo } from "./_kafka_client.ts";
import { type KafkaFetcher, kafkaFetcher } from "./_kafka_fetcher.ts";
import type { KafkaMember } from "./_kafka_member.ts";
import { kafkaOffsets, nameOf } from "./_kafka_offsets.ts";
import type { Reading } from "./_kafka_reading.ts";
import type { KafkaSettings } from "./_kafka_settings.ts";
import { pause } from "./_kafka_wait.ts";

/** Partitions that are read. */
export interface KafkaPartitions {
  /** Names, `topic:partition`, of what is read. */
  readonly names: ReadonlySet<string>;
  /** Notes how many partitions topics have; what is added later is read from its beginning. */
  know(topics: readonly TopicInfo[]): void;
  /** Begins to read partitions, from what is committed or else from where their topic starts. */
  take(partitions: readonly TopicPartition[], options: WaitOptions): Promise<void>;
  /** Stops reading those that are not in the set; resolves when their work is done. */
  keepOnly(names: ReadonlySet<string>): Promise<void>;
  /** Whether all of them are read here. */
  has(positions: readonly Position[]): boolean;
  /** Notes what was committed. */
  committed(positions: readonly Position[]): void;
  /** How far behind each is. */
  lag(options: WaitOptions): Promise<(TopicPartition & { readonly lag: bigint })[]>;
  /** Stops reading at once. */
  close(): Promise<void>;
}

interface Owned {
  readonly reading: Reading;
  /** Everything below is committed, or was before reading began. */
  done: bigint;
  /** Resolves when it is given up; undefined before it is to be. */
  given: Promise<void> | undefined;
}

/** What the partitions of a consumer are made with. */
export interface PartitionsOptions {
  readonly client: KafkaClient;
  readonly settings: KafkaSettings;
  readonly env: Pick<Instruments, "clock" | "random" | "logger">;
  readonly sink: RecordSink;
  /** Undefined for a reader of everything. */
  readonly member: KafkaMember | undefined;
  readonly group: string | undefined;
  /** Where each topic starts. */
  readonly topics: () => ConsumeOptions["topics"];
  readonly trouble: (error: CqiError | undefined) => void;
}

const BACKOFF = { initialMs: 100, maxMs: 2000, multiplier: 2, jitter: "equal" } as const;

/** Makes the partitions of a consumer: none at first. */
export function kafkaPartitions(options: PartitionsOptions): KafkaPartitions {
  const { client, settings, env, sink, member, group } = options;
  const offsets = kafkaOffsets(client, settings, env.clock);
  const delayAfter = delays(BACKOFF, env.random);
  const owned = new Map<string, Owned>();
  const names = new Set<string>();
  const counts = new Map<string, number>();
  let mine: ReadonlySet<string> = new Set();

  // To start at the end of what was added meanwhile would pass over what is in it.
  const startOf = ({ topic, partition }: TopicPartition): StartAt =>
    partition < (counts.get(topic) ?? 0) ? options.topics().get(topic) ?? "earliest" : "earliest";

  const revoke = async (lost: readonly Owned[]): Promise<void> => {
    try {
      await sink.revoked(lost.map(({ reading: { topic, partition } }) => ({ topic, partition })));
    } finally {
      for (const { reading } of lost) {
        owned.delete(nameOf(reading));
        names.delete(nameOf(reading));
      }
    }
  };

  // Each is given up once; who asks again waits for the same.
  const give = async (lost: readonly Owned[]): Promise<void> => {
    const fresh = lost.filter((one) => one.given === undefined);
    if (fresh.length > 0) {
      for (const { reading } of fresh) reading.lost = true;
      const given = revoke(fresh);
      for (const one of fresh) one.given = given;
    }
    await Promise.all(lost.map((one) => one.given));
  };

  const startsOf = async (
    partitions: readonly TopicPartition[],
    wait: WaitOptions,
  ): Promise<Map<string, bigint>> => {
    const byStart = new Map<StartAt, TopicPartition[]>();
    for (const at of partitions) {
      const startAt = startOf(at);
      byStart.set(startAt, [...byStart.get(startAt) ?? [], at]);
    }
    const found = await Promise.all(
      [...byStart].map(([startAt, all]) => offsets.start(all, startAt, wait)),
    );
    return new Map(found.flatMap((each) => [...each]));
  };

  // A place that depends on when one asks is committed, so that the next owner begins at the same.
  const pin = async (
    partitions: readonly TopicPartition[],
    starts: ReadonlyMap<string, bigint>,
    wait: WaitOptions,
  ): Promise<void> => {
    const moving = partitions.filter((at) => startOf(at) !== "earliest");
    if (member === undefined || moving.length === 0) return;
    const positions = moving.map((at) => ({ ...at, offset: starts.get(nameOf(at))! }));
    await member.commit(positions, wait);
  };

  const take = async (partitions: readonly TopicPartition[], wait: WaitOptions): Promise<void> => {
    const fresh = partitions.filter((at) => !owned.has(nameOf(at)));
    if (fresh.length === 0) return;
    const share = mine;
    const committed = await member?.committed(fresh, wait) ?? new Map<string, Position>();
    const unknown = fresh.filter((at) => !committed.has(nameOf(at)));
    const starts = await startsOf(unknown, wait);
    await pin(unknown, starts, wait);
    // Shared out anew meanwhile: what was found may be out of date.
    if (mine !== share) return;
    for (const at of fresh) {
      const known = committed.get(nameOf(at));
      const position = known?.offset ?? starts.get(nameOf(at));
      if (known !== undefined) sink.assigned?.(known);
      if (position !== undefined) add(at, position);
    }
    fetcher.pump();
  };

  // Never on to the end: what the log still has is read, and the rest is said to be missing.
  const reset = async (reading: Reading, why: string): Promise<void> => {
    const entry = owned.get(nameOf(reading));
    if (entry?.reading !== reading) return;
    const { topic, partition } = reading;
    try {
      const at = { topic, partition };
      const first = (await offsets.first([at], { signal: closing.signal })).get(nameOf(at))!;
      env.logger.warn("Partition is read from its first offset again", {
        why,
        topic,
        partition,
        group,
        wanted: `${reading.position}`,
        first: `${first}`,
      });
      await give([entry]);
      // Meanwhile it may have gone to somebody else.
      if (closing.signal.aborted || !mine.has(nameOf(at))) return;
      add(at, first);
      fetcher.pump();
    } catch (error) {
      if (closing.signal.aborted) return;
      options.trouble(CqiError.from(error, "CQI_BUS_UNAVAILABLE"));
      reading.busy = false;
      fetcher.pump();
    }
  };

  // What was not taken comes again: from what is committed, or where nothing is, from there on.
  const again = async (reading: Reading, from: bigint, error: CqiError): Promise<void> => {
    const entry = owned.get(nameOf(reading));
    if (entry?.reading !== reading) return;
    const at = { topic: reading.topic, partition: reading.partition };
    env.logger.warn("Events were not taken and are read again", { error, group, ...at });
    options.trouble(error);
    await give([entry]).catch((error) => {
      env.logger.warn("Partition cannot be given up in order", { error, group, ...at });
    });
    const { signal } = closing;
    // Meanwhile it may have gone to somebody else, or have been taken up by the next generation.
    const isMissing = (): boolean =>
      !signal.aborted && mine.has(nameOf(at)) && !owned.has(nameOf(at));
    for (let tries = 1;; tries++) {
      await pause(env.clock, delayAfter(tries), signal);
      if (!isMissing()) return;
      try {
        if (member === undefined) add(at, from);
        else await take([at], { signal });
        return fetcher.pump();
      } catch (error) {
        if (!signal.aborted) options.trouble(CqiError.from(error, "CQI_BUS_UNAVAILABLE"));
      }
    }
  };

  const add = (at: TopicPartition, position: bigint): void => {
    // Two may have asked where it starts.
    if (owned.has(nameOf(at))) return;
    names.add(nameOf(at));
    owned.set(nameOf(at), {
      reading: fetcher.add(at, position),
      done: position,
      given: undefined,
    });
  };

  const closing = new AbortController();
  const fetcher: KafkaFetcher = kafkaFetcher(client, settings, env, {
    records: (records) => sink.records(records),
    trouble: options.trouble,
    reset: (reading, why) => void reset(reading, why),
    refused: (reading, from, error) => void again(reading, from, error),
  });

  return {
    names,
    know(topics) {
      for (const { name, partitions } of topics) {
        if (!counts.has(name)) counts.set(name, partitions.length);
      }
    },
    take,
    keepOnly(kept) {
      mine = kept;
      return give([...owned].flatMap(([name, one]) => (kept.has(name) ? [] : [one])));
    },
    has: (positions) => positions.every((at) => owned.has(nameOf(at))),
    committed(positions) {
      for (const at of positions) {
        const entry = owned.get(nameOf(at));
        if (entry !== undefined) entry.done = at.offset;
      }
    },
    async lag(wait) {
      const all = [...owned.values()].map(({ reading: { topic, partition } }) => ({
        topic,
        partition,
      }));
      const ends = await offsets.end(all, wait);
      return all.flatMap((at) => {
        const end = ends.get(nameOf(at));
        const done = owned.get(nameOf(at))?.done;
        if (end === undefined || done === undefined) return [];
        return [{ ...at, lag: end > done ? end - done : 0n }];
      });
    },
    async close() {
      closing.abort(new CqiError("CQI_CLOSED", "Cannot read: the consumer is closed"));
      await fetcher.close();
    },
  };
}
