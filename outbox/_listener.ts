import type { Environment } from "./_environment.ts";

/** Hears of commits of other processes. */
export interface Listener {
  /** Listens until the signal aborts. Never rejects: polling stands behind it. */
  run(signal: AbortSignal): Promise<void>;
}

/** Makes the listener of a relay. */
export function listener(_env: Environment, _wake: () => void): Listener {
  return { run: () => Promise.resolve() };
}
