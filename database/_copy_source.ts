import { toMilliseconds, withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { requireInteger } from "../internal/options.ts";
import type { QueryTimes } from "./_query.ts";
import type { QueryOptions } from "./query_options.ts";
import type { SqlRecord, SqlValue } from "./sql.ts";
import { encode } from "./value.ts";

/** Rows to copy, all at once or as they come. */
export type CopyRecords = Iterable<SqlRecord> | AsyncIterable<SqlRecord>;

// Large enough that a message costs little, small enough that memory stays flat.
const CHUNK_CHARACTERS = 64 * 1024;
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A value in COPY's text format (COPY, "Text Format"). */
function copyText(value: unknown, row: number, column: string): string {
  const text = encode(value, `column '${column}' of row ${row + 1}`);
  if (text === null) return "\\N";
  return /[\\\n\r\t]/.test(text) ? text.replace(/[\\\n\r\t]/g, (c) => ESCAPES[c]!) : text;
}

/** How long a source is waited for. */
interface Patience {
  readonly times: QueryTimes;
  readonly limitMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Waits for what a source gives, no longer than its reader has patience. */
function within<T>(
  { times, limitMs, signal }: Patience,
  wait: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  return withDeadline(times.clock, limitMs, wait, {
    ...(signal === undefined ? {} : { signal }),
    error: () =>
      new CqiError(
        "CQI_DATABASE_TIMEOUT",
        `Cannot copy rows: their source gave none for ${limitMs} ms`,
        { details: { timeout_ms: limitMs } },
      ),
  });
}

type RowIterator = AsyncIterator<SqlRecord> | Iterator<SqlRecord>;

/** The source of the rows, its first row looked at, and what it threw. */
export class CopySource {
  readonly columns: readonly string[];
  failure: { readonly error: unknown } | undefined;
  readonly #first: SqlRecord;
  readonly #rest: RowIterator;
  readonly #patience: Patience;
  readonly #stop = new AbortController();
  #count = 0;
  #isOpen = true;
  /** It was asked for a row and has not answered. */
  #isAsked = false;

  private constructor(first: SqlRecord, rest: RowIterator, patience: Patience) {
    const { signal } = patience;
    const stop = this.#stop.signal;
    this.#first = first;
    this.#rest = rest;
    this.#patience = {
      ...patience,
      signal: signal === undefined ? stop : AbortSignal.any([signal, stop]),
    };
    this.columns = Object.keys(first);
  }

  /** Opens a source; undefined when it has no rows. Waits for a row as long as a query may take. */
  static async open(
    records: CopyRecords,
    times: QueryTimes,
    { signal, timeout }: QueryOptions,
  ): Promise<CopySource | undefined> {
    const iterator = Symbol.asyncIterator in records
      ? records[Symbol.asyncIterator]()
      : records[Symbol.iterator]();
    const limitMs = timeout === undefined ? times.queryMs : toMilliseconds("timeout", timeout);
    const patience = { times, limitMs, signal };
    const first = await within(patience, async () => await iterator.next());
    if (first.done === true) return undefined;
    const source = new CopySource(first.value, iterator, patience);
    requireInteger("columns", source.columns.length, 1, 1600);
    return source;
  }

  /**
   * Hands each row to a function until it says that it has enough, or there are no more. A row of
   * a list costs no turn of the event loop.
   *
   * @param take Gets the values in the order of the columns, and the row's number from 0.
   * @returns Whether there may be more.
   */
  async fill(take: (values: readonly SqlValue[], row: number) => boolean): Promise<boolean> {
    try {
      return await within(this.#patience, (limit) => this.#fill(take, limit));
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  async #fill(
    take: (values: readonly SqlValue[], row: number) => boolean,
    limit: AbortSignal,
  ): Promise<boolean> {
    for (;;) {
      const row = this.#count;
      const given = row === 0 ? { done: false, value: this.#first } : this.#rest.next();
      let next = given as Awaited<typeof given>;
      if (given instanceof Promise) {
        this.#isAsked = true;
        next = await given;
        this.#isAsked = false;
        // Nobody waits any longer: what the rows were for is over.
        limit.throwIfAborted();
      }
      if (next.done === true) {
        this.#isOpen = false;
        return false;
      }
      this.#count++;
      if (take(this.#valuesOf(next.value, row), row)) return true;
    }
  }

  /** Texts of many rows in COPY's format. */
  async *chunks(): AsyncGenerator<string> {
    let text = "";
    const take = (values: readonly SqlValue[], row: number): boolean => {
      for (let i = 0; i < values.length; i++) {
        text += (i === 0 ? "" : "\t") + copyText(values[i], row, this.columns[i]!);
      }
      text += "\n";
      return text.length >= CHUNK_CHARACTERS;
    };
    for (let more = true; more;) {
      more = await this.fill(take);
      if (text !== "") yield text;
      text = "";
    }
  }

  /** Tells a source that was left early, as a loop over it would. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stop.abort();
    const left = (async () => await this.#rest.return?.())();
    // One that never gives its next row never ends either: it is told, and not waited for.
    if (!this.#isAsked) return await left.then(() => {});
    left.catch(() => {
      // The copy is over already, and its caller has been told how.
    });
  }

  #valuesOf(record: SqlRecord, row: number): readonly SqlValue[] {
    const { columns } = this;
    const values: SqlValue[] = new Array(columns.length);
    let i = 0;
    // Keys of records of one shape come in one order: looked up by it first.
    for (const key in record) {
      if (key !== columns[i]) return this.#reordered(record, row);
      values[i++] = record[key]!;
    }
    return i === columns.length ? values : this.#reordered(record, row);
  }

  #reordered(record: SqlRecord, row: number): readonly SqlValue[] {
    if (Object.keys(record).length !== this.columns.length) throw wrongColumns(row);
    return this.columns.map((column) => {
      if (!Object.hasOwn(record, column)) throw wrongColumns(row);
      return record[column]!;
    });
  }
}

function wrongColumns(row: number): CqiError {
  return new CqiError(
    "CQI_OPTION_INVALID",
    `Cannot copy row ${row + 1}: it must have the same columns as the first`,
    { details: { row } },
  );
}
