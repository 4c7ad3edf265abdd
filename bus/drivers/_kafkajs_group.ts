// What the client library leaves out of group membership: a place to finish before a rebalance, a
// share for each member of the topics that it reads, and leaving what could not be left while Kafka
// was away. All by way of its custom assigners, which are handed its connections.

import {
  AssignerProtocol,
  type Assignment,
  type Cluster,
  type GroupMember,
  type PartitionAssigner,
} from "kafkajs";
import type { Clock } from "../../core/mod.ts";
import { assign } from "./_kafka_assign.ts";
import { pause } from "./_kafka_wait.ts";

interface Joined {
  readonly generationId: number;
  readonly memberId: string;
}

/** A broker as it is, beyond what the library's types say. */
interface Coordinator {
  joinGroup(request: object): Promise<Joined>;
  heartbeat(request: object): Promise<unknown>;
  leaveGroup(request: object): Promise<unknown>;
}

/** How a member behaves. */
export interface GroupHooks {
  readonly group: string;
  readonly heartbeatMs: number;
  /** Called before each join, the first one too; it is sent when this resolves. */
  readonly beforeJoin: () => Promise<void>;
  /**
   * Names of members that we were, kept over the clients of one consumer: one that could not leave,
   * its connection being lost, leaves before the next joins. Else the group would wait for it until
   * its session is over.
   */
  readonly members: Set<string>;
}

/** The library's name, so that its members and ours agree. */
const NAME = "RoundRobinAssigner";
const VERSION = 0;

/** Makes the assigner of one member, which also makes its joins wait. */
export function groupAssigner(clock: Clock, hooks: GroupHooks): PartitionAssigner {
  return ({ cluster }) => {
    holdJoins(cluster, clock, hooks);
    return {
      name: NAME,
      version: VERSION,
      protocol: ({ topics }) => ({
        name: NAME,
        metadata: AssignerProtocol.MemberMetadata.encode({
          version: VERSION,
          topics,
          userData: NOTHING,
        }),
      }),
      async assign({ members }) {
        const candidates = members.map(candidateOf);
        const names = [...new Set(candidates.flatMap(({ topics }) => topics))];
        await cluster.addMultipleTargetTopics(names);
        const counts = new Map(
          names.map((name) => [name, cluster.findTopicPartitionMetadata(name).length]),
        );
        return [...assign(candidates, counts)].map(([memberId, share]) => ({
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({
            version: VERSION,
            assignment: Object.fromEntries(share) as Assignment,
            userData: NOTHING,
          }),
        }));
      },
    };
  };
}

const NOTHING = AssignerProtocol.MemberMetadata.encode({
  version: VERSION,
  topics: [],
  userData: undefined as never,
}).subarray(0, 0);

function candidateOf({ memberId, memberMetadata }: GroupMember) {
  const said = AssignerProtocol.MemberMetadata.decode(memberMetadata);
  return { id: memberId, topics: said?.topics ?? [], owned: [], generation: -1 };
}

async function leaveFormer(coordinator: Coordinator, hooks: GroupHooks): Promise<void> {
  for (const memberId of hooks.members) {
    // Mostly the group does not know it any more. Where the broker does not answer, the join that
    // follows does not come about either, and the next one asks again.
    await coordinator.leaveGroup({ groupId: hooks.group, memberId }).then(
      () => hooks.members.delete(memberId),
      (error) => {
        if ((error as { type?: unknown }).type === "UNKNOWN_MEMBER_ID") {
          hooks.members.delete(memberId);
        }
      },
    );
  }
}

// Its own heartbeats come with its fetches, of which there are none while it waits to join.
async function beat(
  coordinator: Coordinator,
  clock: Clock,
  { group: groupId, heartbeatMs }: GroupHooks,
  { memberId, generationId: groupGenerationId }: Joined,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await pause(clock, heartbeatMs, signal);
    if (signal.aborted) return;
    // Answered by "rebalance in progress", which is known; what counts is that it was sent.
    await coordinator.heartbeat({ groupId, memberId, groupGenerationId }).catch(() => {});
  }
}

function holdJoins(cluster: Cluster, clock: Clock, hooks: GroupHooks): void {
  const held = new WeakSet<Coordinator>();
  const find = cluster.findGroupCoordinator.bind(cluster);
  let current: Joined | undefined;
  cluster.findGroupCoordinator = async (wanted) => {
    const broker = await find(wanted);
    const coordinator = broker as unknown as Coordinator;
    if (held.has(coordinator)) return broker;
    held.add(coordinator);
    const join = coordinator.joinGroup.bind(coordinator);
    coordinator.joinGroup = async (request) => {
      const joining = new AbortController();
      if (current !== undefined) void beat(coordinator, clock, hooks, current, joining.signal);
      try {
        await hooks.beforeJoin();
      } finally {
        joining.abort();
      }
      if (current === undefined) await leaveFormer(coordinator, hooks);
      const next = await join(request);
      // By another name than before: the group did not know that one any more.
      if (current !== undefined) hooks.members.delete(current.memberId);
      hooks.members.add(next.memberId);
      current = next;
      return current;
    };
    return broker;
  };
}
