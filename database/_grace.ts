import { type Clock, sleep, type WaitOptions } from "../core/mod.ts";

/**
 * Waits for something that ends, for no longer than a grace. An aborted wait is a shorter grace,
 * not a failure.
 *
 * @param work What is waited for; must not reject.
 * @param options The clock, the grace in milliseconds, and a signal that cuts it short.
 * @returns Whether the work has ended.
 */
export async function withGrace(
  work: Promise<void>,
  { clock, graceMs, signal }: WaitOptions & { readonly clock: Clock; readonly graceMs: number },
): Promise<boolean> {
  const stop = new AbortController();
  const end = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const grace = sleep(clock, graceMs, { signal: end }).then(() => false, () => {
    // Cut short by the caller or by the end of the work: the grace is over either way.
    return false;
  });
  try {
    return await Promise.race([work.then(() => true), grace]);
  } finally {
    stop.abort();
  }
}
