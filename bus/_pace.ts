import type { Clock, Timer } from "../core/mod.ts";

// After so long a timer is set, and after as long again without it intake waits for it: by then it
// is due, so that waiting costs one turn of the event loop and an idle bus waits for nothing.
const SLICE_MS = 10;

/** Lets timers and I/O of the process have their turn while events come without end. */
export interface Pace {
  /** Asked before each event is taken: undefined, or what to wait for first. */
  turn(): Promise<void> | undefined;
  /** Waits for nothing any longer. */
  stop(): void;
}

/**
 * Makes the pace of one consumer. Events that are handled at once, or that bring forth the next
 * one, run from promise to promise: no timer would fire and no socket be read meanwhile.
 */
export function pace(clock: Clock): Pace {
  let begunMs: number | undefined;
  let timer: Timer | undefined;
  let fired = Promise.withResolvers<void>();

  const reset = (): void => {
    timer = undefined;
    begunMs = undefined;
    fired.resolve();
  };

  return {
    turn() {
      const nowMs = clock.monotonic();
      begunMs ??= nowMs;
      if (nowMs - begunMs < SLICE_MS) return undefined;
      if (timer !== undefined) return fired.promise;
      begunMs = nowMs;
      fired = Promise.withResolvers();
      timer = clock.timer(reset, 0);
      return undefined;
    },
    stop() {
      timer?.cancel();
      reset();
    },
  };
}
