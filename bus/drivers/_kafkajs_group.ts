// What the client library leaves out of group membership: a place to finish before a rebalance, and
// a share for each member of the topics that it reads. Both by way of its custom assigners, which
// are handed its connections.

import {
  AssignerProtocol,
  type Assignment,
  type Cluster,
  type GroupMember,
  type PartitionAssigner,
} from "kafkajs";
import type { Clock } from "../../core/mod.ts";
import { assign } from "./_kafka_assign.ts";
import { heartbeats } from "./_kafka_heartbeats.ts";

interface Joined {
  readonly generationId: number;
  readonly memberId: string;
}

/** A broker as it is, beyond what the library's types say. */
interface Coordinator {
  joinGroup(request: object): Promise<Joined>;
  heartbeat(request: object): Promise<unknown>;
}

/** How a member behaves. */
export interface GroupHooks {
  readonly group: string;
  readonly heartbeatMs: number;
  /** Called before each join, the first one too; it is sent when this resolves. */
  readonly beforeJoin: () => Promise<void>;
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

// Its heartbeats come with its fetches, of which there are none while it waits to join.
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
      const member = current;
      const beats = heartbeats(clock, hooks.heartbeatMs, async () => {
        if (member === undefined) return;
        const { memberId, generationId: groupGenerationId } = member;
        // Answered by "rebalance in progress", which is known; what counts is that it was sent.
        await coordinator.heartbeat({ groupId: hooks.group, memberId, groupGenerationId })
          .catch(() => {});
      });
      beats.start();
      try {
        await hooks.beforeJoin();
      } finally {
        beats.stop();
      }
      current = await join(request);
      return current;
    };
    return broker;
  };
}
