import {
  type Clock,
  type Instruments,
  sleep,
  type Timer,
  type WaitOptions,
  withDeadline,
} from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { type PoolStats, reporter } from "./_pool_stats.ts";
import { databaseError } from "./_errors.ts";
import { applySettings, resetSession, type Session, type SessionLimits } from "./_session.ts";
import type { DatabaseDriver, DriverConnection } from "./types.ts";

/** Sizes and times of a pool, in milliseconds. */
export interface PoolSettings {
  readonly max: number;
  readonly min: number;
  readonly lifetimeMs: number;
  readonly idleMs: number;
  readonly connectMs: number;
  readonly acquireMs: number;
  readonly limits: SessionLimits;
}

interface Waiter {
  /** False when the caller has gone: the session is kept. */
  take(session: Session): boolean;
  refuse(error: unknown): void;
  /** From here on the time limit of connecting holds. */
  connecting(): void;
}

const MAX_WAITING = 10_000;
// What a session that is cleaned may take before it is thrown away.
const RESET_MS = 5000;

/** Lends sessions, first come first served; opens, cleans, replaces and closes them. */
export class Pool {
  readonly #driver: DatabaseDriver;
  readonly #settings: PoolSettings;
  readonly #clock: Clock;
  readonly #env: Instruments;
  readonly #report: () => void;
  readonly #idle: Session[] = [];
  readonly #used = new Set<Session>();
  readonly #waiters: Waiter[] = [];
  #opening = 0;
  #sweeper: Timer | undefined;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(driver: DatabaseDriver, settings: PoolSettings, env: Instruments) {
    this.#driver = driver;
    this.#settings = settings;
    this.#clock = env.clock;
    this.#env = env;
    this.#report = reporter(env.metrics, () => this.stats);
    this.#fill();
    this.#report();
  }

  get stats(): PoolStats {
    return {
      used: this.#used.size + this.#opening,
      idle: this.#idle.length,
      waiting: this.#waiters.length,
      max: this.#closing === undefined ? this.#settings.max : 0,
    };
  }

  /** Lends a session. Throws `CQI_DATABASE_POOL_EXHAUSTED` when none gets free in time. */
  acquire(options: WaitOptions): Promise<Session> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) return reject(closed());
      if (signal?.aborted) return reject(signal.reason);
      if (this.#waiters.length >= MAX_WAITING) return reject(this.#exhausted());
      let isSettled = false;
      const settle = (act: () => void): boolean => {
        if (isSettled) return false;
        isSettled = true;
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        act();
        return true;
      };
      const leave = (error: unknown): void => {
        const at = this.#waiters.indexOf(waiter);
        if (at >= 0) this.#waiters.splice(at, 1);
        settle(() => reject(error));
        this.#report();
      };
      const onAbort = (): void => leave(signal?.reason);
      const waiter: Waiter = {
        take: (session) => settle(() => resolve(session)),
        refuse: leave,
        connecting: () => timer.cancel(),
      };
      const timer = this.#clock.timer(() => leave(this.#exhausted()), this.#settings.acquireMs);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiters.push(waiter);
      this.#pump();
    });
  }

  /** Takes a session back: cleans it, or throws it away when it is broken or old. */
  async release(session: Session): Promise<void> {
    try {
      if (session.isDirty && !session.connection.broken && this.#closing === undefined) {
        await withDeadline(
          this.#clock,
          RESET_MS,
          (signal) =>
            resetSession(this.#driver, session, this.#settings.limits, {
              signal,
              timeoutMs: RESET_MS,
            }),
        );
      }
    } catch {
      session.isDirty = true;
    }
    this.#used.delete(session);
    if (session.isDirty || session.connection.broken || this.#isOld(session) || this.#closing) {
      await session.connection.close();
    } else {
      session.idleSinceMs = this.#clock.monotonic();
      this.#idle.push(session);
      this.#sweepLater();
    }
    this.#pump();
    if (this.#used.size + this.#opening === 0) this.#drained?.();
  }

  /** Refuses new callers, waits for lent sessions up to `graceMs`, then closes everything. */
  close(graceMs: number, options: WaitOptions): Promise<void> {
    return this.#closing ??= this.#close(graceMs, options);
  }

  async #close(graceMs: number, { signal }: WaitOptions): Promise<void> {
    // One turn, so that #closing is set before anything below looks at it.
    await Promise.resolve();
    this.#sweeper?.cancel();
    for (const waiter of this.#waiters.splice(0)) waiter.refuse(closed());
    const idle = this.#idle.splice(0);
    await Promise.all(idle.map((session) => session.connection.close()));
    if (this.#used.size + this.#opening > 0) {
      const stop = new AbortController();
      const drained = new Promise<void>((resolve) => this.#drained = resolve);
      const end = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      // An aborted wait is a shorter grace, not a failure: what is left is closed either way.
      const grace = sleep(this.#clock, graceMs, { signal: end }).catch(() => {});
      await Promise.race([drained, grace]);
      stop.abort();
    }
    await Promise.all([...this.#used].map((session) => session.connection.close()));
    this.#used.clear();
    this.#report();
    await this.#driver.close();
  }

  #isOld(session: Session): boolean {
    return this.#clock.monotonic() - session.openedMs >= this.#settings.lifetimeMs;
  }

  #pump(): void {
    while (this.#waiters.length > 0) {
      const session = this.#idle.pop();
      if (session !== undefined) {
        if (session.connection.broken || this.#isOld(session)) void session.connection.close();
        else if (this.#waiters.shift()!.take(session)) this.#used.add(session);
        else this.#idle.push(session);
      } else if (this.#used.size + this.#opening < this.#settings.max) {
        const waiter = this.#waiters.shift()!;
        waiter.connecting();
        void this.#open().then(
          (opened) => {
            if (waiter.take(opened)) this.#pump();
            else void this.release(opened);
          },
          (error) => {
            waiter.refuse(error);
            this.#pump();
          },
        );
      } else break;
    }
    this.#report();
  }

  async #open(): Promise<Session> {
    this.#opening++;
    try {
      const limitMs = this.#settings.connectMs;
      const session = await withDeadline(this.#clock, limitMs, (signal) => this.#connect(signal), {
        error: () =>
          new CqiError(
            "CQI_DATABASE_UNAVAILABLE",
            `Cannot connect to the database: no answer within ${limitMs} ms`,
          ),
      });
      // In one go with `#opening--`, so that it is never counted twice.
      this.#used.add(session);
      return session;
    } finally {
      this.#opening--;
      if (this.#used.size + this.#opening === 0) this.#drained?.();
    }
  }

  async #connect(signal: AbortSignal): Promise<Session> {
    let connection: DriverConnection | undefined;
    try {
      connection = await this.#driver.connect({ signal });
      signal.throwIfAborted();
      const session: Session = {
        connection,
        openedMs: this.#clock.monotonic(),
        idleSinceMs: 0,
        isDirty: false,
        statementMs: this.#settings.limits.statementMs,
      };
      const options = { signal, timeoutMs: this.#settings.connectMs };
      await applySettings(this.#driver, session, this.#settings.limits, options);
      signal.throwIfAborted();
      return session;
    } catch (error) {
      await connection?.close();
      if (signal.aborted) throw signal.reason;
      throw error instanceof CqiError ? error : databaseError(error, "connect to the database");
    }
  }

  /** Opens what `min` asks for, in the background. */
  #fill(): void {
    const { min } = this.#settings;
    const missing = min - this.#idle.length - this.#used.size - this.#opening;
    for (let i = 0; i < missing; i++) {
      void this.#open().then((session) => this.release(session), (error) => {
        this.#env.logger.warn("Cannot open a spare database connection", {
          component: "database",
          error,
        });
      });
    }
  }

  #sweepLater(): void {
    const { idleMs } = this.#settings;
    if (this.#sweeper !== undefined || idleMs === Infinity) return;
    this.#sweeper = this.#clock.timer(() => this.#sweep(), idleMs, { background: true });
  }

  #sweep(): void {
    this.#sweeper = undefined;
    const nowMs = this.#clock.monotonic();
    const { idleMs, min } = this.#settings;
    // Oldest first: the pool takes from the end.
    while (this.#idle.length + this.#used.size > min) {
      const session = this.#idle[0];
      if (session === undefined || nowMs - session.idleSinceMs < idleMs) break;
      this.#idle.shift();
      void session.connection.close();
    }
    this.#fill();
    if (this.#idle.length > 0) this.#sweepLater();
    this.#report();
  }

  #exhausted(): CqiError {
    const { max, acquireMs } = this.#settings;
    return new CqiError(
      "CQI_DATABASE_POOL_EXHAUSTED",
      `Cannot get a database connection: all ${max} stayed in use for ${acquireMs} ms; ` +
        "inside a transaction use its own handle, elsewhere shorten transactions or raise max_conns",
      { details: { ...this.stats } },
    );
  }
}

function closed(): CqiError {
  return new CqiError("CQI_CLOSED", "Cannot use the database: it is closed");
}
