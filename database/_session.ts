import { type Clock, withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { DatabaseDriver, DriverConnection, DriverQueryOptions } from "./types.ts";

/** Time limits that the server keeps for each session, in milliseconds; `Infinity` is none. */
export interface SessionLimits {
  readonly statementMs: number;
  readonly lockMs: number;
  readonly idleInTransactionMs: number;
  readonly applicationName: string | undefined;
}

/** A connection with what is known of its session. */
export interface Session {
  readonly connection: DriverConnection;
  /** Monotonic milliseconds at which it was opened. */
  readonly openedMs: number;
  /** Monotonic milliseconds at which it was last given back. */
  idleSinceMs: number;
  /** It has served somebody before: its server may have gone since. */
  isUsed: boolean;
  /** The server may have seen the statement that was last asked for. */
  isTold: boolean;
  /** The session may hold what its next user must not see. */
  isDirty: boolean;
  /** The server's `statement_timeout` now. */
  statementMs: number;
  /** Aborts what runs now; one serves many statements, another follows when it has. */
  controller: AbortController;
}

// The server's timeout is the second line: ours cancels first and says what it was.
const SERVER_GRACE_MS = 1000;

function timeoutText(ms: number): string {
  return ms === Infinity ? "0" : String(Math.ceil(ms + SERVER_GRACE_MS));
}

// What the server may take to raise its timeout, which costs it nothing.
const SETTING_MS = 5000;
// What a session that is cleaned may take before it is thrown away.
const RESET_MS = 5000;

/** Sends the session's settings, in one statement and with bound values. */
export async function applySettings(
  driver: DatabaseDriver,
  session: Session,
  limits: SessionLimits,
  options: DriverQueryOptions,
): Promise<void> {
  if (driver.settings === undefined) return;
  const settings: Record<string, string> = {
    DateStyle: "ISO, YMD",
    bytea_output: "hex",
    statement_timeout: timeoutText(limits.statementMs),
    lock_timeout: limits.lockMs === Infinity ? "0" : String(Math.ceil(limits.lockMs)),
    idle_in_transaction_session_timeout: limits.idleInTransactionMs === Infinity
      ? "0"
      : String(Math.ceil(limits.idleInTransactionMs)),
    ...(limits.applicationName === undefined ? {} : { application_name: limits.applicationName }),
    ...driver.settings,
  };
  const names = Object.keys(settings);
  const calls = names.map((_, i) => `set_config($${2 * i + 1}, $${2 * i + 2}, false)`);
  const params = names.flatMap((name) => [name, settings[name]!]);
  await session.connection.query(`select ${calls.join(", ")}`, params, options);
  session.statementMs = limits.statementMs;
}

/** Whether the server's timeout would cut a statement that may take so long. */
export function needsTime(driver: DatabaseDriver, session: Session, timeoutMs: number): boolean {
  return timeoutMs > session.statementMs && driver.settings !== undefined;
}

/**
 * Raises the server's timeout for a statement that may take longer. Throws `CQI_DATABASE_TIMEOUT`
 * when the server does not answer.
 *
 * @param session Whose timeout.
 * @param timeoutMs Milliseconds that the statement may take.
 * @param options The clock, and the statement's own signal.
 */
export async function allowTime(
  session: Session,
  timeoutMs: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal | undefined },
): Promise<void> {
  session.isDirty = true;
  session.statementMs = timeoutMs;
  const late = new AbortController();
  const timer = clock.timer(() => late.abort(), SETTING_MS);
  try {
    await session.connection.query(
      "select set_config('statement_timeout', $1, false)",
      [timeoutText(timeoutMs)],
      {
        timeoutMs: SETTING_MS,
        signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
      },
    );
  } catch (error) {
    if (!late.signal.aborted) throw error;
    throw new CqiError(
      "CQI_DATABASE_TIMEOUT",
      `Cannot raise statement_timeout: the database did not answer within ${SETTING_MS} ms`,
    );
  } finally {
    timer.cancel();
  }
}

/** Clears what a session holds (DISCARD ALL) and gives it its settings again. */
export async function resetSession(
  driver: DatabaseDriver,
  session: Session,
  limits: SessionLimits,
  clock: Clock,
): Promise<void> {
  if (driver.settings !== undefined) {
    await withDeadline(clock, RESET_MS, async (signal) => {
      const options = { signal, timeoutMs: RESET_MS };
      await session.connection.query("discard all", [], options);
      await applySettings(driver, session, limits, options);
    });
  }
  session.isDirty = false;
}
