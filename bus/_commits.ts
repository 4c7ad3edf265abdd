import {
  activeContext,
  runInContext,
  type Timer,
  type WaitOptions,
  withDeadline,
} from "../core/mod.ts";
import type { Environment } from "./_environment.ts";
import type { Partition } from "./_partition.ts";
import type { Position } from "./driver.ts";

/** What of a consumer's partitions is done and not yet committed. */
export interface Commits {
  /**
   * Commits an offset soon, with a note of what has failed beyond it, together with whatever else
   * is done by then. One commit runs at a time; one that fails is tried again after
   * `commit_interval`.
   */
  note(owner: Partition, offset: bigint): void;
  /** Commits what is left of partitions that are given up, once, and forgets them. */
  settle(owners: readonly Partition[]): Promise<void>;
}

/**
 * Makes the commits of one consumer.
 *
 * @param send Commits at the broker; what is not done when its signal aborts must not be done later,
 * since more may be committed by then.
 */
export function commits(
  { clock, logger, settings }: Environment,
  send: (positions: readonly Position[], options: WaitOptions) => Promise<void>,
): Commits {
  const due = new Map<Partition, bigint>();
  let running: Promise<void> | undefined;
  let retry: Timer | undefined;
  // A commit is for whatever is done by then, and of no one event.
  const home = activeContext();

  const sendDue = async (): Promise<void> => {
    // Whatever finishes in the same moment shares a commit.
    await Promise.resolve();
    while (due.size > 0 && retry === undefined) {
      const marks = [...due];
      due.clear();
      try {
        const positions = marks.map(positionOf);
        await withDeadline(
          clock,
          settings.drainTimeoutMs,
          (signal) => send(positions, { signal }),
          { action: "the commit" },
        );
      } catch (error) {
        // What is not committed comes again, and nothing is lost.
        logger.warn("Offsets cannot be committed yet", { error, partitions: marks.length });
        for (const [owner, offset] of marks) if (!due.has(owner)) due.set(owner, offset);
        retry = clock.timer(start, settings.commitIntervalMs);
      }
    }
    running = undefined;
  };

  const start = (): void => {
    retry?.cancel();
    retry = undefined;
    running ??= runInContext(home, sendDue);
  };

  return {
    note(owner, offset) {
      due.set(owner, offset);
      if (retry === undefined) start();
    },
    async settle(owners) {
      if (running === undefined && owners.some((owner) => due.has(owner))) start();
      await running;
      for (const owner of owners) due.delete(owner);
      if (due.size === 0) {
        retry?.cancel();
        retry = undefined;
      }
    },
  };
}

function positionOf([owner, offset]: readonly [Partition, bigint]): Position {
  const { topic, partition, failures } = owner;
  return { topic, partition, offset, note: failures.note(offset) };
}
