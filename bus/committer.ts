// The heart of at-least-once: which offset of a partition may be committed while handlers finish
// in any order. Pure; no clock, no promises.

import { CqiError } from "../errors/mod.ts";

/**
 * Tracks one partition. Offsets are added in the order they were read; the watermark is the lowest
 * offset that is not done, and nothing at or above it is ever offered for commit.
 */
export interface Watermark {
  /**
   * A record was read.
   *
   * @param offset Greater than all before; gaps are fine (compaction, transactions).
   */
  add(offset: bigint): void;
  /**
   * A record needs no more work.
   *
   * @param offset One that was added and not done yet.
   * @returns The next offset to commit if the watermark moved, else undefined.
   */
  done(offset: bigint): bigint | undefined;
  /** The lowest offset that was read and is not done; undefined where there is none. */
  readonly lowest: bigint | undefined;
  /** Records read and not done. */
  readonly inFlight: number;
  /** Records read, from the watermark on, done or not. */
  readonly span: number;
}

/** Makes a tracker for one partition, from the moment it is assigned until it is revoked. */
export function watermark(): Watermark {
  // Offsets in reading order from `head` on; done ones ahead of the head wait in a set.
  let queue: bigint[] = [];
  let head = 0;
  const finished = new Set<bigint>();
  let last = -1n;
  return {
    add(offset) {
      if (offset <= last) {
        throw new CqiError("CQI_INTERNAL", `Cannot add offset ${offset} after ${last}`);
      }
      last = offset;
      queue.push(offset);
    },
    done(offset) {
      if (queue[head] !== offset) {
        finished.add(offset);
        return undefined;
      }
      let next = offset;
      head++;
      while (head < queue.length && finished.delete(queue[head]!)) next = queue[head++]!;
      // Dropping the finished front now and then keeps this amortised O(1) and bounded.
      if (head > 1024 && head * 2 > queue.length) {
        queue = queue.slice(head);
        head = 0;
      }
      return next + 1n;
    },
    get lowest() {
      return queue[head];
    },
    get inFlight() {
      return queue.length - head - finished.size;
    },
    get span() {
      return queue.length - head;
    },
  };
}
