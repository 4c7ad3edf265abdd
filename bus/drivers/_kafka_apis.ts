import type {
  API,
  createTopicsV7,
  fetchV17,
  findCoordinatorV6,
  heartbeatV4,
  initProducerIdV5,
  joinGroupV9,
  leaveGroupV5,
  listOffsetsV9,
  metadataV12,
  offsetCommitV9,
  offsetFetchV9,
  produceV11,
  syncGroupV5,
} from "@platformatic/kafka";

/** The requests of Kafka's protocol that are made, as the client library types them. */
export interface Apis {
  CreateTopics: typeof createTopicsV7.api;
  Fetch: typeof fetchV17.api;
  FindCoordinator: typeof findCoordinatorV6.api;
  Heartbeat: typeof heartbeatV4.api;
  InitProducerId: typeof initProducerIdV5.api;
  JoinGroup: typeof joinGroupV9.api;
  LeaveGroup: typeof leaveGroupV5.api;
  ListOffsets: typeof listOffsetsV9.api;
  Metadata: typeof metadataV12.api;
  OffsetCommit: typeof offsetCommitV9.api;
  OffsetFetch: typeof offsetFetchV9.api;
  Produce: typeof produceV11.api;
  SyncGroup: typeof syncGroupV5.api;
}

/** Lowest versions that say what is relied on; Kafka 3.1 has them. */
export const LOWEST: Partial<Record<keyof Apis, number>> = {
  Fetch: 13,
  FindCoordinator: 4,
  JoinGroup: 5,
  Metadata: 10,
  OffsetFetch: 8,
};

/** What a request is made of. */
export type ArgsOf<N extends keyof Apis> = Apis[N] extends API<infer A, infer _> ? A : never;
/** What it is answered with. */
export type AnswerOf<N extends keyof Apis> = Apis[N] extends API<infer _, infer R> ? R : never;
