import { CqiError } from "../errors/mod.ts";
import type { Clock, WaitOptions } from "./clock.ts";

/** Settings of {@linkcode withDeadline}. */
export interface DeadlineOptions extends WaitOptions {
  /** What timed out, for the error's message. @default {"the call"} */
  readonly action?: string;
  /** Makes the error that a timeout throws. @default {CQI_DEADLINE_EXCEEDED} */
  readonly error?: () => Error;
}

/**
 * Runs a function with a time limit. The function's signal aborts at the limit; a function that
 * ignores it is left behind, its late result dropped and its late error swallowed on purpose: the
 * caller has had an answer.
 *
 * @param clock The clock that measures.
 * @param limitMs Milliseconds; `Infinity` means no limit.
 * @param fn Gets a signal that aborts at the limit or with the caller's own signal.
 * @param options The caller's signal and how to word the error.
 *
 * @example
 * ```ts
 * import { systemClock, withDeadline } from "@cq/cqi/core";
 * import assert from "node:assert/strict";
 *
 * const answer = await withDeadline(systemClock, 1000, () => Promise.resolve(42));
 * assert.equal(answer, 42);
 * ```
 */
export async function withDeadline<T>(
  clock: Clock,
  limitMs: number,
  fn: (signal: AbortSignal) => T | Promise<T>,
  options: DeadlineOptions = {},
): Promise<T> {
  options.signal?.throwIfAborted();
  const controller = new AbortController();
  const { promise: cut, reject } = Promise.withResolvers<never>();
  cut.catch(() => {});
  const end = (reason: unknown): void => {
    // First of the two, so that it stands before what the function does about the abort.
    reject(reason);
    controller.abort(reason);
  };
  const onAbort = (): void => end(options.signal?.reason);
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const timer = limitMs === Infinity
    ? undefined
    : clock.timer(() => end(options.error?.() ?? timeoutError(limitMs, options.action)), limitMs);
  try {
    return await Promise.race([Promise.resolve(fn(controller.signal)), cut]);
  } finally {
    timer?.cancel();
    options.signal?.removeEventListener("abort", onAbort);
  }
}

function timeoutError(limitMs: number, action = "the call"): CqiError {
  return new CqiError("CQI_DEADLINE_EXCEEDED", `Timed out: ${action} took over ${limitMs} ms`);
}
