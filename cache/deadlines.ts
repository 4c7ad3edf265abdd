import type { Clock } from "../core/mod.ts";
import { Ring } from "./ring.ts";

/** Calls that start within this share of the limit end together. */
const SHARE = 16;
/** A timer that fires this late, in milliseconds, tells of a busy process, not of a slow backend. */
const LATE_MS = 10;
/** Answers that have arrived by then get this long to be read, in milliseconds. */
const GRACE_MS = 5;

/** What ends when its time is up. */
export interface Limited {
  /** Time is up. */
  expire(): void;
}

/** Calls that end together, at the limit of the first of them. */
export class Deadline {
  readonly calls: Ring<Limited> = new Ring();
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #dueMs: number;
  #isLate = false;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#dueMs = clock.monotonic() + limitMs;
    clock.timer(() => this.#fire(), limitMs, { background: true });
  }

  /** Aborts when time is up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  #fire(): void {
    // The process was busy for so long that answers may lie unread: they are looked at first.
    if (!this.#isLate && this.#clock.monotonic() - this.#dueMs > LATE_MS) {
      this.#isLate = true;
      this.#clock.timer(() => this.#fire(), GRACE_MS, { background: true });
      return;
    }
    const late = this.calls.empty();
    for (const call of late) call.expire();
    if (late.length > 0) this.#controller.abort();
  }
}

/**
 * Time limits for many short calls: those that start at about the same time share one timer and one
 * signal, so that a limit costs next to nothing. A call may get up to a sixteenth less.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #limitMs: number;
  #current: Deadline | undefined;
  #until = 0;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** The limit for a call that starts now. */
  next(): Deadline {
    const now = this.#clock.monotonic();
    if (this.#current === undefined || now >= this.#until) {
      this.#current = new Deadline(this.#clock, this.#limitMs);
      this.#until = now + this.#limitMs / SHARE;
    }
    return this.#current;
  }
}
