import { CqiError, isCqiError } from "../errors/mod.ts";
import { endsSession, type SqlState, sqlState } from "./_sqlstate.ts";

/** What of a driver's error is looked at. Everything else may hold values or a password. */
interface ServerError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly constraint?: unknown;
  readonly schema?: unknown;
  readonly table?: unknown;
  readonly column?: unknown;
  readonly position?: unknown;
  /** Function of the server that said it. */
  readonly routine?: unknown;
  /** False when trying again changes nothing, such as with a wrong certificate. */
  readonly retryable?: unknown;
}

// Codes of the operating system are of five capitals too (EPIPE, EPERM); all of PostgreSQL's have a
// digit.
const STATE_REGEXP = /^(?!E[A-Z]{4}$)[0-9A-Z]{5}$/;
const MAX_TEXT = 200;
const STALE: SqlState = {
  code: "CQI_DATABASE_SERIALIZATION",
  condition: "cached_plan_out_of_date",
};

/** The SQLSTATE of what a driver threw; undefined when it is not the server's answer. */
export function stateOf(error: unknown): string | undefined {
  const code = (error as ServerError | null)?.code;
  return typeof code === "string" && STATE_REGEXP.test(code) ? code : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, MAX_TEXT) : undefined;
}

/**
 * Whether the server's message may be shown. Messages of class 42 speak of the query's own text
 * (names, tokens); others quote values ("invalid input syntax for type integer: ...").
 */
function isSafe(state: string): boolean {
  return state.startsWith("42");
}

/**
 * Turns what a driver threw into ours. The original is dropped on purpose: drivers put parameters,
 * row contents, host names and connection strings into theirs.
 *
 * @param error What the driver rejected with.
 * @param action What was being done, for the message.
 */
export function databaseError(error: unknown, action: string): CqiError {
  const state = stateOf(error);
  if (state === undefined) return lostConnection(error, action);
  const raw = error as ServerError;
  // A prepared statement whose table was changed meanwhile, inside a transaction, which has failed
  // with it: like a serialization failure, it goes well when the transaction is run again.
  const isStale = state === "0A000" && raw.routine === "RevalidateCachedQuery";
  const { code, condition } = isStale ? STALE : sqlState(state);
  const constraint = text(raw.constraint);
  const table = text(raw.table);
  const column = text(raw.column);
  const message = isSafe(state) ? text(raw.message) : undefined;
  const where = [
    constraint === undefined ? "" : `constraint '${constraint}'`,
    table === undefined ? "" : `table '${table}'`,
    column === undefined ? "" : `column '${column}'`,
  ].filter((part) => part !== "").join(", ");
  return new CqiError(
    code,
    `Cannot ${action}: ${condition} (SQLSTATE ${state})${where === "" ? "" : `, ${where}`}${
      message === undefined ? "" : `: ${message}`
    }`,
    {
      details: {
        sqlstate: state,
        condition,
        ...(constraint === undefined ? {} : { constraint }),
        ...(text(raw.schema) === undefined ? {} : { schema: text(raw.schema) }),
        ...(table === undefined ? {} : { table }),
        ...(column === undefined ? {} : { column }),
        ...(text(raw.position) === undefined ? {} : { position: Number(raw.position) }),
      },
      // A wrong password or database name does not mend itself.
      ...(/^(28|3D)/.test(state) ? { retryable: false } : {}),
    },
  );
}

/** The connection failed; a statement that was under way is known not to count. */
export function lostConnection(error: unknown, action: string): CqiError {
  const { code, retryable } = (error ?? {}) as ServerError;
  const known = typeof code === "string" && /^[A-Z][A-Z0-9_]{2,40}$/.test(code) ? code : undefined;
  return new CqiError(
    "CQI_DATABASE_UNAVAILABLE",
    `Cannot ${action}: the connection to the database failed${
      known === undefined ? "" : ` (${known})`
    }`,
    {
      details: known === undefined ? {} : { driver_code: known },
      ...(retryable === false ? { retryable } : {}),
    },
  );
}

/** A write that a standby refused: another connection may find the primary. */
export function standbyRefused(error: CqiError): CqiError {
  return new CqiError(error.code, error.message, { retryable: true, details: error.details });
}

/** Something was sent that changes data, and no answer came. */
export function unknownOutcome(action: string): CqiError {
  return new CqiError(
    "CQI_DATABASE_OUTCOME_UNKNOWN",
    `Cannot tell whether the database did it: the answer to ${action} was lost, read before you ` +
      "try again",
  );
}

/** Whether a driver's error leaves open what the server did. */
export function isLost(error: unknown): boolean {
  const state = stateOf(error);
  return state === undefined || endsSession(state);
}

/**
 * Whether a session failed without a word, as one does whose server went while it was idle: then
 * what was asked, if it may be asked twice, is asked of another.
 */
export function isStaleSession(
  session: { readonly connection: { readonly broken: boolean } },
  error: unknown,
): boolean {
  return session.connection.broken && isCqiError(error, "CQI_DATABASE_UNAVAILABLE") &&
    error.details["sqlstate"] === undefined;
}
