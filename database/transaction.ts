import type { DurationInput, WaitOptions } from "../core/mod.ts";
import type { CopyRecords } from "./_copy_source.ts";
import type { SqlTag } from "./query.ts";
import type { QueryOptions } from "./query_options.ts";

/** Isolation of a transaction (PostgreSQL, Transaction Isolation, 13.2). */
export type Isolation = "read committed" | "repeatable read" | "serializable";

/** How a transaction is tried again after a serialization failure or a deadlock. */
export interface TransactionRetry {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** Delay before the second attempt; grows, and is spread at random. @default {"10ms"} */
  readonly initialDelay?: DurationInput;
  /** Longest delay. @default {"1s"} */
  readonly maxDelay?: DurationInput;
}

/**
 * What a query on the database itself does inside one of its transactions: `error` throws
 * `CQI_DATABASE_OUTSIDE_TRANSACTION`, `join` runs it inside the transaction. What was started inside
 * and goes on after its end gets `CQI_DATABASE_TRANSACTION_CLOSED` either way; what has to outlive
 * it is started by an `afterCommit` hook.
 */
export type AmbientMode = "error" | "join";

/** How a transaction is run. */
export interface TransactionOptions extends WaitOptions {
  /** What it sees of others. @default {the server's, which is "read committed"} */
  readonly isolation?: Isolation;
  /** Writes are refused with `CQI_DATABASE_READ_ONLY`. @default {false} */
  readonly readOnly?: boolean;
  /** With serializable and read only: waits for a moment when it cannot fail. @default {false} */
  readonly deferrable?: boolean;
  /**
   * Tries again after 40001 and 40P01: attempts in all, or more detail. The function runs once an
   * attempt, so it must be fit for that. @default {1}
   */
  readonly retry?: number | TransactionRetry;
  /** What queries on the database itself do meanwhile. @default {that of open, which is "error"} */
  readonly ambient?: AmbientMode;
}

/** Called after a transaction. What it throws is logged. */
export type TransactionHook = () => void | Promise<void>;

/**
 * A transaction, or a savepoint in one. Usable until its function ends; then, everything throws
 * `CQI_DATABASE_TRANSACTION_CLOSED`.
 *
 * It has no hidden parts: spread it to add methods (`{ ...tx, publish }`).
 */
export interface Transaction {
  /** Runs queries in the transaction, one after the other. */
  readonly sql: SqlTag;
  /**
   * Inserts many rows: by COPY where the driver has it, else by inserts of up to 1,000 rows each.
   * All of them or none. Faster than single inserts by a factor of ten and more; memory stays flat
   * when the rows come from a generator.
   *
   * @param table Name of the table, or its parts, such as `["app", "fills"]`.
   * @param records The rows, all with the columns of the first; see `messageRecord`.
   * @param options Signal, time limit, name.
   * @returns How many rows.
   */
  readonly copyIn: (
    table: string | readonly string[],
    records: CopyRecords,
    options?: QueryOptions,
  ) => Promise<number>;
  /** Which attempt this is, 1 for the first. */
  readonly attempt: number;
  /** Aborts with the caller's signal. */
  readonly signal: AbortSignal;
  /**
   * Runs a function in a savepoint: when it throws, what it did is undone, and the transaction goes
   * on if the error is caught. Until it ends, the outer handle throws
   * `CQI_DATABASE_OUTSIDE_TRANSACTION`.
   *
   * Await it: what it is part of is undone whole (`CQI_DATABASE_TRANSACTION_CLOSED`) when its own
   * function ends before the savepoint has.
   *
   * @param fn Gets the savepoint's own handle.
   */
  readonly savepoint: <T>(fn: (savepoint: Transaction) => T | Promise<T>) => Promise<T>;
  /**
   * Calls a function once after the commit, when the connection is free again; never after a
   * rollback, nor when the outcome is unknown. Hooks run in order and are waited for.
   *
   * @param hook Invalidates a cache, wakes a relay.
   */
  readonly afterCommit: (hook: TransactionHook) => void;
  /**
   * Calls a function once after the rollback of the transaction, or at the transaction's end when
   * the savepoint it was given in was rolled back.
   *
   * @param hook Undoes what the database cannot.
   */
  readonly afterRollback: (hook: TransactionHook) => void;
}
