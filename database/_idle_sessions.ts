import { TRUSTED_MS } from "./_pool_settings.ts";
import type { Session } from "./_session.ts";

/** Sessions that nobody holds. The pool lends the one used last, so that those not needed age. */
export class IdleSessions {
  readonly #sessions: Session[] = [];

  get size(): number {
    return this.#sessions.length;
  }

  keep(session: Session, nowMs: number): void {
    session.idleSinceMs = nowMs;
    this.#sessions.push(session);
  }

  /** Gives back what was taken and not wanted: it is idle for as long as before. */
  putBack(session: Session): void {
    this.#sessions.push(session);
  }

  take(): Session | undefined {
    return this.#sessions.pop();
  }

  /**
   * One that needs no asking whether it still answers.
   *
   * @param nowMs Monotonic milliseconds.
   * @param isFit Whether a session may be lent at all.
   */
  takeFresh(nowMs: number, isFit: (session: Session) => boolean): Session | undefined {
    while (this.#sessions.at(-1)?.connection.broken === true) this.#sessions.pop();
    const session = this.#sessions.at(-1);
    // The last one was used last: if it needs asking, all do.
    const isFresh = session !== undefined && isFit(session) &&
      nowMs - session.idleSinceMs < TRUSTED_MS;
    return isFresh ? this.#sessions.pop() : undefined;
  }

  /** The one that is idle for the longest, if that is at least `idleMs`. */
  takeExpired(nowMs: number, idleMs: number): Session | undefined {
    const session = this.#sessions[0];
    const isExpired = session !== undefined && nowMs - session.idleSinceMs >= idleMs;
    return isExpired ? this.#sessions.shift() : undefined;
  }

  /** Returns whether it was here. */
  remove(session: Session): boolean {
    const at = this.#sessions.indexOf(session);
    if (at >= 0) this.#sessions.splice(at, 1);
    return at >= 0;
  }

  takeAll(): Session[] {
    return this.#sessions.splice(0);
  }
}
