import type { CqiError } from "../../errors/mod.ts";
import type { BusRecord, TopicPartition } from "../driver.ts";

/** A partition that is read. */
export interface Reading extends TopicPartition {
  /** The offset to ask for next. */
  position: bigint;
  /** True once it is no longer read; nothing of it is handed over from then on. */
  lost: boolean;
  /** The id of its topic when reading began; another one is another topic of the same name. */
  topicId: string | undefined;
  /** Records that wait for hand-over. */
  waiting: readonly BusRecord[] | undefined;
  /** Whether a request for it is under way, or it waits to be asked for again. */
  busy: boolean;
  /** The hand-over that is under way. */
  handing: Promise<void> | undefined;
  /** Requests in a row that failed, and how the last one did. */
  failures: number;
  trouble: CqiError | undefined;
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
  };
}

/** Whether it may be asked for. */
export function isReady(reading: Reading): boolean {
  return !reading.busy && !reading.lost && reading.waiting === undefined;
}

/** Memory that records take, about: their values, and something for each. */
export function heldBytes(records: readonly BusRecord[]): number {
  let bytes = 0;
  for (const { value } of records) bytes += 100 + (value?.length ?? 0);
  return bytes;
}
