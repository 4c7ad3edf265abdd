import { create, isFieldSet, type MessageInitShape } from "@bufbuild/protobuf";
import { durationMs, type WaitOptions } from "../core/mod.ts";
import { validate } from "../contracts/mod.ts";
import { type RetryConfig, RetryConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { BACKOFF_DEFAULTS, type Jitter } from "./backoff.ts";
import { type RetryBudget, retryBudget } from "./budget.ts";
import { prepare } from "./retry.ts";
import type { Attempt, RetryOptions } from "./types.ts";

/** A `cqc.config.v1.RetryConfig`, as a plain object or as a message. */
export type RetryConfigInit = MessageInitShape<typeof RetryConfigSchema>;

/** What configuration does not say: names, hooks and instruments. */
export interface PolicyOptions extends
  Pick<
    RetryOptions,
    | "name"
    | "timeout"
    | "maxRetryAfter"
    | "when"
    | "onRetry"
    | "logger"
    | "metrics"
    | "tracer"
    | "clock"
    | "random"
  > {
  /** A budget shared with other policies. @default {one of its own, as the section says} */
  readonly budget?: RetryBudget;
}

/**
 * Runs a call under the policy, as `retry` does.
 *
 * @param fn The call; pass its `signal` on.
 * @param options The caller's signal.
 */
export type Policy = <T>(
  fn: (attempt: Attempt) => T | Promise<T>,
  options?: WaitOptions,
) => Promise<T>;

/**
 * Makes a retry policy from a configuration section: checked once, used for any number of calls,
 * which share one retry budget. Make one per dependency.
 *
 * @param section What the operator decides; `{}` is 3 attempts, 100 ms to 30 s, doubled, full jitter.
 * @param options What the code decides.
 *
 * @example
 * ```ts
 * import { policy } from "@cq/cqi/retry";
 * import assert from "node:assert/strict";
 *
 * const venue = policy({ maxAttempts: 5, jitter: "decorrelated" }, { name: "venue" });
 * assert.equal(await venue(({ signal }) => Promise.resolve(signal.aborted)), false);
 * ```
 */
export function policy(section: RetryConfigInit = {}, options: PolicyOptions = {}): Policy {
  const config = create(RetryConfigSchema, section);
  validate(RetryConfigSchema, config);
  const run = prepare({ ...options, ...settingsOf(config), budget: budgetOf(config, options) });
  return (fn, { signal } = {}) => run(fn, signal);
}

function settingsOf(config: RetryConfig): RetryOptions {
  const given = (name: keyof typeof RetryConfigSchema.field): boolean =>
    isFieldSet(config, RetryConfigSchema.field[name]);
  return {
    attempts: given("maxAttempts") ? config.maxAttempts : 3,
    initialDelay: durationMs(config.initialDelay, BACKOFF_DEFAULTS.initialMs),
    maxDelay: durationMs(config.maxDelay, BACKOFF_DEFAULTS.maxMs),
    multiplier: given("multiplier") ? config.multiplier : BACKOFF_DEFAULTS.multiplier,
    jitter: given("jitter") ? config.jitter as Jitter : BACKOFF_DEFAULTS.jitter,
    maxElapsed: durationMs(config.maxElapsed, Infinity),
  };
}

function budgetOf(config: RetryConfig, options: PolicyOptions): RetryBudget {
  if (options.budget !== undefined) return options.budget;
  const field = RetryConfigSchema.field;
  return retryBudget({
    ratio: isFieldSet(config, field.budgetRatio) ? config.budgetRatio : 0.1,
    minPerSecond: isFieldSet(config, field.budgetMinPerSecond) ? config.budgetMinPerSecond : 10,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
}
