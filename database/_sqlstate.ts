import type { CqiErrorCode } from "../errors/mod.ts";

/** What a SQLSTATE means for the caller. */
export interface SqlState {
  /** Our code. */
  readonly code: CqiErrorCode;
  /** PostgreSQL's name of the condition, or of its class. */
  readonly condition: string;
}

const row = (code: CqiErrorCode, condition: string): SqlState => ({ code, condition });

// PostgreSQL Error Codes, appendix A. Five characters name a condition, two the class of those that
// are not listed by themselves.
const STATES: Readonly<Record<string, SqlState>> = {
  "08": row("CQI_DATABASE_UNAVAILABLE", "connection_exception"),
  "0A": row("CQI_DATABASE_QUERY", "feature_not_supported"),
  "21": row("CQI_DATABASE_QUERY", "cardinality_violation"),
  "22": row("CQI_DATABASE_QUERY", "data_exception"),
  "22003": row("CQI_DATABASE_QUERY", "numeric_value_out_of_range"),
  "22012": row("CQI_DATABASE_QUERY", "division_by_zero"),
  "22P02": row("CQI_DATABASE_QUERY", "invalid_text_representation"),
  "23": row("CQI_DATABASE_CONSTRAINT", "integrity_constraint_violation"),
  "23502": row("CQI_DATABASE_CONSTRAINT", "not_null_violation"),
  "23503": row("CQI_DATABASE_CONSTRAINT", "foreign_key_violation"),
  "23505": row("CQI_DATABASE_CONSTRAINT", "unique_violation"),
  "23514": row("CQI_DATABASE_CONSTRAINT", "check_violation"),
  "23P01": row("CQI_DATABASE_CONSTRAINT", "exclusion_violation"),
  "25": row("CQI_DATABASE_QUERY", "invalid_transaction_state"),
  "25006": row("CQI_DATABASE_READ_ONLY", "read_only_sql_transaction"),
  "25P02": row("CQI_DATABASE_QUERY", "in_failed_sql_transaction"),
  "25P03": row("CQI_DATABASE_TIMEOUT", "idle_in_transaction_session_timeout"),
  "25P04": row("CQI_DATABASE_TIMEOUT", "transaction_timeout"),
  "28": row("CQI_DATABASE_UNAVAILABLE", "invalid_authorization_specification"),
  "28P01": row("CQI_DATABASE_UNAVAILABLE", "invalid_password"),
  "3D000": row("CQI_DATABASE_UNAVAILABLE", "invalid_catalog_name"),
  "40001": row("CQI_DATABASE_SERIALIZATION", "serialization_failure"),
  "40002": row("CQI_DATABASE_CONSTRAINT", "transaction_integrity_constraint_violation"),
  "40003": row("CQI_DATABASE_OUTCOME_UNKNOWN", "statement_completion_unknown"),
  "40P01": row("CQI_DATABASE_SERIALIZATION", "deadlock_detected"),
  "42": row("CQI_DATABASE_QUERY", "syntax_error_or_access_rule_violation"),
  "42501": row("CQI_DATABASE_QUERY", "insufficient_privilege"),
  "42601": row("CQI_DATABASE_QUERY", "syntax_error"),
  "42703": row("CQI_DATABASE_QUERY", "undefined_column"),
  "42P01": row("CQI_DATABASE_QUERY", "undefined_table"),
  "53": row("CQI_DATABASE_UNAVAILABLE", "insufficient_resources"),
  "53300": row("CQI_DATABASE_UNAVAILABLE", "too_many_connections"),
  "54": row("CQI_DATABASE_QUERY", "program_limit_exceeded"),
  "55": row("CQI_DATABASE_QUERY", "object_not_in_prerequisite_state"),
  "55P03": row("CQI_DATABASE_TIMEOUT", "lock_not_available"),
  "57": row("CQI_DATABASE_UNAVAILABLE", "operator_intervention"),
  "57014": row("CQI_DATABASE_TIMEOUT", "query_canceled"),
  "57P01": row("CQI_DATABASE_UNAVAILABLE", "admin_shutdown"),
  "57P02": row("CQI_DATABASE_UNAVAILABLE", "crash_shutdown"),
  "57P03": row("CQI_DATABASE_UNAVAILABLE", "cannot_connect_now"),
  "58": row("CQI_DATABASE_UNAVAILABLE", "system_error"),
  "P0001": row("CQI_DATABASE_QUERY", "raise_exception"),
  "XX": row("CQI_DATABASE_QUERY", "internal_error"),
};

const OTHER = row("CQI_DATABASE_QUERY", "unknown_condition");

/** What a SQLSTATE means: by itself, else by its class. */
export function sqlState(state: string): SqlState {
  const key = Object.hasOwn(STATES, state) ? state : state.slice(0, 2);
  return Object.hasOwn(STATES, key) ? STATES[key]! : OTHER;
}

/**
 * Whether the session is over with this error, so that an answer to a COMMIT that carries it says
 * nothing of the commit: class 08, and the server's own end (57P01, 57P02, 57P03).
 */
export function endsSession(state: string): boolean {
  return state.startsWith("08") || /^57P0[123]$/.test(state) || state === "25P03";
}
