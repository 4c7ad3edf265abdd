import { instruments, sleep, type Span, withDeadline } from "../core/mod.ts";
import { exhausted, isAbort, nextDelay, planOf } from "./_plan.ts";
import type { Attempt, RetryOptions } from "./types.ts";

/**
 * Calls a function until it succeeds: at once, then after delays that grow and are spread at
 * random.
 *
 * An error that is not worth another attempt is thrown as it is, and so is the error of a call
 * that allows one attempt only. When attempts, time or budget run out, `CQI_RETRY_EXHAUSTED` is
 * thrown with the last error as its cause; it is not retryable, so a retry around a retry does not
 * multiply the calls. When the signal aborts, its reason is thrown at once, also during a wait. A
 * wait that would end after `maxElapsed` is not begun.
 *
 * @param fn The call; pass its `signal` on.
 * @param options How often, how long, for which errors.
 *
 * @example
 * ```ts
 * import { retry } from "@cq/cqi/retry";
 * import assert from "node:assert/strict";
 *
 * const answer = await retry(({ number }) => {
 *   if (number < 3) throw new Error("not yet");
 *   return "ready";
 * }, { attempts: 5, initialDelay: "1ms" });
 * assert.equal(answer, "ready");
 * ```
 */
export async function retry<T>(
  fn: (attempt: Attempt) => T | Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  return await prepare(options)(fn, options.signal);
}

/** A retry whose options are checked already. */
export type PreparedRetry = <T>(
  fn: (attempt: Attempt) => T | Promise<T>,
  signal: AbortSignal | undefined,
) => Promise<T>;

/** What became of an attempt: the label `result` of the metric. */
type Result = "success" | "retry" | "failure" | "exhausted" | "aborted";

/**
 * Checks options once, for calls that are made often.
 *
 * @param options As {@linkcode retry} takes them; the signal is ignored.
 */
export function prepare(options: RetryOptions): PreparedRetry {
  const tools = instruments(options);
  const plan = planOf(options, tools.random);
  const logger = tools.logger.child({ component: "retry", policy: plan.name });
  const counters = tools.metrics.counter({
    name: "retry_attempts_total",
    help: "Attempts of calls that are tried again, by what became of them",
    labels: ["policy", "result"],
  });
  const count = (result: Result): void => counters.with({ policy: plan.name, result }).add();

  async function run<T>(
    fn: (attempt: Attempt) => T | Promise<T>,
    signal: AbortSignal | undefined,
    span: Span,
  ): Promise<T> {
    const startedMs = tools.clock.monotonic();
    const leftMs = (): number => plan.maxElapsedMs - (tools.clock.monotonic() - startedMs);
    plan.budget?.deposit();
    let previousMs: number | undefined;
    for (let number = 1;; number++) {
      signal?.throwIfAborted();
      const limitMs = Math.min(plan.timeoutMs, Math.max(0, leftMs()));
      let error: unknown;
      try {
        const value = await withDeadline(
          tools.clock,
          limitMs,
          (inner) => fn({ number, signal: inner }),
          { signal, action: `attempt ${number} of '${plan.name}'` },
        );
        count("success");
        return value;
      } catch (caught) {
        error = caught;
      }
      if (signal?.aborted || isAbort(error)) {
        count("aborted");
        throw signal?.aborted ? signal.reason : error;
      }
      if (!plan.when(error)) {
        count("failure");
        throw error;
      }
      const next = nextDelay(plan, error, number, previousMs, leftMs());
      if (typeof next === "string") {
        count("exhausted");
        span.event("retry.exhausted", { "cqi.retry.attempt": number, "cqi.retry.reason": next });
        if (number === 1 && plan.attempts === 1) throw error;
        logger.warn("Gave up after retries", { attempts: number, reason: next, error });
        throw exhausted(plan, error, number, next, tools.clock.monotonic() - startedMs);
      }
      count("retry");
      span.event("retry", { "cqi.retry.attempt": number, "cqi.retry.delay_ms": next.delayMs });
      logger.debug("Retrying", { attempt: number, delay_ms: next.delayMs, error });
      plan.onRetry?.({ attempt: number, delayMs: next.delayMs, error });
      previousMs = next.backoffMs;
      await sleep(tools.clock, next.delayMs, { signal });
    }
  }

  return (fn, signal) =>
    tools.tracer.span(
      `retry ${plan.name}`,
      { attributes: { "cqi.retry.policy": plan.name } },
      (span) => run(fn, signal, span),
    );
}
