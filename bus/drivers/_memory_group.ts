import type {
  BusRecord,
  ConsumeOptions,
  DriverConsumer,
  RecordSink,
  TopicPartition,
} from "../driver.ts";
import type { StartAt } from "../types.ts";
import { CqiError } from "../../errors/mod.ts";
import {
  endOf,
  type GroupMember,
  type MemoryBroker,
  type MemoryGroup,
  notify,
  type PartitionLog,
} from "./_memory_broker.ts";

// How many records one hand-over to the bus takes.
const BATCH = 256;

interface Owned extends TopicPartition {
  readonly name: string;
  readonly log: PartitionLog;
  position: number;
  readonly lost: PromiseWithResolvers<void>;
}

const nameOf = (topic: string, partition: number): string => `${topic}:${partition}`;

function startOffset(log: PartitionLog, startAt: StartAt): number {
  if (startAt === "earliest") return log.base;
  if (startAt === "latest") return endOf(log);
  const index = log.records.findIndex((record, at) =>
    at >= log.start && record!.timestampMs >= startAt.getTime()
  );
  return index < 0 ? endOf(log) : log.base + index - log.start;
}

// Partitions of a topic go round its readers in joining order.
function shares(broker: MemoryBroker, members: readonly GroupMember[]): Set<string>[] {
  const result = members.map(() => new Set<string>());
  let turn = 0;
  for (const topic of new Set(members.flatMap((member) => member.topics))) {
    const readers = result.filter((_, index) => members[index]!.topics.includes(topic));
    for (let partition = 0; partition < broker.topic(topic).length; partition++) {
      readers[turn++ % readers.length]!.add(nameOf(topic, partition));
    }
  }
  return result;
}

// Everyone gives up what is no longer theirs before anyone takes what is new, so that no partition
// has two owners. Rebalances of one group run one after another.
function rebalance(broker: MemoryBroker, group: MemoryGroup): Promise<void> {
  group.rebalance = group.rebalance.then(async () => {
    const members = [...group.members];
    const next = shares(broker, members);
    await Promise.all(members.map((member, index) => member.release(next[index]!)));
    members.forEach((member, index) => member.acquire(next[index]!));
  });
  return group.rebalance;
}

function groupOf(broker: MemoryBroker, name: string): MemoryGroup {
  let group = broker.groups.get(name);
  if (group === undefined) {
    group = { committed: new Map(), members: [], rebalance: Promise.resolve() };
    broker.groups.set(name, group);
  }
  return group;
}

/** Starts a consumer on a memory broker: a member of a group, or a reader of everything. */
export async function startConsumer(
  broker: MemoryBroker,
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
        owned.delete(entry.name);
        entry.lost.resolve();
      }
      if (lost.length > 0) await sink.revoked(lost);
      for (const entry of lost) {
        entry.log.floors.delete(member);
        notify(entry.log, "freed");
      }
    },
    acquire(share) {
      for (const name of share) {
        if (owned.has(name)) continue;
        const cut = name.lastIndexOf(":");
        const topic = name.slice(0, cut);
        const partition = Number(name.slice(cut + 1));
        const log = broker.topic(topic)[partition]!;
        const wanted = group?.committed.get(name) ?? startOffset(log, options.startAt);
        const position = Math.max(wanted, log.base);
        const entry = {
          name,
          topic,
          partition,
          log,
          position,
          lost: Promise.withResolvers<void>(),
        };
        owned.set(name, entry);
        log.floors.set(member, position);
        const loop = run(entry).finally(() => running.delete(loop));
        running.add(loop);
      }
    },
  };

  const read = (entry: Owned): BusRecord[] => {
    const { log } = entry;
    const from = log.start + entry.position - log.base;
    const records = log.records.slice(from, from + BATCH) as BusRecord[];
    entry.position += records.length;
    // Copies, so that consumers share nothing with each other or with the log.
    return records.map((record) => ({ ...record, headers: new Map(record.headers) }));
  };

  // One loop a partition, so that a topic without room holds up no other.
  const run = async (entry: Owned): Promise<void> => {
    while (owned.get(entry.name) === entry) {
      const appended = entry.log.appended.promise;
      const records = read(entry);
      if (records.length === 0) {
        await Promise.race([appended, entry.lost.promise]);
        continue;
      }
      await sink.records(records);
      if (group === undefined) {
        entry.log.floors.set(member, entry.position);
        notify(entry.log, "freed");
      }
    }
  };

  if (group === undefined) {
    member.acquire(shares(broker, [member])[0]!);
  } else {
    group.members.push(member);
    await rebalance(broker, group);
  }
  return {
    commit(positions) {
      for (const position of positions) {
        const name = nameOf(position.topic, position.partition);
        const entry = broker.topic(position.topic)[position.partition]!;
        if (group === undefined || !entry.floors.has(member)) {
          return Promise.reject(
            new CqiError("CQI_CONFLICT", `Cannot commit ${name}: it is no longer owned here`),
          );
        }
        group.committed.set(name, Number(position.offset));
        entry.floors.set(member, Number(position.offset));
        notify(entry, "freed");
      }
      return Promise.resolve();
    },
    lag: () =>
      Promise.resolve([...owned.values()].map(({ topic, partition, name, log, position }) => ({
        topic,
        partition,
        lag: BigInt(
          endOf(log) - (group === undefined ? position : group.committed.get(name) ?? log.base),
        ),
      }))),
    close() {
      closing ??= (async () => {
        if (group === undefined) {
          await member.release(new Set());
        } else {
          group.members.splice(group.members.indexOf(member), 1);
          // Released here, not by the rebalance: this member is no longer part of it.
          group.rebalance = group.rebalance.then(() => member.release(new Set()));
          await rebalance(broker, group);
        }
        await Promise.all(running);
      })();
      return closing;
    },
  };
}
