import type { Clock, Logger, WaitOptions } from "../core/mod.ts";
import { CqiError, type CqiErrorOptions, isCqiError, isRetryable } from "../errors/mod.ts";
import { Deadlines, type Limited } from "./deadlines.ts";
import type { Seat } from "./ring.ts";
import type { Answer, CacheDriver } from "./types.ts";

/** Most keys of one call of the driver: each call has its own deadline. */
export const CHUNK = 500;
/** Failures in a row that open the breaker. */
const FAILURES_TO_OPEN = 5;
/** How long it stays open before one call may try, in milliseconds. */
const OPEN_MS = 1000;

/** Whether calls reach the driver: `half_open` lets one through to see. */
export type BreakerState = "closed" | "open" | "half_open";

/**
 * How a call is limited: `plain` by the deadline; `once` too, and doing it twice is not the same as
 * once; `long` by the driver alone, step by step; `last` as `plain`, and still done while the cache
 * closes.
 */
export type CallKind = "plain" | "once" | "long" | "last";

/** What a {@linkcode Guard} is made of. */
export interface GuardOptions {
  readonly driver: CacheDriver;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Longest that one call may take, in milliseconds. */
  readonly timeoutMs: number;
}

type Settled = (call: Call<never>, error: unknown) => void;

/** One call of a remote driver, which ends once: with its answer, at its deadline or by its caller. */
class Call<T> implements Limited {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
  readonly kind: CallKind;
  readonly #expired: Settled;
  /** Its place among those that end at the same deadline. */
  seat: Seat | undefined;
  /** Ends what the driver does for it, where the caller may leave before its deadline. */
  controller: AbortController | undefined;
  isDone = false;

  constructor(
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
    kind: CallKind,
    expired: Settled,
  ) {
    this.resolve = resolve;
    this.reject = reject;
    this.kind = kind;
    this.#expired = expired;
  }

  expire(): void {
    this.#expired(this as unknown as Call<never>, undefined);
  }

  /** Tells the driver that nobody waits any more. */
  abandon(reason: unknown): void {
    this.reject(reason);
    this.controller?.abort(reason);
  }

  /** True for the first to end it. */
  end(): boolean {
    if (this.isDone) return false;
    this.isDone = true;
    this.seat?.leave();
    return true;
  }
}

/**
 * Stands before a driver. A remote one gets a deadline for each call, and is left alone for a while
 * when it keeps failing, so that a dead server costs callers nothing. A local one is called as is.
 */
export class Guard {
  readonly driver: CacheDriver;
  readonly #options: GuardOptions;
  readonly #deadlines: Deadlines;
  readonly #remote: boolean;
  #failures = 0;
  // Monotonic milliseconds; undefined while closed.
  #openUntil: number | undefined;
  // The call that was let through to see; nobody else ends its turn.
  #probe: Call<never> | undefined;
  #closed = false;

  constructor(options: GuardOptions) {
    this.driver = options.driver;
    this.#options = options;
    this.#remote = options.driver.features.remote;
    this.#deadlines = new Deadlines(options.clock, options.timeoutMs);
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
  call<T>(
    fn: (options: WaitOptions) => Answer<T>,
    signal?: AbortSignal,
    kind: CallKind = "plain",
  ): Answer<T> {
    if (kind !== "last") this.requireOpen();
    signal?.throwIfAborted();
    return this.#remote ? this.#callRemote(fn, signal, kind) : fn({ signal });
  }

  /** As `call` of the driver's `get`, the one call whose own cost shows. */
  get(key: string, signal?: AbortSignal): Answer<Uint8Array | undefined> {
    if (this.#remote) return this.call((options) => this.driver.get(key, options), signal);
    this.requireOpen();
    signal?.throwIfAborted();
    return signal === undefined ? this.driver.get(key) : this.driver.get(key, { signal });
  }

  #callRemote<T>(
    fn: (options: WaitOptions) => Answer<T>,
    signal: AbortSignal | undefined,
    kind: CallKind,
  ): Promise<T> {
    const isProbe = this.#admit();
    return new Promise<T>((resolve, reject) => {
      const call = new Call(resolve, reject, kind, this.#expired);
      // Not one that may take as long as it likes: it goes beside the probe.
      if (isProbe && kind !== "long") this.#probe = call as unknown as Call<never>;
      const options: { signal?: AbortSignal } = {};
      if (kind !== "long") {
        const deadline = this.#deadlines.next();
        call.seat = deadline.calls.add(call);
        options.signal = deadline.signal;
      }
      let unwatch: (() => void) | undefined;
      if (signal !== undefined) {
        options.signal = (call.controller = new AbortController()).signal;
        unwatch = this.#watch(call, signal);
      }
      let answer: Answer<T>;
      try {
        answer = fn(options);
      } catch (error) {
        answer = Promise.reject(error);
      }
      Promise.resolve(answer).then((value) => {
        unwatch?.();
        if (!call.end()) return;
        this.#succeed();
        resolve(value);
      }, (error) => {
        unwatch?.();
        if (call.end()) this.#failed(call, error);
      });
    });
  }

  // The caller left: that says nothing of the driver. If it was the probe, another call may be.
  #watch<T>(call: Call<T>, signal: AbortSignal): () => void {
    const leave = (): void => {
      if (!call.end()) return;
      this.#leave(call);
      call.abandon(signal.reason);
    };
    signal.addEventListener("abort", leave, { once: true });
    return () => signal.removeEventListener("abort", leave);
  }

  readonly #expired: Settled = (call) => {
    if (!call.end()) return;
    const { driver, timeoutMs } = this.#options;
    this.#fail(call, undefined);
    const problem = `driver '${driver.name}' took over ${timeoutMs} ms`;
    call.abandon(unavailable(
      problem,
      call.kind === "once" ? { retryable: false, details: { outcome: "unknown" } } : {},
    ));
  };

  #failed<T>(call: Call<T>, error: unknown): void {
    if (isAnswered(error)) this.#succeed();
    else if (isRefused(error)) this.#leave(call);
    else this.#fail(call, error);
    if (isCqiError(error, "CQI_CACHE_UNAVAILABLE") || isAnswered(error)) call.reject(error);
    else call.reject(unavailable(`driver '${this.driver.name}' failed`, { cause: error }));
  }

  // Whether the call is let through to see how the driver is.
  #admit(): boolean {
    if (this.#openUntil === undefined) return false;
    if (this.#probe !== undefined || this.state === "open") {
      throw unavailable(`driver '${this.driver.name}' keeps failing and is left alone for now`);
    }
    return true;
  }

  #leave<T>(call: Call<T>): void {
    if (this.#probe === call as unknown as Call<never>) this.#probe = undefined;
  }

  #succeed(): void {
    this.#failures = 0;
    this.#probe = undefined;
    if (this.#openUntil === undefined) return;
    this.#openUntil = undefined;
    this.#options.logger.info("Cache works again", { driver: this.driver.name });
  }

  #fail<T>(call: Call<T>, error: unknown): void {
    this.#leave(call);
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

// The backend is well, and says something of this one request.
function isAnswered(error: unknown): boolean {
  if (!isCqiError(error)) return false;
  if (error.code === "CQI_CACHE_UNAVAILABLE") return error.details["answered"] === true;
  return !isRetryable(error);
}

// The driver has too much to do to ask the backend: that says nothing of how the backend is.
function isRefused(error: unknown): boolean {
  return isCqiError(error, "CQI_CACHE_UNAVAILABLE") && error.details["refused"] === true;
}

function unavailable(problem: string, options: CqiErrorOptions = {}): CqiError {
  return new CqiError("CQI_CACHE_UNAVAILABLE", `Cannot reach the cache: ${problem}`, options);
}
