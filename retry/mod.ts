/**
 * Retry: try again what may succeed later, after delays that grow and are spread at random, within
 * attempts, time and a budget. `@cq/cqi/core` has `withDeadline` for time limits.
 *
 * @example A policy from configuration, for all calls to one dependency
 * ```ts
 * import { policy } from "@cq/cqi/retry";
 * import assert from "node:assert/strict";
 *
 * const venue = policy({ maxAttempts: 3 }, { name: "venue", maxRetryAfter: "30s" });
 * let calls = 0;
 * const price = await venue(() => {
 *   calls++;
 *   if (calls === 1) throw new Error("connection reset");
 *   return "101.25";
 * });
 * assert.equal(price, "101.25");
 * ```
 *
 * @module
 */
export {
  BACKOFF_DEFAULTS,
  type BackoffSettings,
  type Delays,
  delays,
  type Jitter,
} from "./backoff.ts";
export { type RetryBudget, retryBudget, type RetryBudgetOptions } from "./budget.ts";
export { isIdempotent, retryFetch, type RetryFetchOptions } from "./fetch.ts";
export { type Policy, policy, type PolicyOptions, type RetryConfigInit } from "./policy.ts";
export { askedDelayMs, responseError, retryAfterMs } from "./retry_after.ts";
export { retry } from "./retry.ts";
export type { Attempt, RetryEvent, RetryOptions } from "./types.ts";
