// The system's clock and timers: the one place that calls Date.now, performance.now and setTimeout.

// setTimeout takes a signed 32-bit delay and fires at once beyond it (HTML, timers).
const MAX_DELAY_MS = 2 ** 31 - 1;

interface UnrefTimer {
  unref?: () => void;
}

function startTimer(callback: () => void, delayMs: number, background: boolean): () => void {
  let handle: ReturnType<typeof setTimeout>;
  const waitMs = delayMs > 0 ? delayMs : 0;
  const due = performance.now() + waitMs;
  const arm = (leftMs: number): void => {
    handle = setTimeout(fire, Math.min(Math.ceil(leftMs), MAX_DELAY_MS));
    // Node, Deno (with node types) and Bun give an object with unref; a browser gives a number.
    if (background) (handle as UnrefTimer | undefined)?.unref?.();
  };
  // Runtimes cut off fractions and round: a timer may fire up to a millisecond early.
  const fire = (): void => {
    const leftMs = due - performance.now();
    if (leftMs > 0) arm(leftMs);
    else callback();
  };
  arm(waitMs);
  return () => clearTimeout(handle);
}

/** The real clock. Structurally a `Clock` of core/. */
export const systemClock = {
  now: (): number => Date.now(),
  monotonic: (): number => performance.now(),
  timer(
    callback: () => void,
    delayMs: number,
    options: { readonly background?: boolean } = {},
  ): { cancel(): void } {
    return { cancel: startTimer(callback, delayMs, options.background ?? false) };
  },
};
