// A cluster that is not there: answers requests of the Kafka driver's parts as a broker would, and
// otherwise where a test says so. It counts on its own that batches are written once.

import type { ConnectionPool, fetchV17, MessageRecord } from "@platformatic/kafka";
import { Buffer } from "node:buffer";
import type { KafkaClient, TopicInfo } from "../../bus/drivers/_kafka_client.ts";
import type { KafkaSettings } from "../../bus/drivers/_kafka_settings.ts";
import { type Clock, sleep } from "../../core/mod.ts";

/** A request that was made. */
export interface Asked {
  readonly name: string;
  // deno-lint-ignore no-explicit-any -- arguments as the protocol has them, by the name
  readonly args: any;
}

/** Says how to answer; undefined leaves it to the cluster. */
export type Script = (asked: Asked, signal: AbortSignal | undefined) => unknown;

/** A partition's part of an answer to Fetch. */
export type FetchedPart = fetchV17.FetchResponsePartition;

/** A simulated cluster of one broker, number 1. */
export interface FakeCluster {
  readonly client: KafkaClient;
  /** All requests, in order. */
  readonly asked: readonly Asked[];
  /** Texts of values on the log of each `topic:partition`. */
  readonly log: ReadonlyMap<string, readonly string[]>;
  /** How often metadata was asked for anew. */
  readonly refreshed: number;
  /** Forgets what it knows of producers' sequences. */
  forgetProducers(): void;
}

/** Settings as they come out of a section that says little. */
export const SETTINGS: KafkaSettings = {
  ensureTopics: false,
  topics: new Map(),
  brokers: ["127.0.0.1:1"],
  clientId: "test",
  acks: -1,
  idempotent: true,
  compression: "none",
  lingerMs: 0,
  sessionMs: 6000,
  heartbeatMs: 1000,
  rebalanceMs: 60_000,
  instanceId: undefined,
  requestMs: 30_000,
  connectMs: 5000,
  maxFetchBytes: 1000,
  isolation: 1,
};

/** A part without records. */
export function emptyPart(partitionIndex: number, more: Partial<FetchedPart> = {}): FetchedPart {
  return {
    partitionIndex,
    errorCode: 0,
    highWatermark: 0n,
    lastStableOffset: 0n,
    logStartOffset: 0n,
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: [],
    ...more,
  };
}

/** A part with one record of so many bytes. */
export function partOf(partitionIndex: number, offset: bigint, bytes: number): FetchedPart {
  const record = {
    length: bytes,
    attributes: 0,
    timestampDelta: 0n,
    offsetDelta: 0,
    key: null,
    value: Buffer.alloc(bytes),
    headers: [],
  };
  return emptyPart(partitionIndex, {
    records: [{
      firstOffset: offset,
      length: 0,
      partitionLeaderEpoch: 0,
      magic: 2,
      crc: 0,
      attributes: 0,
      lastOffsetDelta: 0,
      firstTimestamp: 1000n,
      maxTimestamp: 1000n,
      producerId: -1n,
      producerEpoch: 0,
      firstSequence: 0,
      records: [record],
    }],
  });
}

/** Answers to a Fetch, by `topic:partition`. */
export function fetched(
  { args }: Asked,
  part: (name: string, partition: number, offset: bigint) => FetchedPart,
): unknown {
  const topics: fetchV17.FetchRequestTopic[] = args[6];
  return {
    errorCode: 0,
    responses: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partition, fetchOffset }) =>
        part(`${topicId.slice(3)}:${partition}`, partition, fetchOffset)
      ),
    })),
  };
}

/**
 * Makes a cluster.
 *
 * @param topics How many partitions each topic has.
 */
export function fakeCluster(
  clock: Clock,
  topics: Readonly<Record<string, number>>,
  script: Script = () => undefined,
): FakeCluster {
  const asked: Asked[] = [];
  const log = new Map<string, string[]>();
  const next = new Map<string, number>();
  const committed = new Map<string, bigint>();
  let refreshed = 0;
  let producers = 0;
  let generation = 0;
  let shares: readonly { memberId: string; assignment: Uint8Array }[] = [];

  const infoOf = (name: string): TopicInfo => ({
    name,
    id: `id-${name}`,
    partitions: Array.from({ length: topics[name] ?? 0 }, () => ({ leader: 1 })),
    copies: 1,
  });

  // As a broker does it: by producer, epoch and sequence of the first record.
  const append = (name: string, stamp: readonly [string, number], values: string[]): number => {
    const [producer, sequence] = stamp;
    const expected = next.get(`${producer} ${name}`) ?? 0;
    if (sequence < expected) return 46;
    if (sequence > expected) return 45;
    next.set(`${producer} ${name}`, sequence + values.length);
    log.set(name, [...log.get(name) ?? [], ...values]);
    return 0;
  };

  const produce = (args: Asked["args"]): unknown => {
    const [, , messages, { producerId, producerEpoch, sequences }] = args;
    const batches = new Map<string, string[]>();
    for (const { topic, partition, value } of messages as MessageRecord[]) {
      const name = `${topic}:${partition}`;
      batches.set(name, [...batches.get(name) ?? [], `${value}`]);
    }
    return producedAs([...batches].map(([name, values]) => {
      const stamp = [`${producerId}/${producerEpoch}`, sequences.get(name)] as const;
      return [name, append(name, stamp, values)] as const;
    }));
  };

  const standard = async ({ name, args }: Asked, signal?: AbortSignal): Promise<unknown> => {
    switch (name) {
      case "InitProducerId":
        return { errorCode: 0, producerId: BigInt(++producers), producerEpoch: 0 };
      case "Produce":
        return produce(args);
      case "FindCoordinator":
        return { coordinators: [{ errorCode: 0, nodeId: 1, host: "127.0.0.1", port: 1 }] };
      case "JoinGroup": {
        const memberId = args[3] || `member-${asked.length}`;
        const members = [{ memberId, metadata: args[6][0].metadata }];
        const leader = memberId;
        return { errorCode: 0, generationId: ++generation, memberId, leader, members };
      }
      case "SyncGroup": {
        shares = args[6];
        const own = shares.find(({ memberId }) => memberId === args[2]);
        return { errorCode: 0, assignment: own!.assignment };
      }
      case "Heartbeat":
        return { errorCode: 0 };
      case "OffsetFetch":
        return { groups: [{ errorCode: 0, topics: offsetsOf(args[0][0].topics) }] };
      case "OffsetCommit":
        for (const topic of args[4]) {
          for (const { partitionIndex, committedOffset } of topic.partitions) {
            committed.set(`${topic.name}:${partitionIndex}`, committedOffset);
          }
        }
        return { topics: [] };
      case "ListOffsets":
        return { topics: beginningsOf(args[2]) };
      case "Fetch":
        await sleep(clock, args[0], signal === undefined ? {} : { signal });
        return fetched({ name, args }, (_, partition) => emptyPart(partition));
      default:
        return { errorCode: 0 };
    }
  };

  const offsetsOf = (all: { name: string; partitionIndexes: number[] }[]): unknown =>
    all.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        committedOffset: committed.get(`${name}:${partitionIndex}`) ?? -1n,
        metadata: null,
        errorCode: 0,
      })),
    }));

  const beginningsOf = (all: { name: string; partitions: { partitionIndex: number }[] }[]) =>
    all.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: 0,
        offset: 0n,
      })),
    }));

  const answer = async (one: Asked, signal?: AbortSignal): Promise<never> => {
    asked.push(one);
    signal?.throwIfAborted();
    return (await script(one, signal) ?? await standard(one, signal)) as never;
  };

  const client: KafkaClient = {
    request: (name, { args }, { signal, onSent } = {}) => {
      onSent?.();
      return answer({ name, args }, signal);
    },
    ask: (name, args, { signal } = {}) => answer({ name, args }, signal),
    topics(names, { fresh } = {}) {
      if (fresh) refreshed++;
      return Promise.resolve(new Map(names.map((name) => [name, infoOf(name)])));
    },
    broker: (node) => (node === 1 ? { host: "127.0.0.1", port: 1 } : undefined),
    heard: () => {},
    pool: () => ({}) as ConnectionPool,
    release: () => Promise.resolve(),
    data: {} as ConnectionPool,
    close: () => Promise.resolve(),
  };
  return {
    client,
    asked,
    log,
    get refreshed() {
      return refreshed;
    },
    forgetProducers: () => next.clear(),
  };
}

/** An answer to Produce, by `topic:partition` and error code. */
export function producedAs(parts: readonly (readonly [name: string, code: number])[]): unknown {
  const topics = new Map<string, unknown[]>();
  for (const [place, errorCode] of parts) {
    const cut = place.lastIndexOf(":");
    const name = place.slice(0, cut);
    const index = Number(place.slice(cut + 1));
    const answer = { index, errorCode, baseOffset: 0n, errorMessage: null };
    topics.set(name, [...topics.get(name) ?? [], answer]);
  }
  return {
    responses: [...topics].map(([name, partitionResponses]) => ({ name, partitionResponses })),
  };
}

/** Names of the partitions that a Produce is for. */
export function producedOn({ args }: Asked): string[] {
  return [
    ...new Set((args[2] as MessageRecord[]).map(({ topic, partition }) => `${topic}:${partition}`)),
  ];
}
