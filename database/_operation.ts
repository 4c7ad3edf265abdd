// A fixed list, since the name becomes a metric's label.
const OPERATIONS = new Set([
  "select",
  "insert",
  "update",
  "delete",
  "merge",
  "with",
  "values",
  "begin",
  "commit",
  "rollback",
  "savepoint",
  "release",
  "declare",
  "fetch",
  "close",
  "create",
  "alter",
  "drop",
  "truncate",
  "copy",
  "set",
  "show",
  "call",
  "do",
  "lock",
  "explain",
]);

/** The operation of a statement, of low variety: its first keyword, or `other`. */
export function operationOf(keyword: string): string {
  return OPERATIONS.has(keyword) ? keyword : "other";
}

/**
 * Whether a statement may be run again when its answer was lost. A select that calls a function
 * which writes is the exception that its caller has to name.
 */
export function isReading(keyword: string): boolean {
  return /^(?:select|show|values|table|explain)$/.test(keyword);
}

/** Keywords that change the state of the protocol. */
export const CONTROL: ReadonlySet<string> = new Set([
  "begin",
  "start",
  "commit",
  "end",
  "rollback",
  "abort",
  "savepoint",
  "release",
  "prepare",
]);

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
  "show",
]);
// What does all the same: functions can hide in a select, and so can a temporary table; pg_settings can
// be updated. A function
// of the caller's own that does so cannot be seen from here: docs/drivers/postgres.md says that.
const UNTIDY_REGEXP =
  /pg_settings|set_config|setseed|pg_temp|pg_(?:try_)?advisory_lock|into\s+(?:local\s+)?temp|dblink|lastval/i;

/** Whether a statement leaves nothing behind in its session. */
export function isTidy(keyword: string, text: string): boolean {
  return TIDY.has(keyword) && !UNTIDY_REGEXP.test(text);
}

const MAX_TEXT = 2000;

/** The text for spans and logs: bounded, in one line; values are never in it, only `$1`. */
export function loggedText(text: string): string {
  const line = text.slice(0, MAX_TEXT * 2).replace(/\s+/g, " ").trim();
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}...` : line;
}
