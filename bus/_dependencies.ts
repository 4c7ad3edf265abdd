import { type Checkable, type Clock, type Timer, withDeadline } from "../core/mod.ts";
import { messageOf } from "../errors/mod.ts";

// How often dependencies are asked while a subscription runs, and how long each may take.
const INTERVAL_MS = 1000;
const LIMIT_MS = 5000;

/** What a subscription depends on: holds its events back while any of it is down. */
export interface Gate {
  /** True while events are held back, which they are until the first answer too. */
  readonly held: boolean;
  /** Why, or undefined. */
  readonly reason: string | undefined;
  /** How often it has gone down; what was begun under another number may have failed for that. */
  readonly downs: number;
  /**
   * Asks until `stop`.
   *
   * @param onChange Called when `held` has changed.
   */
  start(onChange: () => void): void;
  /** Asks no more, and holds nothing back. */
  stop(): void;
  /**
   * Whether everything has been up since a time, now included: asks anew.
   *
   * @param downs What `downs` was at that time.
   */
  stood(downs: number): Promise<boolean>;
  /** Resolves when everything is up, or when the signal aborts. */
  whenUp(signal: AbortSignal): Promise<void>;
}

/** Makes a gate. */
export function gate(clock: Clock, dependencies: readonly Checkable[]): Gate {
  let held = true;
  let reason: string | undefined;
  let downs = 0;
  let changed = (): void => {};
  let next: Timer | undefined;
  let asking: Promise<void> | undefined;
  let stopped = false;
  let up = Promise.withResolvers<void>();

  const settle = (found: string | undefined): void => {
    if (stopped) return;
    if (found !== undefined && reason === undefined) {
      downs++;
      // Whoever waits already waits for the same.
      if (!held) up = Promise.withResolvers();
    }
    const same = held === (found !== undefined) && reason !== undefined === held;
    reason = found;
    held = found !== undefined;
    if (!held) up.resolve();
    if (!same) changed();
  };

  const ask = (): Promise<void> => {
    asking ??= (async () => {
      next?.cancel();
      const answers = await Promise.all(dependencies.map((each) => troubleOf(clock, each)));
      asking = undefined;
      settle(answers.find((answer) => answer !== undefined));
      if (!stopped) next = clock.timer(() => void ask(), INTERVAL_MS, { background: true });
    })();
    return asking;
  };

  return {
    get held() {
      return held;
    },
    get reason() {
      return reason;
    },
    get downs() {
      return downs;
    },
    start(onChange) {
      changed = onChange;
      void ask();
    },
    stop() {
      stopped = true;
      held = false;
      reason = undefined;
      next?.cancel();
      up.resolve();
    },
    async stood(before) {
      // An answer that was under way may be older than the failure.
      await asking;
      if (downs === before && !stopped) await ask();
      return downs === before && !held;
    },
    async whenUp(signal) {
      const aborted = Promise.withResolvers<void>();
      const onAbort = (): void => aborted.resolve();
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      await Promise.race([up.promise, aborted.promise]);
      signal.removeEventListener("abort", onAbort);
    },
  };
}

// Why a dependency cannot be used; undefined when it can, however poorly.
async function troubleOf(clock: Clock, dependency: Checkable): Promise<string | undefined> {
  try {
    const report = await withDeadline(
      clock,
      LIMIT_MS,
      (signal) => dependency.check({ signal }),
      { action: "the check of a dependency" },
    );
    return report.status === "down" ? report.message ?? "It says that it is down" : undefined;
  } catch (error) {
    return messageOf(error);
  }
}
