// The system's clock and timers: the one place that calls Date.now, performance.now and setTimeout.

// setTimeout takes a signed 32-bit delay and fires at once beyond it (HTML, timers).
const MAX_DELAY_MS = 2 ** 31 - 1;

interface UnrefTimer {
  unref?: () => void;
}

function startTimer(callback: () => void, delayMs: number, background: boolean): () => void {
  let handle: ReturnType<typeof setTimeout>;
  const arm = (leftMs: number): void => {
    const stepMs = Math.min(leftMs, MAX_DELAY_MS);
    handle = setTimeout(() => leftMs > stepMs ? arm(leftMs - stepMs) : callback(), stepMs);
    // Node, Deno (with node types) and Bun give an object with unref; a browser gives a number.
    if (background) (handle as UnrefTimer | undefined)?.unref?.();
  };
  arm(Math.max(0, delayMs));
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
