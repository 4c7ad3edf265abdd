// The consumer group protocol (classic, cooperative): one request a function, no loops. Who calls
// them when is in _kafka_consumer.ts.

import {
  type Broker,
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
} from "@platformatic/kafka";
import type { WaitOptions } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import type { Position, TopicPartition } from "../driver.ts";
import { assign, type Share } from "./_kafka_assign.ts";
import type { KafkaClient } from "./_kafka_client.ts";
import { brokerError, errorName } from "./_kafka_errors.ts";
import type { KafkaSettings } from "./_kafka_settings.ts";

/** A member of a group. Errors carry the broker's answer in `details.kafka`. */
export interface KafkaMember {
  /** Whether this member shares the partitions out. */
  readonly isLeader: boolean;
  /** Number of the generation that was joined last; -1 before the first. */
  readonly generation: number;
  /**
   * Joins, or joins again, and learns its share. Waits until all members have joined.
   *
   * @param topics Topics that it reads.
   * @param owned What it has at the moment.
   */
  join(
    topics: readonly string[],
    owned: readonly TopicPartition[],
    options: WaitOptions,
  ): Promise<TopicPartition[]>;
  /** Says that it is alive. */
  heartbeat(options: WaitOptions): Promise<void>;
  /** Commits positions in the generation of the last join. */
  commit(positions: readonly Position[], options: WaitOptions): Promise<void>;
  /** What is committed, with its notes, by `topic:partition`; what is not is left out. */
  committed(
    partitions: readonly TopicPartition[],
    options: WaitOptions,
  ): Promise<ReadonlyMap<string, Position>>;
  /** Forgets who it was: the group has dropped it. */
  reset(): void;
  /** Leaves, unless it keeps its place over a restart. Never fails. */
  leave(options: WaitOptions): Promise<void>;
  /** Ends its connections. */
  close(): Promise<void>;
}

const PROTOCOL = "cooperative-sticky";
// A join is answered when the last member has joined; this much later something is wrong.
const JOIN_GRACE_MS = 5000;
/** OFFSET_METADATA_TOO_LARGE: `offset.metadata.max.bytes` of the broker is below its default. */
const NOTE_TOO_LARGE = 12;
const COORDINATOR_GONE = new Set([
  "COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR",
  "COORDINATOR_LOAD_IN_PROGRESS",
]);

/** Makes a member that has not joined yet. */
export function kafkaMember(
  client: KafkaClient,
  settings: KafkaSettings,
  group: string,
): KafkaMember {
  const instance = settings.instanceId ?? null;
  // Joins block the connection they are on, and commits may; heartbeats must not wait for them.
  const joining = client.pool(settings.rebalanceMs + JOIN_GRACE_MS);
  const committing = client.pool(settings.requestMs);
  let memberId = "";
  let generation = -1;
  let isLeader = false;
  let coordinator: Broker | undefined;
  // Where the broker has no room for notes, commits do without.
  let hasNotes = true;

  const find = async (options: WaitOptions): Promise<Broker> => {
    if (coordinator !== undefined) return coordinator;
    const { coordinators: [found] } = await client.ask("FindCoordinator", [0, [group]], options);
    if (found === undefined || found.errorCode !== 0) {
      throw brokerError(`find group '${group}'`, found?.errorCode ?? 15, found?.errorMessage);
    }
    client.heard(found.nodeId, found);
    coordinator = { host: found.host, port: found.port };
    return coordinator;
  };

  /** Asks the coordinator, and forgets it where it is gone. */
  const ask = async <A>(
    call: (broker: Broker) => Promise<A>,
    options: WaitOptions,
  ): Promise<A> => {
    const broker = await find(options);
    try {
      return await call(broker);
    } catch (error) {
      if (options.signal?.aborted !== true) coordinator = undefined;
      throw error;
    }
  };

  const check = (action: string, code: number): void => {
    if (code === 0) return;
    if (COORDINATOR_GONE.has(errorName(code))) coordinator = undefined;
    throw brokerError(`${action} in group '${group}'`, code);
  };

  const checkAll = (
    action: string,
    topics: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[],
  ): void => {
    for (const { partitions } of topics) {
      for (const { errorCode } of partitions) check(action, errorCode);
    }
  };

  const joinOnce = async (
    topics: readonly string[],
    owned: readonly TopicPartition[],
    options: WaitOptions,
  ) => {
    const metadata = encodeConsumerProtocolSubscription({
      version: 3,
      topics: [...topics],
      ownedPartitions: byTopic(owned),
      generationId: owned.length === 0 ? -1 : generation,
    });
    return await ask((broker) =>
      client.request("JoinGroup", {
        broker,
        args: [
          group,
          settings.sessionMs,
          settings.rebalanceMs,
          memberId,
          instance,
          "consumer",
          [{ name: PROTOCOL, metadata }],
          "",
        ],
      }, { ...options, pool: joining }), options);
  };

  const share = async (
    members: readonly { readonly memberId: string; readonly metadata: Uint8Array }[],
    options: WaitOptions,
  ) => {
    const candidates = members.map(({ memberId: id, metadata }) => {
      const said = decodeConsumerProtocolSubscription(metadata as never);
      return {
        id,
        topics: said.topics,
        owned: said.ownedPartitions,
        generation: said.generationId,
      };
    });
    const names = [...new Set(candidates.flatMap((each) => each.topics))];
    const found = await client.topics(names, { ...options, fresh: true });
    const counts = new Map<string, number>();
    for (const [name, info] of found) {
      if (!(info instanceof CqiError)) counts.set(name, info.partitions.length);
    }
    return [...assign(candidates, counts)].map(([id, each]) => ({
      memberId: id,
      assignment: encodeConsumerProtocolAssignment({
        version: 0,
        assignedPartitions: partsOfShare(each),
      }),
    }));
  };

  // Under the generation that it was made in, however long the coordinator takes to be found.
  const commit = async (
    positions: readonly Position[],
    madeIn: number,
    options: WaitOptions,
  ): Promise<void> => {
    const topics = groupByTopic(positions, ({ partition, offset, note }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: -1,
      committedMetadata: hasNotes ? note ?? null : null,
    }));
    const answer = await ask((broker) =>
      client.request("OffsetCommit", {
        broker,
        args: [group, madeIn, memberId, instance, topics],
      }, { ...options, pool: committing }), options);
    const answers = answer.topics.flatMap(({ partitions }) => partitions);
    if (hasNotes && answers.some(({ errorCode }) => errorCode === NOTE_TOO_LARGE)) {
      hasNotes = false;
      return await commit(positions, madeIn, options);
    }
    checkAll("commit", answer.topics);
  };

  return {
    get isLeader() {
      return isLeader;
    },
    get generation() {
      return generation;
    },
    async join(topics, owned, options) {
      let joined = await joinOnce(topics, owned, options);
      if (errorName(joined.errorCode) === "MEMBER_ID_REQUIRED") {
        memberId = joined.memberId;
        joined = await joinOnce(topics, owned, options);
      }
      check("join", joined.errorCode);
      ({ memberId, generationId: generation } = joined);
      isLeader = joined.leader === memberId;
      const shares = isLeader && !joined.skipAssignment ? await share(joined.members, options) : [];
      const synced = await ask((broker) =>
        client.request("SyncGroup", {
          broker,
          args: [group, generation, memberId, instance, "consumer", PROTOCOL, shares],
        }, { ...options, pool: joining }), options);
      check("join", synced.errorCode);
      return decodeConsumerProtocolAssignment(synced.assignment).assignedPartitions
        .flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
    },
    async heartbeat(options) {
      const args: [string, number, string, string | null] = [group, generation, memberId, instance];
      const answer = await ask(
        (broker) => client.request("Heartbeat", { broker, args }, options),
        options,
      );
      check("stay", answer.errorCode);
    },
    commit: (positions, options) => commit(positions, generation, options),
    async committed(partitions, options) {
      const topics = byTopic(partitions)
        .map(({ topic, partitions: indexes }) => ({ name: topic, partitionIndexes: indexes }));
      const wanted = [{ groupId: group, memberId: null, memberEpoch: -1, topics }];
      const { groups: [found] } = await ask(
        (broker) =>
          client.request("OffsetFetch", { broker, args: [wanted, true] }, {
            ...options,
            pool: committing,
          }),
        options,
      );
      check("read what is committed", found?.errorCode ?? 0);
      checkAll("read what is committed", found?.topics ?? []);
      const offsets = new Map<string, Position>();
      for (const { name, partitions: all } of found?.topics ?? []) {
        for (const { partitionIndex: partition, committedOffset: offset, metadata } of all) {
          if (offset < 0n) continue;
          const note = metadata || undefined;
          offsets.set(`${name}:${partition}`, { topic: name, partition, offset, note });
        }
      }
      return offsets;
    },
    reset() {
      memberId = "";
      generation = -1;
    },
    async leave(options) {
      if (memberId === "" || instance !== null) return;
      const args: [string, { memberId: string }[]] = [group, [{ memberId }]];
      await ask((broker) => client.request("LeaveGroup", { broker, args }, options), options)
        // Whoever cannot say goodbye is missed after the session's time.
        .catch(() => {});
      memberId = "";
    },
    async close() {
      await Promise.all([client.release(joining), client.release(committing)]);
    },
  };
}

function groupByTopic<T extends TopicPartition, R>(
  items: readonly T[],
  make: (item: T) => R,
): { name: string; partitions: R[] }[] {
  const topics = new Map<string, R[]>();
  for (const item of items) {
    if (!topics.has(item.topic)) topics.set(item.topic, []);
    topics.get(item.topic)!.push(make(item));
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
}

function byTopic(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  return groupByTopic(partitions, ({ partition }) => partition)
    .map(({ name, partitions: all }) => ({ topic: name, partitions: all }));
}

function partsOfShare(share: Share): { topic: string; partitions: number[] }[] {
  return [...share].map(([topic, partitions]) => ({ topic, partitions }));
}
