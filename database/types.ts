import type { Instruments, WaitOptions } from "../core/mod.ts";
import type { DatabaseConfig } from "../gen/ts/cqc/config/v1/mod.ts";

/** What a driver can do. The contract suite skips by these names and prints what it skipped. */
export interface DatabaseFeatures {
  /** A running statement ends on the server when its signal aborts. */
  readonly cancel: boolean;
  /** More than one connection at a time. */
  readonly parallel: boolean;
  /** `declare`, `fetch` and `close` of cursors inside a transaction. */
  readonly cursors: boolean;
  /** `pg_advisory_xact_lock`. */
  readonly advisoryLocks: boolean;
  /** The connection has {@linkcode DriverConnection.listen}. */
  readonly listen: boolean;
  /** The connection has {@linkcode DriverConnection.copyIn}. */
  readonly copy: boolean;
}

/** A column of a result. */
export interface DriverColumn {
  /** Name as the server gives it. */
  readonly name: string;
  /** Object id of its type in `pg_type`; 25 (text) when the driver does not know. */
  readonly type: number;
}

/** What the server answered, in PostgreSQL's text format (protocol 3, "Formats and Format Codes"). */
export interface DriverResult {
  /** First word of the command tag, upper case, such as `SELECT` or `ROLLBACK`; may be empty. */
  readonly command: string;
  /** Rows read or changed, as the command tag counts them; 0 when it counts none. */
  readonly count: number;
  /** Columns; empty when the statement gives no rows. */
  readonly columns: readonly DriverColumn[];
  /** Rows, a text or null for each column. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/** How a statement is run. */
export interface DriverQueryOptions extends WaitOptions {
  /**
   * Milliseconds until `signal` will abort, `Infinity` for never. For drivers that cannot cancel:
   * one that finds the time gone when the statement is done undoes it and rejects with 57014.
   */
  readonly timeoutMs: number;
}

/**
 * One connection: one server session. The facade never runs two statements on it at a time.
 *
 * A method rejects with an error whose `code` is the SQLSTATE when the server refused (57014 when it
 * called the statement off); with the signal's reason when nothing was sent; with any other error
 * when the connection failed and nobody knows what the server did, and then `broken` is true. It
 * settles soon after its signal aborts, whatever the server does: if the statement cannot be called
 * off, the connection is destroyed. Closing makes `broken` true.
 */
export interface DriverConnection {
  /** True once the connection must not be used again. */
  readonly broken: boolean;
  /**
   * Set by the pool. To be called when the server has ended the session, or the connection is lost,
   * whether or not a statement runs: who holds it may never ask again, and its place in the pool
   * would be gone for good. `broken` is true by then; calling it twice does nothing.
   */
  onLost?: (() => void) | undefined;
  /**
   * Runs one statement.
   *
   * @param text SQL with `$1`, `$2` and so on; never a value.
   * @param params Texts in PostgreSQL's input syntax, or null; types are the server's to infer.
   * @param options Time limit and signal.
   */
  query(
    text: string,
    params: readonly (string | null)[],
    options: DriverQueryOptions,
  ): Promise<DriverResult>;
  /**
   * Runs a text of any number of statements, without parameters. For migrations only.
   *
   * @param text SQL.
   * @param options Time limit and signal.
   */
  script(text: string, options: DriverQueryOptions): Promise<void>;
  /**
   * Starts to listen; needed when `features.listen` says so. The connection then serves listening
   * alone, to any number of channels; a `select 1` now and then asks whether it is alive.
   *
   * @param channel Name of the channel, unquoted.
   * @param onMessage Called with each payload.
   * @param onLost Called once when the connection is lost, though not by `close`: messages may have
   * been missed.
   */
  listen?(
    channel: string,
    onMessage: (payload: string) => void,
    onLost: () => void,
  ): Promise<void>;
  /**
   * Runs `copy ... from stdin` in text format; needed when `features.copy` says so.
   *
   * @param text The COPY statement.
   * @param lines Whole lines in COPY's text format, each with its line feed, any number at a time.
   * When they throw, the server is told to undo the copy, and this rejects.
   * @param options Time limit and signal.
   * @returns Rows copied.
   */
  copyIn?(
    text: string,
    lines: AsyncIterable<string>,
    options: DriverQueryOptions,
  ): Promise<number>;
  /** Ends the session. Never rejects; closing twice does nothing. */
  close(): Promise<void>;
}

/** What reaches one kind of database. Thin: the pool, timeouts, types and errors are the facade's. */
export interface DatabaseDriver {
  /** Name, for messages. */
  readonly name: string;
  /** What it can do. */
  readonly features: DatabaseFeatures;
  /** Most connections it can have whatever the configuration says; absent: no bound of its own. */
  readonly maxConnections?: number;
  /**
   * Settings of each session besides the facade's timeouts, such as `search_path`. Absent: the
   * sessions have no settings, and none are sent.
   */
  readonly settings?: Readonly<Record<string, string>>;
  /** Name of the database, for spans. */
  readonly namespace?: string;
  /**
   * Opens a connection. Rejects with any error when it cannot; the facade says it safely.
   *
   * @param options Ends the attempt.
   */
  connect(options: WaitOptions): Promise<DriverConnection>;
  /** Ends what is left after all connections are closed. Closing twice does nothing. */
  close(): Promise<void>;
}

/** A driver module: what a table of drivers loads. */
export interface DatabaseDriverModule {
  /**
   * Makes the driver. Connects to no server; that is `connect`'s part.
   *
   * @param config The whole section, checked.
   * @param env Logger, metrics, tracer, clock and randomness.
   */
  createDriver(config: DatabaseConfig, env: Instruments): DatabaseDriver | Promise<DatabaseDriver>;
}
