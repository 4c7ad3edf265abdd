import type { Clock, WaitOptions } from "../../core/mod.ts";
import { pause } from "./_kafka_wait.ts";

/** Heartbeats of a member: one after another, from when they start until they are stopped. */
export interface Heartbeats {
  start(): void;
  stop(): void;
}

/**
 * Makes heartbeats that do not beat yet.
 *
 * @param clock The clock they beat by.
 * @param everyMs Milliseconds between the end of one and the next.
 * @param beat One heartbeat; does not fail.
 */
export function heartbeats(
  clock: Clock,
  everyMs: number,
  beat: (options: WaitOptions) => Promise<void>,
): Heartbeats {
  let stopping: AbortController | undefined;
  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await pause(clock, everyMs, signal);
      if (!signal.aborted) await beat({ signal });
    }
  };
  return {
    start() {
      stopping?.abort();
      stopping = new AbortController();
      void run(stopping.signal);
    },
    stop() {
      stopping?.abort();
    },
  };
}
