import type { Random } from "../core/mod.ts";
import { refuse, requireNumber, requireOneOf } from "../internal/options.ts";

/**
 * How delays are spread at random, so that clients that failed together do not come back together:
 * `full` draws from 0 to the delay, `equal` from half of it to all of it, `decorrelated` from the
 * first delay to three times the previous one, `none` takes the delay as it is.
 */
export type Jitter = "full" | "equal" | "decorrelated" | "none";

/** How delays grow. All times in milliseconds. */
export interface BackoffSettings {
  /** Delay before the second attempt, 0 or more. @default {100} */
  readonly initialMs?: number;
  /** Longest delay, 0 or more. @default {30_000} */
  readonly maxMs?: number;
  /** By what the delay grows with each attempt, 1 to 100. @default {2} */
  readonly multiplier?: number;
  /** How delays are spread. @default {"full"} */
  readonly jitter?: Jitter;
}

/** What is assumed where nothing is said. The same as `RetryConfig` of `cqc.config.v1` states. */
export const BACKOFF_DEFAULTS: Readonly<Required<BackoffSettings>> = {
  initialMs: 100,
  maxMs: 30_000,
  multiplier: 2,
  jitter: "full",
};

/**
 * Gives the delay after an attempt that failed.
 *
 * @param attempt Number of the attempt that failed, 1 or more.
 * @param previousMs The delay before that attempt; only `decorrelated` asks.
 * @returns Milliseconds, never above the longest delay.
 */
export type Delays = (attempt: number, previousMs?: number) => number;

// Three times the previous delay: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
const DECORRELATED_GROWTH = 3;
const JITTERS: readonly Jitter[] = ["full", "equal", "decorrelated", "none"];

/**
 * Makes a calculator of delays. It keeps no state and does not wait, so one serves any number of
 * calls; {@linkcode retry} and the event bus both use it.
 *
 * @param settings How delays grow.
 * @param random Where the spread comes from.
 *
 * @example
 * ```ts
 * import { delays } from "@cq/cqi/retry";
 * import { systemRandom } from "@cq/cqi/core";
 * import assert from "node:assert/strict";
 *
 * const delayAfter = delays({ initialMs: 100, maxMs: 1000, jitter: "none" }, systemRandom);
 * assert.deepEqual([1, 2, 3, 4, 5].map((n) => delayAfter(n)), [100, 200, 400, 800, 1000]);
 * ```
 */
export function delays(settings: BackoffSettings, random: Random): Delays {
  const { initialMs, maxMs, multiplier, jitter } = { ...BACKOFF_DEFAULTS, ...settings };
  requireNumber("initialMs", initialMs, 0, Number.MAX_SAFE_INTEGER);
  requireNumber("maxMs", maxMs, 0, Number.MAX_SAFE_INTEGER);
  requireNumber("multiplier", multiplier, 1, 100);
  requireOneOf("jitter", jitter, JITTERS);
  const firstMs = Math.min(initialMs, maxMs);
  return (attempt, previousMs = firstMs) => {
    if (!(attempt >= 1)) refuse("attempt", attempt, "a number from 1");
    if (firstMs === 0) return 0;
    if (jitter === "decorrelated") {
      const top = Math.min(maxMs, Math.max(firstMs, previousMs) * DECORRELATED_GROWTH);
      return firstMs + random.next() * (top - firstMs);
    }
    // Beyond attempt 1,024 the power is Infinity, which the cap takes care of.
    const delayMs = Math.min(maxMs, firstMs * multiplier ** (attempt - 1));
    if (jitter === "none") return delayMs;
    return jitter === "full"
      ? random.next() * delayMs
      : delayMs / 2 + random.next() * (delayMs / 2);
  };
}
