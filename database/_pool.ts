import type { Instruments, Timer, WaitOptions } from "../core/mod.ts";
import { withGrace } from "./_grace.ts";
import { IdleSessions } from "./_idle_sessions.ts";
import { isAnswering, type Opener } from "./_opener.ts";
import {
  type AcquireOptions,
  closed,
  exhausted,
  MAX_WAITING,
  type PoolSettings,
  REFILL_MS,
} from "./_pool_settings.ts";
import { type PoolStats, reporter } from "./_pool_stats.ts";
import { resetSession, type Session } from "./_session.ts";
import { TimeLimits } from "./_time_limits.ts";
import { Waiter, type WaitingRoom } from "./_waiter.ts";
import type { DatabaseDriver } from "./types.ts";

/** Lends sessions, first come first served; opens, cleans, replaces and closes them. */
export class Pool {
  readonly #driver: DatabaseDriver;
  readonly #settings: PoolSettings;
  readonly #env: Instruments;
  readonly #opener: Opener;
  readonly #room: WaitingRoom;
  /** Aborts when it begins to close. */
  readonly #stop = new AbortController();
  /** Aborts when it waits for nobody any more. */
  readonly #cut = new AbortController();
  readonly #report: () => void;
  readonly #idle = new IdleSessions();
  readonly #used = new Set<Session>();
  readonly #waiters: Waiter[] = [];
  /** Those for whom one is opened; where that is hard, one that gets free does too. */
  readonly #connecting = new Set<Waiter>();
  #opening = 0;
  /** Sessions that are being closed: the server still has them. */
  #leaving = 0;
  #sweeper: Timer | undefined;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(
    driver: DatabaseDriver,
    settings: PoolSettings,
    { opener, instruments: env }: { readonly opener: Opener; readonly instruments: Instruments },
  ) {
    this.#driver = driver;
    this.#settings = settings;
    this.#env = env;
    this.#opener = opener;
    this.#room = {
      limits: new TimeLimits(env.clock),
      limitMs: settings.acquireMs,
      tooLate: () =>
        (this.#used.size === 0 ? opener.failure : undefined) ??
          exhausted(this.stats, settings.acquireMs),
      left: (waiter) => {
        const at = this.#waiters.indexOf(waiter);
        if (at >= 0) this.#waiters.splice(at, 1);
        this.#report();
      },
    };
    this.#report = reporter(env.metrics, () => this.stats);
    this.#fill();
    this.#report();
  }

  get stats(): PoolStats {
    return {
      used: this.#used.size + this.#opening,
      idle: this.#idle.size,
      waiting: this.#waiters.length,
      max: this.#closing === undefined ? this.#settings.max : 0,
    };
  }

  /** Whether every place is lent out, those that are only being opened not counted. */
  get isLent(): boolean {
    return this.#used.size >= this.#settings.max && this.#closing === undefined;
  }

  /** Lends a session. Throws `CQI_DATABASE_POOL_EXHAUSTED` when none gets free in time. */
  acquire(options: AcquireOptions): Promise<Session> {
    const { signal } = options;
    if (this.#closing !== undefined) return Promise.reject(closed());
    if (signal?.aborted) return Promise.reject(signal.reason);
    const ready = this.#waiters.length === 0 ? this.#takeFresh() : undefined;
    if (ready !== undefined) {
      this.#used.add(ready);
      this.#report();
      return Promise.resolve(ready);
    }
    if (this.#waiters.length >= MAX_WAITING) {
      return Promise.reject(exhausted(this.stats, this.#settings.acquireMs));
    }
    const waiter = new Waiter(this.#room, this.#env.clock.monotonic(), options);
    this.#waiters.push(waiter);
    this.#pump();
    return waiter.promise;
  }

  /**
   * Takes a session back: cleans it, or throws it away when it is broken or old. Does nothing for
   * one whose loss has given its place back already.
   */
  release(session: Session): Promise<void> {
    if (!this.#used.has(session)) return DONE;
    session.isUsed = true;
    const nowMs = this.#env.clock.monotonic();
    if (session.isDirty || !this.#isFit(session, nowMs)) return this.#clean(session);
    this.#keep(session, nowMs);
    return DONE;
  }

  async #clean(session: Session): Promise<void> {
    try {
      if (session.isDirty && this.#isFit(session, this.#env.clock.monotonic())) {
        await resetSession(this.#driver, session, this.#settings.limits, this.#env.clock);
      }
    } catch {
      // Whatever is wrong with it, the next user gets another.
      session.isDirty = true;
    }
    const nowMs = this.#env.clock.monotonic();
    if (!session.isDirty && this.#isFit(session, nowMs)) return this.#keep(session, nowMs);
    this.#used.delete(session);
    await this.#discard(session);
    this.#gone(session);
  }

  /** Whoever holds it may never give it back, such as an iterator that was dropped half read. */
  #lost(session: Session): void {
    if (!this.#idle.remove(session)) return void this.release(session);
    this.#fill();
    this.#report();
  }

  async #discard(session: Session): Promise<void> {
    this.#leaving++;
    await session.connection.close();
    this.#leaving--;
    this.#pump();
    this.#fill();
  }

  #keep(session: Session, nowMs: number): void {
    // Straight to who waits for longest: it needs no asking.
    const isHard = this.#opener.failure !== undefined;
    for (const waiter of isHard ? this.#connecting : []) if (waiter.take(session)) return;
    for (let next = this.#waiters.shift(); next !== undefined; next = this.#waiters.shift()) {
      if (next.take(session)) return this.#report();
    }
    this.#idle.keep(session, nowMs);
    this.#sweepLater();
    this.#gone(session);
  }

  /** Counts a session as not lent any more, and serves who waits for the place. */
  #gone(session: Session): void {
    this.#used.delete(session);
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
    this.#stop.abort(closed());
    this.#sweeper?.cancel();
    for (const waiter of this.#waiters.splice(0)) waiter.refuse(closed());
    await Promise.all(this.#idle.takeAll().map((session) => session.connection.close()));
    if (this.#used.size + this.#opening > 0) {
      const drained = new Promise<void>((resolve) => this.#drained = resolve);
      // What is left is closed either way.
      await withGrace(drained, { clock: this.#env.clock, graceMs, signal });
    }
    this.#cut.abort(closed());
    await Promise.all([...this.#used].map((session) => session.connection.close()));
    this.#used.clear();
    this.#report();
    await this.#driver.close();
  }

  #isFit(session: Session, nowMs: number): boolean {
    return !session.connection.broken && this.#closing === undefined &&
      nowMs - session.openedMs < this.#settings.lifetimeMs;
  }

  /** An idle session that needs no asking. */
  #takeFresh(): Session | undefined {
    const nowMs = this.#env.clock.monotonic();
    return this.#idle.takeFresh(nowMs, (session) => this.#isFit(session, nowMs));
  }

  #pump(): void {
    while (this.#waiters.length > 0) {
      const session = this.#takeFresh();
      if (session !== undefined) {
        if (this.#waiters.shift()!.take(session)) this.#used.add(session);
        else this.#idle.putBack(session);
        continue;
      }
      const stale = this.#idle.take();
      const taken = this.#used.size + this.#opening + this.#leaving;
      if (stale === undefined && taken >= this.#settings.max) break;
      const waiter = this.#waiters.shift()!;
      waiter.connecting();
      this.#connecting.add(waiter);
      void this.#open(waiter, stale).finally(() => this.#connecting.delete(waiter)).then(
        (opened) => {
          if (waiter.take(opened)) this.#pump();
          else void this.release(opened);
        },
        (error) => {
          waiter.refuse(error);
          this.#pump();
        },
      );
    }
    this.#report();
  }

  async #open(waiter?: Waiter, stale?: Session): Promise<Session> {
    this.#opening++;
    try {
      const isAlive = stale !== undefined && this.#isFit(stale, this.#env.clock.monotonic()) &&
        await isAnswering(this.#env.clock, stale);
      if (!isAlive) await stale?.connection.close();
      const session = isAlive ? stale : await this.#opener.open({
        signal: this.#stop.signal,
        cut: this.#cut.signal,
        again: () => {
          if (waiter === undefined || waiter.once || this.#closing !== undefined) return false;
          // Others may have given one back while the server takes no further connection.
          return this.#takeFresh() ?? (waiter.isWaiting || this.#waiters.length > 0);
        },
      });
      if (this.#cut.signal.aborted) {
        await session.connection.close();
        throw closed();
      }
      session.connection.onLost = () => this.#lost(session);
      // In one go with `#opening--`, so that it is never counted twice.
      this.#used.add(session);
      return session;
    } finally {
      this.#opening--;
      if (this.#used.size + this.#opening === 0) this.#drained?.();
    }
  }

  /** Opens what `min` asks for, in the background, as far as the server has room for us. */
  #fill(): void {
    if (this.#closing !== undefined) return;
    const { min, max } = this.#settings;
    const taken = this.#idle.size + this.#used.size + this.#opening;
    for (let i = Math.min(min - taken, max - taken - this.#leaving); i > 0; i--) {
      void this.#open().then((session) => this.release(session), (error) => {
        if (this.#closing !== undefined) return;
        // Tried again before long, also when nobody asks for a session.
        this.#sweeper?.cancel();
        this.#sweeper = undefined;
        this.#sweepLater(Math.min(REFILL_MS, this.#settings.idleMs));
        this.#env.logger.warn("Cannot open a spare database connection", {
          component: "database",
          error,
        });
      });
    }
  }

  #sweepLater(ms = this.#settings.idleMs): void {
    if (this.#sweeper !== undefined || ms === Infinity) return;
    this.#sweeper = this.#env.clock.timer(() => this.#sweep(), ms, { background: true });
  }

  #sweep(): void {
    this.#sweeper = undefined;
    const nowMs = this.#env.clock.monotonic();
    const { idleMs, min } = this.#settings;
    // Oldest first: the pool takes from the end.
    while (this.#idle.size + this.#used.size > min) {
      const session = this.#idle.takeExpired(nowMs, idleMs);
      if (session === undefined) break;
      void this.#discard(session);
    }
    this.#fill();
    if (this.#idle.size > 0) this.#sweepLater();
    this.#report();
  }
}

const DONE: Promise<void> = Promise.resolve();
