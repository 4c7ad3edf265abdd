import { type Clock, type Instruments, sleep, withDeadline } from "../core/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";
import { type Delays, delays } from "../retry/mod.ts";
import { databaseError } from "./_errors.ts";
import { applySettings, type Session, type SessionLimits } from "./_session.ts";
import type { DatabaseDriver, DriverConnection } from "./types.ts";

/** How sessions are opened. */
export interface OpenerSettings {
  /** Milliseconds that opening may take, attempts and the waits between them included. */
  readonly connectMs: number;
  readonly limits: SessionLimits;
}

/** What one call to open is told. */
export interface OpenOnce {
  /** Ends the wait between attempts, with its reason. */
  readonly signal: AbortSignal;
  /** Ends an attempt too: from here on nobody takes a session. */
  readonly cut: AbortSignal;
  /** Asked before each further attempt: false gives up, a session is taken instead. */
  readonly again: () => boolean | Session;
}

// Short, so that work goes on soon after a server is back; spread, so that not all come at once.
const BACKOFF = { initialMs: 50, maxMs: 500, jitter: "equal" } as const;

/** Opens sessions: connects, tries again while the server is not there, sends the settings. */
export class Opener {
  readonly #driver: DatabaseDriver;
  readonly #settings: OpenerSettings;
  readonly #clock: Clock;
  readonly #delays: Delays;
  #failure: CqiError | undefined;

  constructor(driver: DatabaseDriver, settings: OpenerSettings, env: Instruments) {
    this.#driver = driver;
    this.#settings = settings;
    this.#clock = env.clock;
    this.#delays = delays(BACKOFF, env.random);
  }

  /** Why the last attempt failed; undefined when it did not. */
  get failure(): CqiError | undefined {
    return this.#failure;
  }

  /**
   * Opens a session within `connectMs`. Rejects with the last reason why not; at once when trying
   * again would change nothing.
   */
  async open({ signal, cut, again }: OpenOnce): Promise<Session> {
    const { connectMs } = this.#settings;
    let last: CqiError | undefined;
    const tooLate = (): CqiError =>
      this.#failure = last ?? new CqiError(
        "CQI_DATABASE_UNAVAILABLE",
        `Cannot connect to the database: no answer within ${connectMs} ms`,
      );
    let work: Promise<Session> | undefined;
    const attempts = async (limit: AbortSignal): Promise<Session> => {
      for (let attempt = 1;; attempt++) {
        try {
          const session = await this.#connect(limit);
          this.#failure = undefined;
          return session;
        } catch (error) {
          limit.throwIfAborted();
          if (!isCqiError(error)) throw error;
          this.#failure = last = error;
          if (!error.retryable) throw error;
        }
        const now = again();
        if (now === false) throw last;
        if (now !== true) return now;
        await sleep(this.#clock, this.#delays(attempt), {
          signal: AbortSignal.any([limit, signal]),
        });
        const later = again();
        if (later === false) throw last;
        if (later !== true) return later;
      }
    };
    try {
      return await withDeadline(this.#clock, connectMs, (limit) => work = attempts(limit), {
        signal: cut,
        error: tooLate,
      });
    } catch (error) {
      // One that comes in the very moment in which it is given up is nobody's.
      work?.then((session) => session.connection.close(), () => {
        // The error that is thrown here, or that of what was given up.
      });
      throw error;
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
        isUsed: false,
        isTold: false,
        isDirty: false,
        statementMs: this.#settings.limits.statementMs,
        controller: new AbortController(),
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
}

const PROBE_MS = 1000;

/** Whether a session that was idle for long still answers. */
export async function isAnswering(clock: Clock, session: Session): Promise<boolean> {
  try {
    const limits = { timeoutMs: PROBE_MS };
    await withDeadline(
      clock,
      PROBE_MS,
      (signal) => session.connection.query("select 1", [], { ...limits, signal }),
    );
    return !session.connection.broken;
  } catch {
    // Whatever the reason: another one is opened in its place.
    return false;
  }
}
