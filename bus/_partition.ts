import { type Clock, sleep } from "../core/mod.ts";
import type { Stopping } from "./_dispatch.ts";
import { type Watermark, watermark } from "./committer.ts";
import type { TopicPartition } from "./driver.ts";

/** An owned partition: what of it is done, what of it runs, and how it is told to stop. */
export interface Partition extends TopicPartition {
  readonly marks: Watermark;
  readonly stopping: Stopping;
  /** True once given up: whatever finishes later is not committed. */
  readonly fenced: boolean;
  /** Runs a piece of work, counted. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Stops new work, lets what runs finish within the budget, aborts the rest, and fences. */
  drain(clock: Clock, budgetMs: number): Promise<void>;
}

/** Starts to own a partition. */
export function ownedPartition(at: TopicPartition): Partition {
  const draining = new AbortController();
  const aborting = new AbortController();
  let running = 0;
  let fenced = false;
  let idle = Promise.withResolvers<void>();
  return {
    topic: at.topic,
    partition: at.partition,
    marks: watermark(),
    stopping: { draining: draining.signal, aborting: aborting.signal },
    get fenced() {
      return fenced;
    },
    async run(work) {
      running++;
      try {
        return await work();
      } finally {
        running--;
        if (running === 0) {
          idle.resolve();
          idle = Promise.withResolvers();
        }
      }
    },
    async drain(clock, budgetMs) {
      draining.abort();
      const over = new AbortController();
      const budget = sleep(clock, budgetMs, { signal: over.signal }).then(
        () => aborting.abort(),
        () => {},
      );
      // A handler that ignores its signal is left behind by its deadline, so this ends.
      while (running > 0) await idle.promise;
      over.abort();
      await budget;
      fenced = true;
    },
  };
}
