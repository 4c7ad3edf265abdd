import { CqiError } from "../errors/mod.ts";
import type { Statement } from "./_texts.ts";

/** Refuses statements that would change the state of the protocol behind the library's back. */
export function refuseControl(statement: Statement): void {
  const { keyword, isControl } = statement.info;
  if (keyword === "copy" && /\b(?:stdin|stdout)\b/i.test(statement.text)) {
    // The other half of the protocol would wait for data that a query cannot carry.
    throw new CqiError(
      "CQI_FEATURE_UNSUPPORTED",
      "Cannot run 'copy' from or to the client as a query: use copyIn(...)",
    );
  }
  if (!isControl) return;
  throw new CqiError(
    "CQI_DATABASE_QUERY",
    `Cannot run '${keyword}' as a query: use db.transaction(...) and tx.savepoint(...)`,
  );
}

/** The error of a transaction that PostgreSQL rolled back where it was asked to commit. */
export function failedEarlier(failure: unknown, what: string): CqiError {
  if (failure === undefined) {
    return new CqiError("CQI_DATABASE_QUERY", `Cannot ${what}: PostgreSQL rolled it back`);
  }
  const known = CqiError.from(failure, "CQI_DATABASE_QUERY");
  // No query has failed: a savepoint was left open, and the error says so.
  if (known.code === "CQI_DATABASE_TRANSACTION_CLOSED") return known;
  return new CqiError(
    known.code,
    `Cannot ${what}: a query in it failed and PostgreSQL undid it all; to go on after an error, ` +
      `catch it outside a savepoint (${known.message})`,
    { cause: known, retryable: known.retryable, details: known.details },
  );
}

/** The transaction, or the savepoint, whose handle or context is used has ended. */
export function transactionClosed(): CqiError {
  return new CqiError(
    "CQI_DATABASE_TRANSACTION_CLOSED",
    "Cannot use the database in a transaction whose function has ended: await everything inside " +
      "it, and start what outlives it in an afterCommit hook",
  );
}

/** The function of a transaction, or of a savepoint, has ended before a savepoint in it. */
export function savepointOpen(): CqiError {
  return new CqiError(
    "CQI_DATABASE_TRANSACTION_CLOSED",
    "Cannot commit: a savepoint is still open where the function around it has ended, and all of " +
      "it is rolled back; await every savepoint",
  );
}
