import type { Clock, Timer } from "../core/mod.ts";
import type { Session } from "./_session.ts";

/** How a caller waits for a session. */
export interface WaiterOptions {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds until `onLate` is asked for the error. */
  readonly limitMs: number;
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
  readonly #timer: Timer;
  readonly #onAbort: () => void;
  #isWaiting = true;

  constructor(clock: Clock, options: WaiterOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<Session>();
    this.promise = promise;
    this.once = options.once;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#options = options;
    this.#onAbort = () => this.refuse(options.signal?.reason);
    this.#timer = clock.timer(() => this.refuse(options.onLate()), options.limitMs);
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
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
    this.#timer.cancel();
  }

  #settle(): boolean {
    if (!this.#isWaiting) return false;
    this.#isWaiting = false;
    this.#timer.cancel();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }
}
