import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../core/mod.ts";
import { requireNumber } from "../internal/options.ts";

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /**
   * Moves time on and fires the timers on the way, each at its own moment, in order. Between two
   * timers all promise callbacks run, so that a timer set by one is honoured. Calls that overlap
   * add up. What a timer's callback throws, this throws; timers after it wait for the next call.
   *
   * @param ms Milliseconds, 0 or more.
   * @throws {CqiError} `CQI_OPTION_INVALID` for less, or what is not a finite number.
   */
  advance(ms: number): Promise<void>;
  /**
   * Jumps the wall clock without touching timers or the monotonic clock, as an NTP step does.
   *
   * @param ms Milliseconds, may be negative.
   * @throws {CqiError} `CQI_OPTION_INVALID` for what is not a finite number.
   */
  jump(ms: number): void;
  /** How many timers are pending. */
  readonly pending: number;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Where a fake clock starts unless told otherwise: 2026-01-01T00:00:00Z. */
const START_MS = 1_767_225_600_000;

// setImmediate runs once every promise callback that is ready has run, however long their chains
// are. A message port would not do: Deno runs its messages in between.
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/**
 * Makes a clock for tests.
 *
 * @param startMs Wall time in Unix milliseconds. @default {2026-01-01T00:00:00Z}
 *
 * @example An hour in a moment
 * ```ts
 * import { sleep } from "@cq/cqi/core";
 * import { fakeClock } from "@cq/cqi/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = fakeClock();
 * let woke = false;
 * const nap = sleep(clock, 3_600_000).then(() => (woke = true));
 * await clock.advance(3_599_999);
 * assert.equal(woke, false);
 * await clock.advance(1);
 * await nap;
 * assert.equal(woke, true);
 * ```
 */
export function fakeClock(startMs: number = START_MS): FakeClock {
  const timers = new Set<Entry>();
  let elapsed = 0;
  // Where `elapsed` will be when all calls of `advance` are done.
  let target = 0;
  let offset = 0;
  let order = 0;
  const next = (until: number): Entry | undefined => {
    let first: Entry | undefined;
    for (const entry of timers) {
      if (entry.at > until) continue;
      if (
        first === undefined || entry.at < first.at ||
        (entry.at === first.at && entry.order < first.order)
      ) first = entry;
    }
    return first;
  };
  return {
    now: () => startMs + elapsed + offset,
    monotonic: () => elapsed,
    timer(callback, delayMs): Timer {
      const entry = { at: elapsed + (delayMs > 0 ? delayMs : 0), order: order++, callback };
      timers.add(entry);
      return { cancel: () => void timers.delete(entry) };
    },
    async advance(ms) {
      const until = target += requireNumber("ms", ms, 0, Number.MAX_SAFE_INTEGER);
      await settle();
      try {
        for (let entry = next(until); entry !== undefined; entry = next(until)) {
          timers.delete(entry);
          elapsed = Math.max(elapsed, entry.at);
          entry.callback();
          await settle();
        }
      } finally {
        elapsed = Math.max(elapsed, until);
      }
    },
    jump(ms) {
      const far = Number.MAX_SAFE_INTEGER;
      offset += requireNumber("ms", ms, -far, far);
    },
    get pending() {
      return timers.size;
    },
  };
}
