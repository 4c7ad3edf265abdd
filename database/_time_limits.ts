import type { Clock, Timer } from "../core/mod.ts";

/** Something that must end in time. */
export interface TimeLimit {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  readonly onLate: () => void;
}

/**
 * Time limits of many things at a time with one timer: setting and clearing a timer for each query
 * costs more than the rest of what is done for it.
 */
export class TimeLimits {
  readonly #clock: Clock;
  readonly #limits = new Set<TimeLimit>();
  #timer: Timer | undefined;
  #timerAtMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Starts a limit.
   *
   * @param startedMs Monotonic milliseconds from which it counts: now.
   * @param limitMs Milliseconds; `Infinity` is none.
   * @param onLate Called once, unless it is stopped before.
   */
  start(startedMs: number, limitMs: number, onLate: () => void): TimeLimit {
    const limit = { atMs: startedMs + limitMs, onLate };
    if (limitMs === Infinity) return limit;
    this.#limits.add(limit);
    if (limit.atMs < this.#timerAtMs) this.#arm(limit.atMs, startedMs);
    return limit;
  }

  /** Ends a limit that was kept; twice is fine. */
  stop(limit: TimeLimit): void {
    if (!this.#limits.delete(limit) || this.#limits.size > 0) return;
    this.#timer?.cancel();
    this.#timerAtMs = Infinity;
  }

  #arm(atMs: number, nowMs: number): void {
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.timer(() => this.#ring(), atMs - nowMs);
  }

  #ring(): void {
    this.#timerAtMs = Infinity;
    const nowMs = this.#clock.monotonic();
    let nextMs = Infinity;
    const late: TimeLimit[] = [];
    for (const limit of this.#limits) {
      if (limit.atMs <= nowMs) late.push(limit);
      else nextMs = Math.min(nextMs, limit.atMs);
    }
    if (nextMs < Infinity) this.#arm(nextMs, nowMs);
    for (const limit of late) {
      this.#limits.delete(limit);
      limit.onLate();
    }
  }
}
