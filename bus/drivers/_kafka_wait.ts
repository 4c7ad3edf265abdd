import { type Clock, sleep } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";

/** What a promise gives, or the signal's reason as soon as it aborts. */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await promise;
  // Whoever has left does not hear of it any more.
  promise.catch(() => {});
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, cut]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Waits, or less where the signal aborts; the caller looks at it afterwards. */
export async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  // Not an error here: the wait is over.
  await sleep(clock, delayMs, { signal }).catch(() => {});
}

/**
 * Tries again what may pass, until the signal aborts; then it throws what went wrong last.
 *
 * @param delayAfter Milliseconds to wait after so many attempts.
 */
export async function patiently<T>(
  clock: Clock,
  delayAfter: (attempts: number) => number,
  signal: AbortSignal,
  fn: () => Promise<T>,
): Promise<T> {
  let last: unknown;
  for (let attempts = 1;; attempts++) {
    try {
      return await fn();
    } catch (error) {
      if (signal.aborted) throw last ?? error;
      if (!CqiError.from(error).retryable) throw error;
      last = error;
    }
    await pause(clock, delayAfter(attempts), signal);
  }
}
