import type { DurationInput, Instruments, WaitOptions } from "../core/mod.ts";
import type { Jitter } from "./backoff.ts";
import type { RetryBudget } from "./budget.ts";

/** What each attempt is told. */
export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborts with the caller's signal, at the attempt's own limit and at the end of `maxElapsed`. */
  readonly signal: AbortSignal;
}

/** What happens between two attempts. */
export interface RetryEvent {
  /** Number of the attempt that failed. */
  readonly attempt: number;
  /** Wait before the next one, in milliseconds. */
  readonly delayMs: number;
  /** What the attempt threw. */
  readonly error: unknown;
}

/** How `retry` goes about it. */
export interface RetryOptions extends WaitOptions, Partial<Instruments> {
  /** Names the call in metrics, logs and spans; low in variety. @default {"default"} */
  readonly name?: string;
  /** Attempts in all, the first included: 1 or more, `Infinity` for no bound. @default {3} */
  readonly attempts?: number;
  /** Delay before the second attempt. @default {"100ms"} */
  readonly initialDelay?: DurationInput;
  /** Longest delay. @default {"30s"} */
  readonly maxDelay?: DurationInput;
  /** By what the delay grows with each attempt, 1 to 100. @default {2} */
  readonly multiplier?: number;
  /** How delays are spread. @default {"full"} */
  readonly jitter?: Jitter;
  /** Time for all attempts and waits together. @default {no limit} */
  readonly maxElapsed?: DurationInput;
  /** Time for one attempt; beyond it the attempt counts as failed. @default {no limit} */
  readonly timeout?: DurationInput;
  /** Longest wait that an error may ask for; one that asks for more ends the call. @default {"60s"} */
  readonly maxRetryAfter?: DurationInput;
  /** Whether an error is worth another attempt. An abort never is. @default {isRetryable} */
  readonly when?: (error: unknown) => boolean;
  /** Told before each wait. What it throws ends the call. */
  readonly onRetry?: (event: RetryEvent) => void;
  /** Bounds the retries of many calls together; see `retryBudget`. @default {none} */
  readonly budget?: RetryBudget;
}
