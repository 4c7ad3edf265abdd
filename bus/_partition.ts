import { type Clock, sleep } from "../core/mod.ts";
import type { Stopping } from "./_course.ts";
import { type Failures, failures } from "./_attempts.ts";
import { type Watermark, watermark } from "./committer.ts";
import type { BusRecord, Position, TopicPartition } from "./driver.ts";

/** An owned partition: what of it is done, what of it runs, and how it is told to stop. */
export interface Partition extends TopicPartition {
  readonly marks: Watermark;
  readonly failures: Failures;
  readonly stopping: Stopping;
  /** True once given up: whatever finishes later is not committed. */
  readonly fenced: boolean;
  /** Takes in a record that was read. */
  add(offset: bigint): void;
  /**
   * Begins the work of a record that was taken in; `end` is called for it in any case.
   *
   * @returns False where it is not to be done: the partition is being given up, or an earlier record
   * of its key did not get through; that one comes again, and this one behind it.
   */
  begin(record: Pick<BusRecord, "offset" | "key">): boolean;
  /**
   * The work of a record is over.
   *
   * @param isThrough False where the record comes again.
   */
  end(record: Pick<BusRecord, "offset" | "key">, isThrough: boolean): void;
  /**
   * Starts nothing beyond what has begun already, lets that finish within the budget, aborts the
   * rest, and fences. Records between finished ones are handled too, so that what is done can be
   * committed and does not come again; while `paused` they cannot be. Asked again it waits for the
   * same end.
   */
  drain(clock: Clock, budgetMs: number, paused: boolean): Promise<void>;
}

/**
 * Starts to own a partition.
 *
 * @param at The partition.
 * @param committed What is committed for it, where that is known.
 */
export function ownedPartition(at: TopicPartition, committed?: Position): Partition {
  const marks = watermark();
  const draining = new AbortController();
  const aborting = new AbortController();
  const underway: Stopping["underway"] = new Set();
  // Offsets taken in and not through, lowest first.
  const open = new Set<bigint>();
  const halted = new Set<string>();
  let begun = -1n;
  let last: bigint | undefined;
  let running = 0;
  let fenced = false;
  let progress = Promise.withResolvers<void>();
  let drained: Promise<void> | undefined;

  const isBusy = (): boolean => {
    const [lowest] = open;
    const gap = lowest !== undefined && last !== undefined && lowest <= last;
    return running > 0 || (gap && !aborting.signal.aborted);
  };

  const abort = (): void => {
    aborting.abort();
    for (const attempt of [...underway]) attempt.cut(aborting.signal.reason);
    progress.resolve();
  };

  const drain = async (clock: Clock, budgetMs: number, paused: boolean): Promise<void> => {
    last = paused ? -1n : begun;
    draining.abort();
    const over = new AbortController();
    const budget = sleep(clock, budgetMs, { signal: over.signal }).then(abort, () => {});
    // A handler that ignores its signal is left behind by its deadline, so this ends.
    while (isBusy()) {
      progress = Promise.withResolvers();
      await progress.promise;
    }
    over.abort();
    await budget;
    fenced = true;
  };

  return {
    topic: at.topic,
    partition: at.partition,
    marks,
    failures: failures(committed),
    stopping: { draining: draining.signal, aborting: aborting.signal, underway },
    get fenced() {
      return fenced;
    },
    add(offset) {
      marks.add(offset);
      open.add(offset);
    },
    begin({ offset, key }) {
      running++;
      if (last !== undefined && (offset > last || aborting.signal.aborted)) return false;
      if (key !== null && halted.has(key)) return false;
      if (offset > begun) begun = offset;
      return true;
    },
    end({ offset, key }, isThrough) {
      if (!isThrough && key !== null) halted.add(key);
      running--;
      open.delete(offset);
      progress.resolve();
    },
    drain(clock, budgetMs, paused) {
      drained ??= drain(clock, budgetMs, paused);
      return drained;
    },
  };
}
