import { type Clock, toMilliseconds } from "../core/mod.ts";
import { messageOf } from "../errors/mod.ts";
import { refuse, requireNumber } from "../internal/options.ts";
import type { BeatOptions, HealthBeat } from "./types.ts";

/** How one loop is. */
export interface BeatState {
  /** Name of the loop. */
  readonly name: string;
  /** Whether it ticked in time. */
  readonly alive: boolean;
  /** What ended it, if it said so. */
  readonly message: string | undefined;
  /** Wall time of the last tick, in milliseconds. */
  readonly at: number;
}

interface Entry {
  readonly withinMs: number;
  last: number;
  at: number;
  message: string | undefined;
}

const MAX_WITHIN_MS = 86_400_000;
const MAX_BEATS = 1000;

/** The loops of a service. */
export class Beats {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins to watch a loop. */
  add(name: string, options: BeatOptions): HealthBeat {
    if (this.#entries.has(name)) refuse("name", name, "a name that no other loop has");
    if (this.#entries.size >= MAX_BEATS) refuse("name", name, `one of ${MAX_BEATS} loops at most`);
    const withinMs = toMilliseconds("within", options.within);
    requireNumber("within", withinMs, 1, MAX_WITHIN_MS);
    const entry: Entry = { withinMs, last: 0, at: 0, message: undefined };
    const tick = (): void => {
      entry.last = this.#clock.monotonic();
      entry.at = this.#clock.now();
      entry.message = undefined;
    };
    tick();
    this.#entries.set(name, entry);
    return {
      tick,
      fail: (error) => void (entry.message = messageOf(error)),
      // Another loop may have taken the name since.
      close: () => void (this.#entries.get(name) === entry && this.#entries.delete(name)),
    };
  }

  /** How the loops are now. */
  states(): BeatState[] {
    const now = this.#clock.monotonic();
    return [...this.#entries].map(([name, { withinMs, last, at, message }]) => {
      return { name, alive: now - last <= withinMs, message, at };
    });
  }
}
