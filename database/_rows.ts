import type { StandardSchema, StandardSchemaIssue } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { shapeOf } from "../internal/options.ts";
import type { Row } from "./_decode.ts";

/** Turns the rows of a result, of which the first has the given index, into what is asked for. */
export interface RowReader<R> {
  (rows: Row[], firstIndex: number): R[] | Promise<R[]>;
  /** True wants each `timestamptz` as text with its microseconds. @default {false} */
  readonly isExact?: boolean;
}

function columnOf(issue: StandardSchemaIssue | undefined): string | undefined {
  const first = issue?.path?.[0];
  if (first === undefined) return undefined;
  return String(typeof first === "object" ? first.key : first);
}

// The shape alone: neither the value nor the schema's message, which may quote it.
function valueShape(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
    return `a ${typeof value}`;
  }
  return value instanceof Date ? "a Date" : value === undefined ? "absent" : shapeOf(value);
}

/** A reader that checks each row by a schema. */
export function schemaReader<T>(schema: StandardSchema<unknown, T>): RowReader<T> {
  return async (rows, firstIndex) => {
    const checked: T[] = [];
    for (const [i, row] of rows.entries()) {
      const result = await schema["~standard"].validate(row);
      if (result.issues === undefined) {
        checked.push(result.value);
        continue;
      }
      const columns = [...new Set(result.issues.map(columnOf))].filter((c) => c !== undefined);
      const what = columns.length === 0
        ? "the schema refuses the row"
        : `the schema refuses ${
          columns.map((c) => `column '${c}', which is ${valueShape(row[c])}`).join("; ")
        }`;
      throw new CqiError(
        "CQI_DATABASE_ROW_INVALID",
        `Cannot read row ${firstIndex + i + 1}: ${what}`,
        { details: { row: firstIndex + i, columns, vendor: schema["~standard"].vendor } },
      );
    }
    return checked;
  };
}
