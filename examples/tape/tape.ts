import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { contracts } from "../../mod.ts";

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

/** Reads a tape line by line; a line that is not a trade is named, not thrown. */
export async function* readTape(path: string): AsyncGenerator<TapeLine> {
  const lines = createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Infinity });
  let number = 0;
  for await (const line of lines) {
    number++;
    // A byte order mark is not part of the first column's name.
    const text = number === 1 ? line.replace(/^\uFEFF/, "") : line;
    if (number === 1 && text === COLUMNS) continue;
    if (text === "") continue;
    yield parseLine(number, text);
  }
}

function parseLine(number: number, text: string): TapeLine {
  const bad = (problem: string): TapeLine => ({ number, problem });
  if (text.length > MAX_LINE) return bad(`it has ${text.length} characters, at most ${MAX_LINE}`);
  const cells = text.split(",");
  if (cells.length !== 5) return bad(`it has ${cells.length} columns, wanted ${COLUMNS}`);
  const [tradeId, time, side, price, amount] = cells as [string, string, string, string, string];
  if (!/^[!-~]{1,128}$/.test(tradeId)) return bad("trade_id must be 1 to 128 printable characters");
  const timeMs = /^\d{1,15}$/.test(time) ? Number(time) : NaN;
  if (!(timeMs <= MAX_TIME_MS)) return bad("time_ms must be Unix milliseconds");
  if (side !== "buy" && side !== "sell") return bad("side must be 'buy' or 'sell'");
  if (!isPositive(price)) return bad("price must be a decimal above 0, without exponent");
  if (!isPositive(amount)) return bad("amount must be a decimal above 0, without exponent");
  return { number, trade: { tradeId, timeMs, side, price, amount } };
}

function isPositive(text: string): boolean {
  return decimal.isDecimal(text) && decimal.sign(text) > 0;
}
