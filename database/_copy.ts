import { CqiError } from "../errors/mod.ts";
import { requireInteger } from "../internal/options.ts";
import { Fragment } from "./_fragment.ts";
import type { Executor } from "./_query.ts";
import type { QueryOptions } from "./query_options.ts";
import { quoteIdentifier, sql, type SqlRecord, type SqlValue } from "./sql.ts";
import { encode } from "./value.ts";

/** Rows to copy, all at once or as they come. */
export type CopyRecords = Iterable<SqlRecord> | AsyncIterable<SqlRecord>;

// Large enough that a message costs little, small enough that memory stays flat.
const CHUNK_CHARACTERS = 64 * 1024;
// The protocol counts the values of one statement in 16 bits.
const MAX_VALUES = 65_535;
const MAX_ROWS = 1000;
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

/** The source of the rows, its first row looked at, and what it threw. */
class Source {
  readonly columns: readonly string[];
  failure: { readonly error: unknown } | undefined;
  readonly #first: SqlRecord;
  readonly #rest: AsyncIterator<SqlRecord> | Iterator<SqlRecord>;
  #count = 0;
  #isOpen = true;

  constructor(first: SqlRecord, rest: AsyncIterator<SqlRecord> | Iterator<SqlRecord>) {
    this.#first = first;
    this.#rest = rest;
    this.columns = Object.keys(first);
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
      for (;;) {
        const row = this.#count;
        const given = row === 0 ? { done: false, value: this.#first } : this.#rest.next();
        const next = given instanceof Promise ? await given : given;
        if (next.done === true) {
          this.#isOpen = false;
          return false;
        }
        this.#count++;
        if (take(this.#valuesOf(next.value, row), row)) return true;
      }
    } catch (error) {
      this.failure = { error };
      throw error;
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
    await this.#rest.return?.();
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

/** Opens the source; undefined when it has no rows. */
async function sourceOf(records: CopyRecords): Promise<Source | undefined> {
  const iterator = Symbol.asyncIterator in records
    ? records[Symbol.asyncIterator]()
    : records[Symbol.iterator]();
  const first = await iterator.next();
  if (first.done === true) return undefined;
  const source = new Source(first.value, iterator);
  requireInteger("columns", source.columns.length, 1, 1600);
  return source;
}

function pathOf(table: string | readonly string[]): string {
  const parts = typeof table === "string" ? [table] : table;
  requireInteger("table", parts.length, 1, 3);
  return parts.map(quoteIdentifier).join(".");
}

/**
 * Copies rows into a table: by COPY where the driver has it, else by inserts of many rows each.
 *
 * @param executor Where it runs; `copy` is undefined when the driver has none.
 * @param table The table's name, or its parts.
 * @param records The rows.
 * @param options Signal, time limit, name.
 */
export async function copyRecords(
  executor: Pick<Executor, "run" | "copy" | "texts">,
  table: string | readonly string[],
  { records, options }: { readonly records: CopyRecords; readonly options: QueryOptions },
): Promise<number> {
  const path = pathOf(table);
  const source = await sourceOf(records);
  if (source === undefined) return 0;
  const columns = source.columns.map(quoteIdentifier).join(", ");
  try {
    if (executor.copy !== undefined) {
      const text = `copy ${path} (${columns}) from stdin`;
      return await executor.copy(text, source.chunks(), options);
    }
    return await insert(executor, new Fragment([`insert into ${path} (${columns}) values `], []), {
      source,
      options,
    });
  } catch (error) {
    // The server was told that the copy is off; why, the source knows.
    throw source.failure === undefined ? error : source.failure.error;
  } finally {
    await source.close();
  }
}

async function insert(
  executor: Pick<Executor, "run" | "texts">,
  head: Fragment,
  { source, options }: { readonly source: Source; readonly options: QueryOptions },
): Promise<number> {
  const size = Math.min(MAX_ROWS, Math.floor(MAX_VALUES / source.columns.length));
  let count = 0;
  for (let more = true; more;) {
    const batch: (readonly SqlValue[])[] = [];
    more = await source.fill((values, row) => {
      // A fragment is no value; in an insert it would become SQL.
      const fragment = values.find(Fragment.is);
      if (fragment !== undefined) encode(fragment, `a column of row ${row + 1}`);
      return batch.push(values) >= size;
    });
    if (batch.length === 0) break;
    const statement = executor.texts.compile(sql.fragment`${head}${sql.values(batch)}` as Fragment);
    count += (await executor.run(statement, options)).count;
  }
  return count;
}
