import type { Clock, LogLevel, Timer } from "../core/mod.ts";
import type { LogThreshold } from "./types.ts";

/** Severities by number; those of OpenTelemetry's log data model. */
export const RANK: Readonly<Record<LogThreshold, number>> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
  off: 25,
};

/** Severities, lowest first. */
export const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];

/** The levels of a logger and its children, which change while running. */
export class Levels {
  /** Goes up with each change, so that loggers know when what they remember is old. */
  version = 0;
  readonly #clock: Clock;
  // Changes that are for a time, with what comes back after them.
  readonly #passing = new Map<string, { timer: Timer; before: LogThreshold | undefined }>();
  readonly #byComponent: Map<string, LogThreshold>;
  #base: LogThreshold;

  /**
   * @param clock Ends changes that are for a time.
   * @param base Level where no component says otherwise.
   * @param byComponent Levels of components.
   */
  constructor(clock: Clock, base: LogThreshold, byComponent: Readonly<Record<string, string>>) {
    this.#clock = clock;
    this.#base = base;
    this.#byComponent = new Map(Object.entries(byComponent) as [string, LogThreshold][]);
  }

  /** Level where no component says otherwise. */
  get base(): LogThreshold {
    return this.#base;
  }

  /** Least rank that a component writes: its own level, or that of the nearest one above it. */
  rank(component: string | undefined): number {
    let name = component ?? "";
    while (name !== "" && this.#byComponent.size > 0) {
      const level = this.#byComponent.get(name);
      if (level !== undefined) return RANK[level];
      name = name.slice(0, Math.max(0, name.lastIndexOf(".")));
    }
    return RANK[this.#base];
  }

  /** Changes a level, for good or for a time; a later change of the same one ends that time. */
  set(level: LogThreshold, component: string | undefined, durationMs: number | undefined): void {
    const key = component ?? "";
    const passing = this.#passing.get(key);
    passing?.timer.cancel();
    this.#passing.delete(key);
    const now = component === undefined ? this.#base : this.#byComponent.get(component);
    const before = passing === undefined ? now : passing.before;
    this.#put(component, level);
    if (durationMs === undefined) return;
    const back = (): void => {
      this.#passing.delete(key);
      this.#put(component, before);
    };
    const timer = this.#clock.timer(back, durationMs, { background: true });
    this.#passing.set(key, { timer, before });
  }

  /** Calls off all timers. */
  close(): void {
    for (const { timer } of this.#passing.values()) timer.cancel();
    this.#passing.clear();
  }

  #put(component: string | undefined, level: LogThreshold | undefined): void {
    if (component === undefined) this.#base = level ?? this.#base;
    else if (level === undefined) this.#byComponent.delete(component);
    else this.#byComponent.set(component, level);
    this.version++;
  }
}
