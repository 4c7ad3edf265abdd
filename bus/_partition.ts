import { type Clock, sleep } from "../core/mod.ts";
import type { Stopping } from "./_dispatch.ts";
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
   * Runs the work of a record that was taken in, unless the partition is given up before. Where a
   * record did not get through, which it does when its work gives true, later ones of its key are
   * not run either: it comes again, and they behind it.
   */
  run(
    record: Pick<BusRecord, "offset" | "key">,
    work: () => Promise<boolean>,
  ): Promise<void>;
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

  const drain = async (clock: Clock, budgetMs: number, paused: boolean): Promise<void> => {
    last = paused ? -1n : begun;
    draining.abort();
    const over = new AbortController();
    const budget = sleep(clock, budgetMs, { signal: over.signal }).then(
      () => {
        aborting.abort();
        progress.resolve();
      },
      () => {},
    );
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
    stopping: { draining: draining.signal, aborting: aborting.signal },
    get fenced() {
      return fenced;
    },
    add(offset) {
      marks.add(offset);
      open.add(offset);
    },
    async run({ offset, key }, work) {
      const given = last !== undefined && (offset > last || aborting.signal.aborted);
      const wanted = !given && (key === null || !halted.has(key));
      running++;
      if (wanted && offset > begun) begun = offset;
      let through = false;
      try {
        through = wanted && await work();
      } finally {
        if (!through && key !== null) halted.add(key);
        running--;
        open.delete(offset);
        progress.resolve();
      }
    },
    drain(clock, budgetMs, paused) {
      drained ??= drain(clock, budgetMs, paused);
      return drained;
    },
  };
}
