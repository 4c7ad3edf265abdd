import { type Clock, systemClock } from "../core/mod.ts";
import { requireNumber } from "../internal/options.ts";

/** How much retrying a {@linkcode RetryBudget} allows. */
export interface RetryBudgetOptions {
  /** Retries earned by each call, 0 to 1: 0.1 allows 10 % extra load. @default {0.1} */
  readonly ratio?: number;
  /** Retries allowed each second whatever the ratio says, so that rare calls are retried too. @default {10} */
  readonly minPerSecond?: number;
  /** Most retries that can be saved up. @default {100, or minPerSecond if that is more} */
  readonly capacity?: number;
  /** Time. @default {the system's} */
  readonly clock?: Clock;
}

/**
 * Bounds the retries of all calls to one dependency together. One call that fails may be tried
 * again five times; a thousand that fail at once mean that the dependency is down, and five
 * thousand more calls keep it there. Share one budget per dependency.
 */
export interface RetryBudget {
  /** Says that a call begins; it earns a share of a retry. */
  deposit(): void;
  /** Takes one retry out. False when there is none left: give up. */
  withdraw(): boolean;
  /** Retries left; may be a fraction. */
  readonly balance: number;
}

/**
 * Makes a budget: a bucket that each call fills a little and each retry takes one from. It starts
 * with one second's worth of `minPerSecond`.
 *
 * @param options Ratio, floor and size.
 *
 * @example
 * ```ts
 * import { retryBudget } from "@cq/cqi/retry";
 * import assert from "node:assert/strict";
 *
 * const budget = retryBudget({ ratio: 0.5, minPerSecond: 0 });
 * assert.equal(budget.withdraw(), false);
 * budget.deposit();
 * budget.deposit();
 * assert.equal(budget.withdraw(), true);
 * ```
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const { ratio = 0.1, minPerSecond = 10, clock = systemClock } = options;
  const capacity = options.capacity ?? Math.max(100, minPerSecond);
  requireNumber("ratio", ratio, 0, 1);
  requireNumber("minPerSecond", minPerSecond, 0, 1e6);
  requireNumber("capacity", capacity, 0, 1e9);
  let tokens = Math.min(capacity, minPerSecond);
  let filledAt = clock.monotonic();
  const add = (count: number): void => void (tokens = Math.min(capacity, tokens + count));
  const refill = (): void => {
    const now = clock.monotonic();
    add((now - filledAt) / 1000 * minPerSecond);
    filledAt = now;
  };
  return {
    deposit: () => add(ratio),
    withdraw(): boolean {
      refill();
      // Ten tenths add up to a hair below one in floating point.
      if (tokens < 1 - 1e-9) return false;
      tokens = Math.max(0, tokens - 1);
      return true;
    },
    get balance(): number {
      refill();
      return tokens;
    },
  };
}
