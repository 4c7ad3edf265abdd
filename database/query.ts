import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { StandardSchema } from "../core/mod.ts";
import type { Row } from "./_decode.ts";
import type { MessageRowOptions } from "./message_rows.ts";
import type { QueryOptions } from "./query_options.ts";
import type { SqlValue } from "./sql.ts";

/** How rows are streamed. */
export interface StreamOptions {
  /** Rows fetched at a time, 1 to 100,000; bounds the memory. @default {500} */
  readonly batchSize?: number;
}

/**
 * A query. It runs when it is awaited, or by one of its methods, and only once: awaiting it again
 * gives the same answer. One that is never awaited never runs.
 *
 * @typeParam R What a row is. Given by hand (`db.sql<Position>`) it is believed; by `as` and
 * `asMessage` it is checked.
 */
export interface Query<R> extends PromiseLike<R[]> {
  /** All rows; the same as awaiting the query. */
  rows(): Promise<R[]>;
  /** The one row. Any other number of rows is `CQI_DATABASE_ROW_COUNT`. */
  one(): Promise<R>;
  /** The one row, or undefined when there is none. More than one is `CQI_DATABASE_ROW_COUNT`. */
  maybeOne(): Promise<R | undefined>;
  /** Runs it and gives the number of rows changed (or read). */
  execute(): Promise<number>;
  /**
   * The rows one after the other, fetched as they are read: a cursor inside a transaction. Leaving
   * the loop frees the connection. Unlike the other methods it runs anew each time.
   *
   * @param options How many rows at a time.
   */
  stream(options?: StreamOptions): AsyncIterableIterator<R>;
  /**
   * The same query with its rows checked. A row that the schema refuses is
   * `CQI_DATABASE_ROW_INVALID`, naming row and columns, never values.
   *
   * @param schema Any Standard Schema: Zod, Valibot, ArkType, your own.
   */
  as<T>(schema: StandardSchema<unknown, T>): Query<T>;
  /**
   * The same query with its rows made messages of the contracts, and checked by their rules.
   * Columns are named as the fields in the .proto file. A column without a field is refused. Times
   * keep their microseconds.
   *
   * @param schema Descriptor of the message.
   * @param options Columns to leave out.
   */
  asMessage<Desc extends DescMessage>(
    schema: Desc,
    options?: MessageRowOptions,
  ): Query<MessageShape<Desc>>;
  /**
   * The same query with options.
   *
   * @param options Signal, time limit, name.
   */
  with(options: QueryOptions): Query<R>;
}

/**
 * Makes a query of a template. What stands between its texts is bound, never put into the text.
 *
 * Rows are objects by column name. `numeric` is a string with every digit, `int8` a bigint,
 * `int2`, `int4` and floats are numbers, `timestamptz` is a Date (cut to milliseconds), `json` is
 * parsed, `bytea` a Uint8Array, arrays of these are arrays; all else is text, `timestamp` and
 * `date` included, as they name no moment.
 *
 * @typeParam R What a row is; believed, not checked.
 */
export type SqlTag = <R extends object = Row>(
  strings: TemplateStringsArray,
  ...values: readonly SqlValue[]
) => Query<R>;
