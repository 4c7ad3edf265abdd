import { keywordOf } from "./_session.ts";

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
export function operationOf(text: string): string {
  const keyword = keywordOf(text);
  return OPERATIONS.has(keyword) ? keyword : "other";
}

/**
 * Whether a statement may be run again when its answer was lost. A select that calls a function
 * which writes is the exception that its caller has to name.
 */
export function isReading(text: string): boolean {
  return /^(?:select|show|values|table|explain)$/.test(keywordOf(text));
}

const MAX_TEXT = 2000;

/** The text for spans and logs: bounded, in one line; values are never in it, only `$1`. */
export function loggedText(text: string): string {
  const line = text.slice(0, MAX_TEXT * 2).replace(/\s+/g, " ").trim();
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}...` : line;
}
