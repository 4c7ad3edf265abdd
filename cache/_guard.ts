import { type Clock, type Logger, type WaitOptions, withDeadline } from "../core/mod.ts";
import { CqiError, isCqiError, isRetryable } from "../errors/mod.ts";
import type { Answer, CacheDriver } from "./types.ts";

/** Failures in a row that open the breaker. */
const FAILURES_TO_OPEN = 5;
/** How long it stays open before one call may try, in milliseconds. */
const OPEN_MS = 1000;

/** Whether calls reach the driver: `half_open` lets one through to see. */
export type BreakerState = "closed" | "open" | "half_open";

/** What a {@linkcode Guard} is made of. */
export interface GuardOptions {
  readonly driver: CacheDriver;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Longest that one call may take, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Stands before a driver. A remote one gets a deadline for each call, and is left alone for a while
 * when it keeps failing, so that a dead server costs callers nothing. A local one is called as is.
 */
export class Guard {
  readonly driver: CacheDriver;
  readonly #options: GuardOptions;
  readonly #remote: boolean;
  #failures = 0;
  // Monotonic milliseconds; undefined while closed.
  #openUntil: number | undefined;
  #probing = false;
  #closed = false;

  constructor(options: GuardOptions) {
    this.driver = options.driver;
    this.#options = options;
    this.#remote = options.driver.features.remote;
  }

  get state(): BreakerState {
    if (this.#openUntil === undefined) return "closed";
    return this.#options.clock.monotonic() < this.#openUntil ? "open" : "half_open";
  }

  /** Calls from now on are refused with `CQI_CLOSED`. */
  close(): void {
    this.#closed = true;
  }

  requireOpen(): void {
    if (this.#closed) throw new CqiError("CQI_CLOSED", "Cannot use the cache: it is closed");
  }

  /** Refuses what the driver cannot do with `CQI_FEATURE_UNSUPPORTED`. */
  requireFeature(feature: "atomic" | "clear", action: string): void {
    if (this.driver.features[feature]) return;
    throw new CqiError(
      "CQI_FEATURE_UNSUPPORTED",
      `Cannot ${action}: cache driver '${this.driver.name}' lacks the feature '${feature}'`,
      { details: { driver: this.driver.name, feature } },
    );
  }

  /**
   * Calls the driver. Fails with the caller's own abort reason, `CQI_CLOSED`, what the driver says
   * of the request, or `CQI_CACHE_UNAVAILABLE`.
   */
  call<T>(fn: (options: WaitOptions) => Answer<T>, signal?: AbortSignal): Answer<T> {
    this.requireOpen();
    signal?.throwIfAborted();
    return this.#remote ? this.#callRemote(fn, signal) : fn({ signal });
  }

  /** As `call` of the driver's `get`, the one call whose own cost shows. */
  get(key: string, signal?: AbortSignal): Answer<Uint8Array | undefined> {
    if (this.#remote) return this.call((options) => this.driver.get(key, options), signal);
    this.requireOpen();
    signal?.throwIfAborted();
    return signal === undefined ? this.driver.get(key) : this.driver.get(key, { signal });
  }

  async #callRemote<T>(
    fn: (options: WaitOptions) => Answer<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    this.#admit();
    try {
      const value = await withDeadline(clock, timeoutMs, (inner) => fn({ signal: inner }), {
        signal,
        error: () => unavailable(`driver '${this.driver.name}' took over ${timeoutMs} ms`),
      });
      this.#succeed();
      return value;
    } catch (error) {
      // The caller left: that says nothing of the driver, and another call may probe.
      if (signal?.aborted) {
        this.#probing = false;
        throw signal.reason;
      }
      if (isCqiError(error) && !isRetryable(error)) {
        this.#succeed();
        throw error;
      }
      this.#fail(error);
      throw isCqiError(error, "CQI_CACHE_UNAVAILABLE")
        ? error
        : unavailable(`driver '${this.driver.name}' failed`, error);
    }
  }

  #admit(): void {
    if (this.#openUntil === undefined) return;
    if (this.#probing || this.state === "open") {
      throw unavailable(`driver '${this.driver.name}' keeps failing and is left alone for now`);
    }
    this.#probing = true;
  }

  #succeed(): void {
    this.#failures = 0;
    this.#probing = false;
    if (this.#openUntil === undefined) return;
    this.#openUntil = undefined;
    this.#options.logger.info("Cache works again", { driver: this.driver.name });
  }

  #fail(error: unknown): void {
    this.#probing = false;
    if (++this.#failures < FAILURES_TO_OPEN) return;
    if (this.#openUntil === undefined) {
      this.#options.logger.warn("Cache fails and is left alone for now", {
        driver: this.driver.name,
        failures: this.#failures,
        error,
      });
    }
    this.#openUntil = this.#options.clock.monotonic() + OPEN_MS;
  }
}

function unavailable(problem: string, cause?: unknown): CqiError {
  return new CqiError(
    "CQI_CACHE_UNAVAILABLE",
    `Cannot reach the cache: ${problem}`,
    cause === undefined ? {} : { cause },
  );
}
