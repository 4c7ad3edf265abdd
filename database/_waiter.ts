import type { Session } from "./_session.ts";
import type { TimeLimit, TimeLimits } from "./_time_limits.ts";

/** Where callers wait. */
export interface WaitingRoom {
  readonly limits: TimeLimits;
  /** Milliseconds that a caller may wait. */
  readonly limitMs: number;
  /** Why a caller had to wait for too long. */
  tooLate(): unknown;
  /** A caller goes without a session. */
  left(waiter: Waiter): void;
}

/** A caller that waits for a session; settles once. */
export class Waiter {
  readonly promise: Promise<Session>;
  readonly once: boolean;
  readonly #room: WaitingRoom;
  readonly #signal: AbortSignal | undefined;
  readonly #limit: TimeLimit;
  readonly #onAbort: (() => void) | undefined;
  #resolve!: (session: Session) => void;
  #reject!: (error: unknown) => void;
  #isWaiting = true;

  /**
   * @param room Where it waits.
   * @param nowMs Monotonic milliseconds now.
   * @param options The caller's signal; `once` fails with the first attempt to connect.
   */
  constructor(
    room: WaitingRoom,
    nowMs: number,
    { signal, once }: { readonly signal?: AbortSignal | undefined; readonly once?: boolean },
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.once = once === true;
    this.#room = room;
    this.#signal = signal;
    this.#limit = room.limits.start(nowMs, room.limitMs, () => this.refuse(room.tooLate()));
    if (signal === undefined) return;
    this.#onAbort = () => this.refuse(signal.reason);
    signal.addEventListener("abort", this.#onAbort, { once: true });
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
    this.#room.left(this);
    this.#reject(error);
  }

  /** From here on the time limit of connecting holds, not that of waiting. */
  connecting(): void {
    this.#room.limits.stop(this.#limit);
  }

  #settle(): boolean {
    if (!this.#isWaiting) return false;
    this.#isWaiting = false;
    this.#room.limits.stop(this.#limit);
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }
}
