import { contracts } from "../../mod.ts";
import { orders, positions, prices } from "./events.ts";
import type { Expected } from "./expected.ts";
import type { Told } from "./ledger.ts";
import type { Summary } from "./summary.ts";

const { decimal } = contracts;

/** What a summary is held against. */
export interface Evidence {
  readonly skipped: number;
  /** What the tape says. */
  readonly expected: Expected;
  /** What the events say. */
  readonly told: Told;
  /** What the fills in the database sum up to. */
  readonly fills: { readonly position: string; readonly cash: string };
  /** Fills that the portfolio counts. */
  readonly booked: number;
  /** Trades that the candles count. */
  readonly counted: number;
}

/** Names what does not agree, one text each. */
export function disagreementsOf(
  found: Omit<Summary, "disagreements" | "agrees">,
  { skipped, expected, told, fills, booked, counted }: Evidence,
): string[] {
  const { normalize } = decimal;
  const ordered = found.events[orders.schema.typeName];
  const checks: [what: string, got: unknown, wanted: unknown][] = [
    ["price events, by the tape", found.events[prices.schema.typeName], found.rows],
    ["trades in candles, by the tape", counted, expected.trades],
    ["candles, by the tape", found.candles, expected.candles],
    ["volume, by the tape", found.volume, normalize(expected.volume)],
    ["notional, by the tape", found.notional, normalize(expected.notional)],
    ["last price, by the tape", found.lastPrice, expected.lastPrice ?? null],
    ["position, by the fills", found.position, normalize(fills.position)],
    ["cash, by the fills", found.cash, normalize(fills.cash)],
    ["position, by the order events", found.position, normalize(told.position)],
    ["cash, by the order events", found.cash, normalize(told.cash)],
    ["position, by the last position event", found.position, normalize(told.lastPosition)],
    ["fills, by the order events", booked, told.orders],
    ["orders published, by those handled", ordered, told.orders],
    ["position events, by the order events", found.events[positions.schema.typeName], ordered],
    ["dead letters, by the wish for none", found.deadLettered, 0],
  ];
  const differing = checks.filter(([, got, wanted]) => got !== wanted)
    .map(([what, got, wanted]) => `${what}: ${String(got)}, wanted ${String(wanted)}`);
  const unread = found.rows === 0 && skipped > 0;
  return unread ? [...differing, `none of the ${skipped} lines is a trade`] : differing;
}
