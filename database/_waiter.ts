import type { Session } from "./_session.ts";
import type { TimeLimit, TimeLimits } from "./_time_limits.ts";

/** How a caller waits for a session. */
export interface WaiterOptions {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds until `onLate` is asked for the error. */
  readonly limitMs: number;
  /** Monotonic milliseconds now. */
  readonly nowMs: number;
  readonly onLate: () => unknown;
  /** Called when the caller goes without a session. */
  readonly onLeave: (waiter: Waiter) => void;
  /** Fails when the first attempt to connect does. */
  readonly once: boolean;
}

/** A caller that waits for a session; settles once. */
export class Waiter {
  readonly promise: Promise<Session>;
  readonly once: boolean;
  readonly #resolve: (session: Session) => void;
  readonly #reject: (error: unknown) => void;
  readonly #options: WaiterOptions;
  readonly #limits: TimeLimits;
  readonly #limit: TimeLimit;
  readonly #onAbort: (() => void) | undefined;
  #isWaiting = true;

  constructor(limits: TimeLimits, options: WaiterOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<Session>();
    this.promise = promise;
    this.once = options.once;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#options = options;
    this.#limits = limits;
    this.#limit = limits.start(
      options.nowMs,
      options.limitMs,
      () => this.refuse(options.onLate()),
    );
    if (options.signal === undefined) return;
    this.#onAbort = () => this.refuse(options.signal?.reason);
    options.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Whether the caller still waits. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Hands a session over; false when the caller has gone, and the session is kept. */
  take(session: Session): boolean {
    if (!this.#settle()) return false;
    this.#resolve(session);
    return true;
  }

  /** Refuses; nothing when the caller has gone. */
  refuse(error: unknown): void {
    if (!this.#settle()) return;
    this.#options.onLeave(this);
    this.#reject(error);
  }

  /** From here on the time limit of connecting holds, not that of waiting. */
  connecting(): void {
    this.#limits.stop(this.#limit);
  }

  #settle(): boolean {
    if (!this.#isWaiting) return false;
    this.#isWaiting = false;
    this.#limits.stop(this.#limit);
    if (this.#onAbort !== undefined) {
      this.#options.signal?.removeEventListener("abort", this.#onAbort);
    }
    return true;
  }
}
