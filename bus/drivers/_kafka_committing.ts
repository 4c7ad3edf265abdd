import { type Clock, sleep, type WaitOptions } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import type { DriverConsumer, Position } from "../driver.ts";
import { answerOf } from "./_kafka_errors.ts";
import type { KafkaMember } from "./_kafka_member.ts";
import type { KafkaPartitions } from "./_kafka_partitions.ts";

const COMMIT_TRIES = 20;
const COMMIT_RETRY_MS = 100;
/** Answers to a commit while members come and go. */
const BETWEEN = new Set([
  "REBALANCE_IN_PROGRESS",
  "ILLEGAL_GENERATION",
  "NOT_COORDINATOR",
  "COORDINATOR_NOT_AVAILABLE",
  "COORDINATOR_LOAD_IN_PROGRESS",
]);

/** What commits are made with. */
export interface CommittingOptions {
  readonly clock: Clock;
  /** Undefined for a reader of everything, which commits nothing. */
  readonly member: KafkaMember | undefined;
  readonly partitions: Pick<KafkaPartitions, "has" | "committed">;
  /** Whether the group has the member no more: others have its partitions. */
  readonly isLost: () => boolean;
  /** Aborts when nothing can be committed any more. */
  readonly signal: AbortSignal;
}

/**
 * Commits of a consumer, tried again while its generation lasts. One that outlives it is for the
 * caller to make anew: by then more may be committed, and an old offset would be put back.
 */
export function committing(options: CommittingOptions): DriverConsumer["commit"] {
  const { clock, member, partitions, isLost, signal } = options;
  return async (positions: readonly Position[], { signal: limit }: WaitOptions = {}) => {
    const wait = { signal: limit === undefined ? signal : AbortSignal.any([limit, signal]) };
    const madeIn = member?.generation;
    for (let attempt = 1;; attempt++) {
      if (member === undefined || isLost() || !partitions.has(positions)) {
        throw new CqiError("CQI_CONFLICT", "Cannot commit: a partition is no longer owned here");
      }
      try {
        await member.commit(positions, wait);
        return partitions.committed(positions);
      } catch (error) {
        const caught = CqiError.from(error);
        if (attempt === COMMIT_TRIES || !BETWEEN.has(answerOf(caught))) throw caught;
        await sleep(clock, COMMIT_RETRY_MS, wait);
        if (member.generation !== madeIn) throw caught;
      }
    }
  };
}
