import type { Checkable, DriverTable, Instruments, WaitOptions } from "../core/mod.ts";
import type { PoolStats } from "./_pool_stats.ts";
import type { CopyRecords } from "./_copy_source.ts";
import type { Listener, ListenOptions, NotificationHandler } from "./listen.ts";
import type { SqlTag } from "./query.ts";
import type { QueryOptions } from "./query_options.ts";
import type { AmbientMode, Transaction, TransactionOptions } from "./transaction.ts";
import type { DatabaseDriverModule, DatabaseFeatures } from "./types.ts";

/** A database: queries, transactions, health. Safe to use from any number of calls at a time. */
export interface Database extends Checkable, AsyncDisposable {
  /** Name of the driver. */
  readonly driver: string;
  /** What the driver can do. */
  readonly features: DatabaseFeatures;
  /** The pool now. */
  readonly pool: PoolStats;
  /**
   * Runs a query on a connection of the pool. Inside one of this database's transactions it throws
   * `CQI_DATABASE_OUTSIDE_TRANSACTION` (or joins, see {@linkcode AmbientMode}).
   */
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
  /**
   * Listens to the notifications of a channel (LISTEN), over one connection that all listeners of
   * the database share, besides those of the pool. When it is lost, it is opened again, for as long
   * as somebody listens, and `onGap` is called.
   *
   * Rejects with `CQI_FEATURE_UNSUPPORTED` when the driver cannot (`features.listen`), and when the
   * server cannot be reached within `connect_timeout`. To notify, `select pg_notify($1, $2)`.
   *
   * @param channel Name of the channel, taken as it is; 63 bytes at most.
   * @param handler Called with each payload, one after the other.
   * @param options What to do about gaps; the signal ends the wait for the start, not the listening.
   */
  readonly listen: (
    channel: string,
    handler: NotificationHandler,
    options?: ListenOptions,
  ) => Promise<Listener>;
  /**
   * Runs a function in a transaction: commits when it returns, rolls back when it throws.
   *
   * Throws what the function throws; `CQI_DATABASE_SERIALIZATION` (or `CQI_RETRY_EXHAUSTED` after
   * several attempts) when others were faster; `CQI_DATABASE_OUTCOME_UNKNOWN` when the answer to
   * the commit was lost. When the signal aborts, it rolls back and throws the reason at once; a
   * commit that was sent is waited for.
   *
   * @param fn The work; use its handle for every query.
   * @param options Isolation, access, attempts, signal.
   */
  readonly transaction: <T>(
    fn: (tx: Transaction) => T | Promise<T>,
    options?: TransactionOptions,
  ) => Promise<T>;
  /**
   * Whether a query can be run. A pool whose connections are all in use is degraded, not down.
   *
   * @param options Ends the check.
   */
  readonly check: Checkable["check"];
  /**
   * Refuses new work, waits up to ten seconds for what runs, and closes all connections. Closing
   * twice does nothing.
   *
   * @param options Ends the waiting, not the closing.
   */
  readonly close: (options?: WaitOptions) => Promise<void>;
}

/** What `open` takes besides the configuration. */
export interface OpenOptions extends Partial<Instruments> {
  /** Drivers by name. */
  readonly drivers?: DriverTable<DatabaseDriverModule>;
  /** What queries on the database do inside one of its transactions. @default {"error"} */
  readonly ambient?: AmbientMode;
}
