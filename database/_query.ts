import type { Clock } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { requireInteger } from "../internal/options.ts";
import { type Fragment, fromTemplate } from "./_fragment.ts";
import { type RowReader, schemaReader } from "./_rows.ts";
import type { Statement, Texts } from "./_texts.ts";
import { messageReader } from "./message_rows.ts";
import type { Query, SqlTag, StreamOptions } from "./query.ts";
import type { QueryOptions } from "./query_options.ts";
import type { DriverResult } from "./types.ts";

/** Time limits of queries that give none of their own. */
export interface QueryTimes {
  readonly clock: Clock;
  /** `query_timeout` in milliseconds; `Infinity` is none. */
  readonly queryMs: number;
}

/** Where queries run: on the pool, or inside a transaction. */
export interface Executor {
  /** Time limits there. */
  readonly times: QueryTimes;
  /** What compiles texts for it. */
  readonly texts: Texts;
  /** Runs one statement. */
  run(statement: Statement, options: QueryOptions): Promise<DriverResult>;
  /** Runs one statement and gives its rows in batches. */
  batches(
    statement: Statement,
    options: QueryOptions,
    batchSize: number,
  ): AsyncIterable<DriverResult>;
  /** Runs a COPY from the client; absent when the driver has none. */
  readonly copy?: CopyIn | undefined;
}

/** Runs a COPY with its data, and gives the number of rows. */
export type CopyIn = (
  text: string,
  chunks: AsyncIterable<string>,
  options: QueryOptions,
) => Promise<number>;

function wrongCount(count: number, wanted: string): CqiError {
  return new CqiError(
    "CQI_DATABASE_ROW_COUNT",
    `Cannot take one row: the query gave ${count} rows, wanted ${wanted}`,
    // None is "not found", which is the code's status; many is a mistake in the query.
    { details: { count } },
  );
}

class LazyQuery<R> implements Query<R> {
  readonly #executor: Executor;
  readonly #fragment: Fragment;
  readonly #reader: RowReader<R>;
  readonly #options: QueryOptions;
  #result: Promise<DriverResult> | undefined;

  constructor(
    executor: Executor,
    fragment: Fragment,
    reader: RowReader<R>,
    options: QueryOptions,
  ) {
    this.#executor = executor;
    this.#fragment = fragment;
    this.#reader = reader;
    this.#options = options;
  }

  #run(): Promise<DriverResult> {
    return this.#result ??= this.#start();
  }

  // A value that cannot be bound rejects instead of throwing from `then`.
  #start(): Promise<DriverResult> {
    try {
      return this.#executor.run(this.#executor.texts.compile(this.#fragment), this.#options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  then<A = R[], B = never>(
    onFulfilled?: ((rows: R[]) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.rows().then(onFulfilled, onRejected);
  }

  async rows(): Promise<R[]> {
    return await this.#read(await this.#run(), 0);
  }

  #read(result: DriverResult, firstIndex: number): R[] | Promise<R[]> {
    return this.#reader(this.#executor.texts.rows(result, this.#reader.isExact), firstIndex);
  }

  async one(): Promise<R> {
    const rows = await this.rows();
    if (rows.length !== 1) throw wrongCount(rows.length, "exactly 1");
    return rows[0]!;
  }

  async maybeOne(): Promise<R | undefined> {
    const rows = await this.rows();
    if (rows.length > 1) throw wrongCount(rows.length, "0 or 1");
    return rows[0];
  }

  async execute(): Promise<number> {
    return (await this.#run()).count;
  }

  async *stream({ batchSize = 500 }: StreamOptions = {}): AsyncIterableIterator<R> {
    requireInteger("batchSize", batchSize, 1, 100_000);
    const statement = this.#executor.texts.compile(this.#fragment);
    let index = 0;
    for await (const batch of this.#executor.batches(statement, this.#options, batchSize)) {
      yield* await this.#read(batch, index);
      index += batch.rows.length;
    }
  }

  as: Query<R>["as"] = (schema) =>
    new LazyQuery(this.#executor, this.#fragment, schemaReader(schema), this.#options);

  asMessage: Query<R>["asMessage"] = (schema, options = {}) =>
    new LazyQuery(this.#executor, this.#fragment, messageReader(schema, options), this.#options);

  with(options: QueryOptions): Query<R> {
    const merged = { ...this.#options, ...options };
    return new LazyQuery(this.#executor, this.#fragment, this.#reader, merged);
  }
}

/** The template tag of a place where queries run. */
export function sqlTag(executor: Executor): SqlTag {
  return <R extends object>(strings: TemplateStringsArray, ...values: readonly unknown[]) =>
    new LazyQuery<R>(
      executor,
      fromTemplate(strings, values),
      (rows) => rows as unknown as R[],
      {},
    );
}
