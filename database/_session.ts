import type { DatabaseDriver, DriverConnection, DriverQueryOptions } from "./types.ts";

// Statements that leave nothing behind in a session once their transaction is over.
const TIDY = new Set([
  "select",
  "insert",
  "update",
  "delete",
  "merge",
  "values",
  "table",
  "with",
  "fetch",
  "begin",
  "start",
  "commit",
  "rollback",
  "savepoint",
  "release",
  "explain",
  "show",
]);
// Functions that do: they can hide in a select.
const UNTIDY_REGEXP =
  /set_config|pg_(?:try_)?advisory_lock|into\s+(?:local\s+)?temp|dblink|lastval/i;

/** Where a comment that starts at `at` ends; comments nest (Lexical Structure, 4.1.5). */
function afterComment(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const pair = text.slice(i, i + 2);
    if (pair === "/*") depth++;
    else if (pair === "*/") depth--;
    else continue;
    i++;
    if (depth === 0) return i + 1;
  }
  return text.length;
}

/** First keyword of a statement, lower case, comments and brackets passed over; may be empty. */
export function keywordOf(text: string): string {
  let at = 0;
  while (at < text.length) {
    if (/[\s(]/.test(text[at]!)) at++;
    else if (text.startsWith("--", at)) {
      const end = text.indexOf("\n", at);
      if (end < 0) return "";
      at = end;
    } else if (text.startsWith("/*", at)) at = afterComment(text, at);
    else break;
  }
  return /^[a-z]+/i.exec(text.slice(at, at + 40))?.[0].toLowerCase() ?? "";
}

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
  /** The session may hold what its next user must not see. */
  isDirty: boolean;
  /** The server's `statement_timeout` now. */
  statementMs: number;
}

// The server's timeout is the second line: ours cancels first and says what it was.
const SERVER_GRACE_MS = 1000;

function timeoutText(ms: number): string {
  return ms === Infinity ? "0" : String(Math.ceil(ms + SERVER_GRACE_MS));
}

const NEVER: DriverQueryOptions = { timeoutMs: Infinity };

/** Marks a session that a statement may have changed beyond its transaction. */
export function noteStatement(session: Session, text: string): void {
  if (!TIDY.has(keywordOf(text)) || UNTIDY_REGEXP.test(text)) session.isDirty = true;
}

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

/** Makes sure that the server's timeout does not cut a statement that may take longer. */
export async function allowTime(
  driver: DatabaseDriver,
  session: Session,
  timeoutMs: number,
): Promise<void> {
  if (driver.settings === undefined || timeoutMs <= session.statementMs) return;
  session.isDirty = true;
  session.statementMs = timeoutMs;
  await session.connection.query("select set_config('statement_timeout', $1, false)", [
    timeoutText(timeoutMs),
  ], NEVER);
}

/** Clears what a session holds (DISCARD ALL) and gives it its settings again. */
export async function resetSession(
  driver: DatabaseDriver,
  session: Session,
  limits: SessionLimits,
  options: DriverQueryOptions,
): Promise<void> {
  if (driver.settings === undefined) {
    session.isDirty = false;
    return;
  }
  await session.connection.query("discard all", [], options);
  await applySettings(driver, session, limits, options);
  session.isDirty = false;
}
