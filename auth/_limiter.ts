import type { Clock } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { Lru } from "./_lru.ts";

// Sources that are remembered; the longest quiet one is forgotten first.
const MAX_SOURCES = 10_000;
// The longest text of an IPv6 address has 45 characters; other ids of callers fit as well.
const MAX_SOURCE_LENGTH = 128;

interface Window {
  readonly since: number;
  failures: number;
}

/** Counts failed attempts of a source, and says when it has had enough. */
export class FailureLimiter {
  readonly #windows = new Lru<Window>(MAX_SOURCES);
  readonly #clock: Clock;
  readonly #maxFailures: number;
  readonly #windowMs: number;

  constructor(clock: Clock, maxFailures: number, windowMs: number) {
    this.#clock = clock;
    this.#maxFailures = maxFailures;
    this.#windowMs = windowMs;
  }

  /** Throws `CQI_RATE_LIMITED` for a source that has failed too often, before any work is done. */
  check(source: string): void {
    const window = this.#current(source);
    if (window === undefined || window.failures < this.#maxFailures) return;
    throw new CqiError(
      "CQI_RATE_LIMITED",
      "Cannot authenticate the caller: too many attempts of its source have failed",
      {
        retryAfterMs: window.since + this.#windowMs - this.#clock.monotonic(),
        details: { reason: "RATE_LIMITED" },
      },
    );
  }

  /** Counts a failed attempt. A success does not take it back: one good key must not pay for tries. */
  fail(source: string): void {
    const window = this.#current(source) ?? { since: this.#clock.monotonic(), failures: 0 };
    window.failures++;
    this.#windows.set(keyOf(source), window);
  }

  #current(source: string): Window | undefined {
    const window = this.#windows.get(keyOf(source));
    const isOver = window && this.#clock.monotonic() - window.since >= this.#windowMs;
    return isOver ? undefined : window;
  }
}

function keyOf(source: string): string {
  return source.length > MAX_SOURCE_LENGTH ? "" : source;
}
