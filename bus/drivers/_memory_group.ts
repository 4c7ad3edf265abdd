import type {
  BusRecord,
  ConsumeOptions,
  DriverConsumer,
  RecordSink,
  TopicPartition,
} from "../driver.ts";
import type { StartAt } from "../types.ts";
import { CqiError } from "../../errors/mod.ts";
import { type Broker, endOf, freeRoom, type PartitionLog } from "./_memory_broker.ts";

/** What a group knows. */
export interface MemoryGroup {
  /** Next offset to read, by `topic:partition`. */
  readonly committed: Map<string, number>;
  /** What was said at the last commit, by `topic:partition`. */
  readonly notes: Map<string, string>;
  /** Running members, in the order they joined. */
  readonly members: GroupMember[];
  /** The end of the chain of rebalances; they run one after another. */
  rebalance: Promise<void>;
}

/** A member as its group sees it. */
export interface GroupMember {
  /** Topics that it reads, each with where to start. */
  topics: ReadonlyMap<string, StartAt>;
  /**
   * Gives up what is not in its new share, once its work there is drained.
   *
   * @param share Names of partitions, `topic:partition`.
   */
  release(share: ReadonlySet<string>): Promise<void>;
  /**
   * Starts what is new in its share.
   *
   * @param share Names of partitions, `topic:partition`.
   */
  acquire(share: ReadonlySet<string>): void;
}

// How many records one hand-over to the bus takes.
const BATCH = 256;

interface Owned extends TopicPartition {
  readonly name: string;
  readonly log: PartitionLog;
  position: number;
  lost: boolean;
  readonly end: PromiseWithResolvers<void>;
}

const nameOf = (topic: string, partition: number): string => `${topic}:${partition}`;

function startOffset(log: PartitionLog, startAt: StartAt): number {
  if (startAt === "earliest") return log.base;
  if (startAt === "latest") return endOf(log);
  if (!(startAt instanceof Date)) {
    const wanted = Number(startAt.offsets.get(log.number) ?? 0n);
    return Math.min(Math.max(wanted, log.base), endOf(log));
  }
  const index = log.records.findIndex((record, at) =>
    at >= log.start && record!.timestampMs >= startAt.getTime()
  );
  return index < 0 ? endOf(log) : log.base + index - log.start;
}

// Partitions of a topic go round its readers in joining order.
function shares(broker: Broker, members: readonly GroupMember[]): Set<string>[] {
  const result = members.map(() => new Set<string>());
  let turn = 0;
  for (const topic of new Set(members.flatMap((member) => [...member.topics.keys()]))) {
    const readers = result.filter((_, index) => members[index]!.topics.has(topic));
    for (let partition = 0; partition < broker.topic(topic).logs.length; partition++) {
      readers[turn++ % readers.length]!.add(nameOf(topic, partition));
    }
  }
  return result;
}

// Everyone gives up what is no longer theirs before anyone takes what is new, so that no partition
// has two owners. Rebalances of one group run one after another.
function rebalance(
  broker: Broker,
  group: MemoryGroup,
  joining: readonly GroupMember[] = [],
): Promise<void> {
  return inTurn(group, async () => {
    // Not before its turn: what it is given must not be taken again before it has started.
    group.members.push(...joining);
    const members = [...group.members];
    const next = shares(broker, members);
    await Promise.all(members.map((member, index) => member.release(next[index]!)));
    members.forEach((member, index) => member.acquire(next[index]!));
  });
}

function inTurn(group: MemoryGroup, work: () => Promise<void>): Promise<void> {
  const done = group.rebalance.then(work);
  // What fails is its caller's to hear of; the group goes on.
  group.rebalance = done.catch(() => {});
  return done;
}

function groupOf(broker: Broker, name: string): MemoryGroup {
  let group = broker.groups.get(name);
  if (group === undefined) {
    group = { committed: new Map(), notes: new Map(), members: [], rebalance: Promise.resolve() };
    broker.groups.set(name, group);
  }
  return group;
}

/** Starts a consumer on a memory broker: a member of a group, or a reader of everything. */
export async function startConsumer(
  broker: Broker,
  options: ConsumeOptions,
  sink: RecordSink,
): Promise<DriverConsumer> {
  const group = options.group === undefined ? undefined : groupOf(broker, options.group);
  const owned = new Map<string, Owned>();
  const running = new Set<Promise<void>>();
  let closing: Promise<void> | undefined;

  const member: GroupMember = {
    topics: options.topics,
    async release(share) {
      const lost = [...owned.values()].filter((entry) => !share.has(entry.name));
      for (const entry of lost) {
        entry.lost = true;
        entry.end.resolve();
      }
      try {
        if (lost.length > 0) await sink.revoked(lost);
      } finally {
        for (const { name, topic, log } of lost) {
          owned.delete(name);
          // A group holds its place while anybody of it is there to read on.
          if (group?.members.some(({ topics }) => topics.has(topic))) continue;
          log.floors.delete(holder);
          freeRoom(log);
        }
      }
    },
    acquire(share) {
      for (const name of share) {
        if (owned.has(name)) continue;
        const cut = name.lastIndexOf(":");
        const topic = name.slice(0, cut);
        const partition = Number(name.slice(cut + 1));
        const log = broker.topic(topic).logs[partition]!;
        const known = group?.committed.get(name);
        const wanted = known ?? startOffset(log, member.topics.get(topic)!);
        const position = Math.max(wanted, log.base);
        const entry = {
          name,
          topic,
          partition,
          log,
          position,
          lost: false,
          end: Promise.withResolvers<void>(),
        };
        owned.set(name, entry);
        log.floors.set(holder, position);
        if (known !== undefined) {
          const note = group?.notes.get(name);
          sink.assigned?.({ topic, partition, offset: BigInt(known), note });
        }
        const loop = run(entry).catch(sink.state).finally(() => running.delete(loop));
        running.add(loop);
      }
    },
  };

  const holder = group ?? member;

  const read = (entry: Owned): BusRecord[] => {
    const { log } = entry;
    const from = log.start + entry.position - log.base;
    const records = log.records.slice(from, from + BATCH) as BusRecord[];
    entry.position += records.length;
    return records;
  };

  // One loop a partition, so that a topic without room holds up no other.
  const run = async (entry: Owned): Promise<void> => {
    while (!entry.lost) {
      const appended = entry.log.appended.promise;
      const records = read(entry);
      if (records.length === 0) {
        await Promise.race([appended, entry.end.promise]);
        continue;
      }
      await sink.records(records);
      if (group === undefined) {
        entry.log.floors.set(holder, entry.position);
        freeRoom(entry.log);
      }
    }
  };

  if (group === undefined) {
    member.acquire(shares(broker, [member])[0]!);
  } else {
    await rebalance(broker, group, [member]);
  }
  return {
    commit(positions) {
      for (const position of positions) {
        const name = nameOf(position.topic, position.partition);
        const entry = owned.get(name);
        if (group === undefined || entry === undefined) {
          return Promise.reject(
            new CqiError("CQI_CONFLICT", `Cannot commit ${name}: it is no longer owned here`),
          );
        }
        group.committed.set(name, Number(position.offset));
        if (position.note === undefined) group.notes.delete(name);
        else group.notes.set(name, position.note);
        entry.log.floors.set(holder, Number(position.offset));
        freeRoom(entry.log);
      }
      return Promise.resolve();
    },
    lag: () =>
      Promise.resolve([...owned.values()].map(({ topic, partition, log }) => ({
        topic,
        partition,
        lag: BigInt(endOf(log) - log.floors.get(holder)!),
      }))),
    async change(topics) {
      const swap = async (): Promise<void> => {
        await member.release(new Set());
        member.topics = topics;
      };
      if (group === undefined) {
        await swap();
        member.acquire(shares(broker, [member])[0]!);
      } else {
        await inTurn(group, swap);
        await rebalance(broker, group);
      }
    },
    close() {
      closing ??= (async () => {
        if (group === undefined) {
          await member.release(new Set());
        } else {
          // In its turn: before, others would take what is not given up yet.
          await inTurn(group, () => {
            group.members.splice(group.members.indexOf(member), 1);
            return member.release(new Set());
          });
          // Who takes over is no business of who leaves.
          rebalance(broker, group).catch(() => {});
        }
        await Promise.all(running);
      })();
      return closing;
    },
  };
}
