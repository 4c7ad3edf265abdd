import { type DurationInput, type Random, toMilliseconds } from "../core/mod.ts";
import { CqiError, isCqiError, isRetryable, messageOf } from "../errors/mod.ts";
import { refuse } from "../internal/options.ts";
import { redactSecrets } from "../internal/redact_secrets.ts";
import { type BackoffSettings, type Delays, delays } from "./backoff.ts";
import type { RetryBudget } from "./budget.ts";
import { askedDelayMs } from "./retry_after.ts";
import type { RetryEvent, RetryOptions } from "./types.ts";

// Most characters of the last error's message that are repeated; all of it is in the cause.
const MAX_SHOWN = 300;

/** Why there is no further attempt. */
export type GiveUp = "attempts" | "retry_after" | "elapsed" | "budget";

/** A wait: in all, and the part of it that the back-off computed. */
export interface NextDelay {
  readonly delayMs: number;
  readonly backoffMs: number;
}

/** Checked options of a retry. */
export interface Plan {
  readonly name: string;
  readonly attempts: number;
  readonly maxElapsedMs: number;
  readonly timeoutMs: number;
  readonly maxRetryAfterMs: number;
  readonly delayAfter: Delays;
  readonly when: (error: unknown) => boolean;
  readonly onRetry: ((event: RetryEvent) => void) | undefined;
  readonly budget: RetryBudget | undefined;
}

/** Checks options and fills in defaults. */
export function planOf(options: RetryOptions, random: Random): Plan {
  const { attempts = 3 } = options;
  if (!(attempts >= 1) || (attempts !== Infinity && !Number.isInteger(attempts))) {
    refuse("attempts", attempts, "a whole number from 1, or Infinity");
  }
  const limit = (name: string, value: DurationInput | undefined, fallbackMs: number): number =>
    value === undefined ? fallbackMs : toMilliseconds(name, value);
  return {
    name: options.name ?? "default",
    attempts,
    maxElapsedMs: limit("maxElapsed", options.maxElapsed, Infinity),
    timeoutMs: limit("timeout", options.timeout, Infinity),
    maxRetryAfterMs: limit("maxRetryAfter", options.maxRetryAfter, 60_000),
    delayAfter: delays(backoffOf(options), random),
    when: options.when ?? isRetryable,
    onRetry: options.onRetry,
    budget: options.budget,
  };
}

function backoffOf(options: RetryOptions): BackoffSettings {
  const { initialDelay, maxDelay, multiplier, jitter } = options;
  return {
    ...(initialDelay === undefined
      ? {}
      : { initialMs: toMilliseconds("initialDelay", initialDelay) }),
    ...(maxDelay === undefined ? {} : { maxMs: toMilliseconds("maxDelay", maxDelay) }),
    ...(multiplier === undefined ? {} : { multiplier }),
    ...(jitter === undefined ? {} : { jitter }),
  };
}

/** The wait after an attempt that failed, or the reason why there is none. */
export function nextDelay(
  plan: Plan,
  error: unknown,
  number: number,
  previousMs: number | undefined,
  leftMs: number,
): NextDelay | GiveUp {
  if (number >= plan.attempts) return "attempts";
  const askedMs = askedDelayMs(error) ?? 0;
  if (askedMs > plan.maxRetryAfterMs) return "retry_after";
  const backoffMs = plan.delayAfter(number, previousMs);
  // On top of what was asked for: those who were told the same moment must not all come at it.
  const delayMs = askedMs + backoffMs;
  if (delayMs >= leftMs) return "elapsed";
  if (plan.budget?.withdraw() === false) return "budget";
  return { delayMs, backoffMs };
}

/** The error of a call that gave up. */
export function exhausted(
  plan: Plan,
  cause: unknown,
  attempts: number,
  reason: GiveUp,
  elapsedMs: number,
): CqiError {
  const askedMs = askedDelayMs(cause);
  return new CqiError(
    "CQI_RETRY_EXHAUSTED",
    `Gave up '${plan.name}' after ${attempts} ${attempts === 1 ? "attempt" : "attempts"} in ` +
      `${Math.round(elapsedMs)} ms: ${REASONS[reason]}; the last error was ` +
      `'${redactSecrets(messageOf(cause).slice(0, MAX_SHOWN))}'`,
    {
      cause,
      details: { policy: plan.name, attempts, reason, elapsed_ms: elapsedMs },
      ...(askedMs === undefined ? {} : { retryAfterMs: askedMs }),
    },
  );
}

const REASONS: Readonly<Record<GiveUp, string>> = {
  attempts: "no attempts are left",
  retry_after: "the error asks for a longer wait than 'maxRetryAfter' allows",
  elapsed: "the next attempt would be after 'maxElapsed'",
  budget: "the retry budget is used up",
};

/** Whether an attempt ended because it was told to. */
export function isAbort(error: unknown): boolean {
  return isCqiError(error, "CQI_ABORTED") ||
    (error as { name?: unknown } | null | undefined)?.name === "AbortError";
}
