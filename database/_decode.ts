import { CqiError } from "../errors/mod.ts";
import { parseArray } from "./_array.ts";
import { parseTimestamptz, timestampText } from "./_time.ts";
import type { DriverResult } from "./types.ts";

type Parser = (text: string) => unknown;

/** Thrown by a parser that has no value for a text; the caller names row and column. */
const NO_VALUE: unique symbol = Symbol("no value");

function bytea(text: string): Uint8Array | typeof NO_VALUE {
  // bytea_output is hex by default and set so on every session that has settings.
  if (!text.startsWith("\\x")) return NO_VALUE;
  const bytes = new Uint8Array((text.length - 2) / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 + i * 2, 4 + i * 2), 16);
  }
  return bytes;
}

const bool: Parser = (text) => text === "t";
const json: Parser = (text) => JSON.parse(text);
const moment: Parser = (text) => parseTimestamptz(text) ?? NO_VALUE;
const exactMoment: Parser = (text) => timestampText(text) ?? NO_VALUE;

// Object ids of pg_type.dat. What is not here stays text: numeric (exact), date, time, timestamp
// (no zone, so no moment), interval, uuid, inet, enums, ranges, composites.
const SCALARS: ReadonlyMap<number, Parser> = new Map<number, Parser>([
  [16, bool],
  [17, bytea],
  [20, BigInt],
  [21, Number], // int2
  [23, Number], // int4
  [26, Number], // oid
  [114, json],
  [700, Number], // float4
  [701, Number], // float8
  [1184, moment],
  [2278, () => null], // void
  [3802, json], // jsonb
]);

// Array type to element type.
const ARRAYS: ReadonlyMap<number, number> = new Map([
  [1000, 16],
  [1001, 17],
  [1002, 18], // "char"
  [1003, 19], // name
  [1005, 21],
  [1007, 23],
  [1009, 25], // text
  [1014, 1042], // bpchar
  [1015, 1043], // varchar
  [1016, 20],
  [1021, 700],
  [1022, 701],
  [1028, 26],
  [1041, 869], // inet
  [1115, 1114], // timestamp
  [1182, 1082], // date
  [1183, 1083], // time
  [1185, 1184],
  [1187, 1186], // interval
  [1231, 1700], // numeric
  [199, 114],
  [2951, 2950], // uuid
  [3807, 3802],
]);

function scalarOf(type: number, isExact: boolean): Parser | undefined {
  const parser = SCALARS.get(type);
  return isExact && parser === moment ? exactMoment : parser;
}

function parserOf(type: number, isExact: boolean): Parser | undefined {
  const element = ARRAYS.get(type);
  if (element === undefined) return scalarOf(type, isExact);
  const item = scalarOf(element, isExact) ?? String;
  return (text) => parseArray(text, item, (value) => value === NO_VALUE) ?? NO_VALUE;
}

/** A row as it comes from the database: column name to value. */
export type Row = Record<string, unknown>;

function columnError(row: number, column: string, what: string): CqiError {
  return new CqiError("CQI_DATABASE_ROW_INVALID", `Cannot read row ${row + 1}: ${what}`, {
    details: { row, column },
  });
}

/** How the rows of a result are read: a name and a parser for each column. */
interface Plan {
  readonly names: readonly string[];
  readonly parsers: readonly (Parser | undefined)[];
  /** Columns whose name plain assignment would take for something else. */
  readonly hasOddName: boolean;
}

function planOf(columns: DriverResult["columns"], isExact: boolean): Plan {
  const names = columns.map(({ name }) => name);
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      throw columnError(0, name, `two columns are named '${name}', give one of them an alias`);
    }
    seen.add(name);
  }
  return {
    names,
    parsers: columns.map((column) => parserOf(column.type, isExact)),
    hasOddName: seen.has("__proto__"),
  };
}

/** Turns the texts of results into objects. Remembers how, by the very list of columns. */
export class Decoder {
  readonly #plans = new WeakMap<DriverResult["columns"], Plan>();
  readonly #exactPlans = new WeakMap<DriverResult["columns"], Plan>();

  /**
   * Rows as objects by column name.
   *
   * @param result What the driver gave.
   * @param isExact True gives each `timestamptz` as text with its microseconds, which a Date lacks.
   */
  rows(result: DriverResult, isExact: boolean): Row[] {
    const plans = isExact ? this.#exactPlans : this.#plans;
    let plan = plans.get(result.columns);
    if (plan === undefined) {
      plan = planOf(result.columns, isExact);
      plans.set(result.columns, plan);
    }
    const { names, parsers, hasOddName } = plan;
    const rows: Row[] = new Array(result.rows.length);
    for (let index = 0; index < rows.length; index++) {
      const texts = result.rows[index]!;
      const row: Row = {};
      for (let i = 0; i < names.length; i++) {
        const text = texts[i] ?? null;
        const parse = parsers[i];
        const value = text === null || parse === undefined ? text : parse(text);
        if (value === NO_VALUE) throw noValue(index, names[i]!);
        if (hasOddName) define(row, names[i]!, value);
        else row[names[i]!] = value;
      }
      rows[index] = row;
    }
    return rows;
  }
}

function noValue(row: number, column: string): CqiError {
  return columnError(
    row,
    column,
    `column '${column}' has a value that no JavaScript value stands for (such as infinity), ` +
      "cast it to text in the query",
  );
}

// Plain assignment of a column named __proto__ would set the prototype.
function define(row: Row, name: string, value: unknown): void {
  Object.defineProperty(row, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
