import type { fetchV17 } from "@platformatic/kafka";
import type { CqiError } from "../../errors/mod.ts";
import type { TopicPartition } from "../driver.ts";
import type { TopicInfo } from "./_kafka_client.ts";
import type { Fetched } from "./_kafka_records.ts";

/** A partition that is read. */
export interface Reading extends TopicPartition {
  /** The offset to ask for next. */
  position: bigint;
  /** True once it is no longer read; nothing of it is handed over from then on. */
  lost: boolean;
  /** The id of its topic when reading began; another one is another topic of the same name. */
  topicId: string | undefined;
  /** Records that wait for hand-over, with the memory that they take. */
  waiting: Pick<Fetched, "records" | "bytes"> | undefined;
  /** Whether a request for it is under way, or it waits to be asked for again. */
  busy: boolean;
  /** The hand-over that is under way. */
  handing: Promise<void> | undefined;
  /** Requests in a row that failed, and how the last one did. */
  failures: number;
  trouble: CqiError | undefined;
  /** Whether it is asked for by itself, since an answer with it and others could not be read. */
  alone: boolean;
}

/** A partition that is not asked for yet. */
export function newReading({ topic, partition }: TopicPartition, position: bigint): Reading {
  return {
    topic,
    partition,
    position,
    lost: false,
    topicId: undefined,
    waiting: undefined,
    busy: false,
    handing: undefined,
    failures: 0,
    trouble: undefined,
    alone: false,
  };
}

/** Whether it may be asked for. */
export function isReady(reading: Reading): boolean {
  return !reading.busy && !reading.lost && reading.waiting === undefined;
}

/** A partition that is asked for. */
export interface Asked {
  readonly reading: Reading;
  readonly info: TopicInfo;
}

/** What a fetch asks for, as the protocol has it, with the readings by the id of their topic. */
export function requestOf(parts: readonly Asked[], partitionMaxBytes: number): {
  readonly byId: ReadonlyMap<string, readonly Reading[]>;
  readonly topics: fetchV17.FetchRequestTopic[];
} {
  const byId = new Map<string, Reading[]>();
  for (const { reading, info: { id } } of parts) byId.set(id, [...byId.get(id) ?? [], reading]);
  const topics = [...byId].map(([topicId, all]) => ({
    topicId,
    partitions: all.map(({ partition, position }) => ({
      partition,
      fetchOffset: position,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      partitionMaxBytes,
    })),
  }));
  return { byId, topics };
}
