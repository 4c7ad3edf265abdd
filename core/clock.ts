/** A timer that can be called off. Calling it off twice, or after it fired, does nothing. */
export interface Timer {
  /** Calls the timer off. */
  cancel(): void;
}

/** How a timer behaves. */
export interface TimerOptions {
  /** True lets the process end while the timer is pending. @default {false} */
  readonly background?: boolean;
}

/**
 * Time, as the whole library sees it. Inject another one to test an hour in a millisecond; see
 * `fakeClock` of `@cq/cqi/testing`.
 */
export interface Clock {
  /** Wall time in milliseconds since 1970-01-01T00:00:00Z; may jump. */
  now(): number;
  /** Milliseconds since some start; never goes back. For durations and deadlines. */
  monotonic(): number;
  /**
   * Calls `callback` once after `delayMs`; delays beyond 2^31-1 ms are honoured.
   *
   * @param callback Called once, not before the delay is over.
   * @param delayMs Milliseconds; below 0 counts as 0.
   * @param options Whether the process waits for the timer.
   */
  timer(callback: () => void, delayMs: number, options?: TimerOptions): Timer;
}

/** What a waiting call takes. */
export interface WaitOptions {
  /** Ends the wait; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits. Rejects with the signal's reason at once when it aborts, and leaves no timer and no
 * listener behind.
 *
 * @param clock The clock to wait on.
 * @param delayMs Milliseconds.
 * @param options The signal, and whether the process waits for the timer.
 */
export function sleep(
  clock: Clock,
  delayMs: number,
  options: WaitOptions & TimerOptions = {},
): Promise<void> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.timer(
      () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      },
      delayMs,
      options,
    );
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
