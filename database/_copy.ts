import { requireInteger } from "../internal/options.ts";
import { type CopyRecords, CopySource } from "./_copy_source.ts";
import { Fragment } from "./_fragment.ts";
import type { Executor } from "./_query.ts";
import type { QueryOptions } from "./query_options.ts";
import { quoteIdentifier, sql, type SqlValue } from "./sql.ts";
import { encode } from "./value.ts";

// The protocol counts the values of one statement in 16 bits.
const MAX_VALUES = 65_535;
const MAX_ROWS = 1000;

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
  executor: Pick<Executor, "run" | "copy" | "texts" | "times">,
  table: string | readonly string[],
  { records, options }: { readonly records: CopyRecords; readonly options: QueryOptions },
): Promise<number> {
  const path = pathOf(table);
  const source = await CopySource.open(records, executor.times, options);
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
  { source, options }: { readonly source: CopySource; readonly options: QueryOptions },
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
