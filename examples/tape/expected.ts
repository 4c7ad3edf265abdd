import { contracts } from "../../mod.ts";
import type { Trade } from "./tape.ts";

const { decimal } = contracts;
const MINUTE_MS = 60_000;

/** What the tape alone says the end must be. */
export interface Expected {
  /** Trades with different ids: an id that comes twice is one event. */
  readonly trades: number;
  readonly candles: number;
  readonly volume: string;
  readonly notional: string;
  readonly lastPrice: string | undefined;
}

/** Sums a tape up, without the library's bus, database and cache. */
export interface Expectation {
  add(trade: Trade): void;
  result(): Expected;
}

/** Before the first trade. The first trade of an id counts; what comes later under it does not. */
export function expectation(): Expectation {
  const ids = new Set<string>();
  const minutes = new Set<number>();
  let volume = "0";
  let notional = "0";
  let lastPrice: string | undefined;
  return {
    add({ tradeId, timeMs, price, amount }) {
      if (ids.has(tradeId)) return;
      ids.add(tradeId);
      lastPrice = price;
      minutes.add(Math.floor(timeMs / MINUTE_MS));
      volume = decimal.add(volume, amount);
      notional = decimal.add(notional, decimal.multiply(price, amount));
    },
    result: () => ({ trades: ids.size, candles: minutes.size, volume, notional, lastPrice }),
  };
}
