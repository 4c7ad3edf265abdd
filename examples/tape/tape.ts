import { createReadStream } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { contracts, errors } from "../../mod.ts";
import { type Line, readLines } from "./lines.ts";

const { decimal } = contracts;

/** One row of a tape. */
export interface Trade {
  readonly tradeId: string;
  /** Unix milliseconds. */
  readonly timeMs: number;
  readonly side: "buy" | "sell";
  readonly price: string;
  readonly amount: string;
}

/** A line of a tape: a trade, or why it is not one. */
export type TapeLine =
  | { readonly number: number; readonly trade: Trade }
  | { readonly number: number; readonly problem: string };

const COLUMNS = "trade_id,time_ms,side,price,amount";
const MAX_LINE = 1024;
// The last moment that a protobuf Timestamp can name: 9999-12-31T23:59:59.999Z.
const MAX_TIME_MS = 253_402_300_799_999;
// A decimal of the contracts has 38 digits on each side of the point: a product of two of these has
// at most 30 and 36, which leaves room for the sum of 10^8 rows.
const AMOUNT = /^\d{1,15}(\.\d{1,18})?$/;
// A cell of RFC 4180 and what ends it; a quoted cell ends on its own line.
const CELL = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/gy;

/** Throws when there is no tape to read. */
export async function requireTape(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
    if ((await stat(path)).isDirectory()) throw new Error("It is a folder, wanted a file");
  } catch (cause) {
    throw new Error(`Cannot read the tape ${path}: ${errors.messageOf(cause)}`, { cause });
  }
}

/** Reads a tape line by line; a line that is not a trade is named, not thrown. */
export async function* readTape(path: string): AsyncGenerator<TapeLine> {
  for await (const line of readLines(createReadStream(path, "utf8"), MAX_LINE + 1)) {
    // A byte order mark is not part of the first column's name.
    const text = line.number === 1 ? line.text.replace(/^\uFEFF/, "") : line.text;
    if (text === "" || line.number === 1 && cellsOf(text)?.join() === COLUMNS) continue;
    yield parseLine({ ...line, text });
  }
}

function parseLine({ number, text, length }: Line): TapeLine {
  const bad = (problem: string): TapeLine => ({ number, problem });
  if (length > MAX_LINE) return bad(`it has ${length} characters, at most ${MAX_LINE}`);
  const cells = cellsOf(text);
  if (cells === undefined) return bad("a double quote does not enclose its cell");
  if (cells.length !== 5) return bad(`it has ${cells.length} columns, wanted ${COLUMNS}`);
  const [tradeId, time, side, price, amount] = cells as [string, string, string, string, string];
  if (!/^[!-~]{1,128}$/.test(tradeId)) return bad("trade_id must be 1 to 128 printable characters");
  const timeMs = /^\d{1,15}$/.test(time) ? Number(time) : NaN;
  if (!(timeMs <= MAX_TIME_MS)) return bad("time_ms must be Unix milliseconds");
  if (side !== "buy" && side !== "sell") return bad("side must be 'buy' or 'sell'");
  if (!isAmount(price)) return bad(`price ${WANTED}`);
  if (!isAmount(amount)) return bad(`amount ${WANTED}`);
  return { number, trade: { tradeId, timeMs, side, price, amount } };
}

const WANTED =
  "must be a decimal above 0, of at most 15 digits before the point and 18 behind, without exponent";

function isAmount(text: string): boolean {
  return AMOUNT.test(text) && decimal.isDecimal(text) && decimal.sign(text) > 0;
}

/** The cells of a line, or undefined when its quotes do not match. */
function cellsOf(text: string): string[] | undefined {
  const cells: string[] = [];
  for (const [, quoted, bare = "", end] of text.matchAll(CELL)) {
    cells.push(quoted?.replaceAll('""', '"') ?? bare);
    if (end === "") return cells;
  }
  return undefined;
}
