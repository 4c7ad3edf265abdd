import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  BookUpdateType,
  type Candle,
  CandleInterval,
  type OrderBook,
  type OrderBookLevel,
  type PerpMarketDetails,
} from "../gen/ts/cqc/markets/v1/mod.ts";
import { units } from "./_units.ts";
import type { Violation } from "./validate.ts";

const MINUTE = 60n;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;

/** Seconds of each interval that has a fixed length. */
const SECONDS: Readonly<Record<number, bigint>> = {
  [CandleInterval.ONE_SECOND]: 1n,
  [CandleInterval.ONE_MINUTE]: MINUTE,
  [CandleInterval.THREE_MINUTES]: 3n * MINUTE,
  [CandleInterval.FIVE_MINUTES]: 5n * MINUTE,
  [CandleInterval.FIFTEEN_MINUTES]: 15n * MINUTE,
  [CandleInterval.THIRTY_MINUTES]: 30n * MINUTE,
  [CandleInterval.ONE_HOUR]: HOUR,
  [CandleInterval.TWO_HOURS]: 2n * HOUR,
  [CandleInterval.FOUR_HOURS]: 4n * HOUR,
  [CandleInterval.SIX_HOURS]: 6n * HOUR,
  [CandleInterval.EIGHT_HOURS]: 8n * HOUR,
  [CandleInterval.TWELVE_HOURS]: 12n * HOUR,
  [CandleInterval.ONE_DAY]: DAY,
  [CandleInterval.THREE_DAYS]: 3n * DAY,
  [CandleInterval.ONE_WEEK]: 7n * DAY,
};

/** First second of the month after the one that begins at a time, or undefined when none does. */
function nextMonth(seconds: bigint): bigint | undefined {
  const start = new Date(Number(seconds) * 1000);
  if (Number.isNaN(start.getTime())) return undefined;
  const [year, month] = [start.getUTCFullYear(), start.getUTCMonth()];
  if (start.getTime() !== Date.UTC(year, month, 1)) return undefined;
  return BigInt(Date.UTC(year, month + 1, 1) / 1000);
}

function endOf(interval: CandleInterval, start: Timestamp): bigint | undefined {
  if (interval === CandleInterval.ONE_MONTH) return nextMonth(start.seconds);
  const length = SECONDS[interval];
  return length === undefined ? undefined : start.seconds + length;
}

/** A candle is as long as its interval. */
export function candle({ interval, startTime, endTime }: Candle): Violation[] {
  if (startTime === undefined || endTime === undefined || interval === 0) return [];
  const end = endOf(interval, startTime);
  if (endTime.seconds === end && endTime.nanos === startTime.nanos) return [];
  return [{
    field: "end_time",
    rule: "candle.end_time_matches_interval",
    message: "end_time must be start_time and the interval",
  }];
}

function sideViolations(
  field: "bids" | "asks",
  levels: readonly OrderBookLevel[],
  snapshot: boolean,
): Violation[] {
  const found: Violation[] = [];
  let last: bigint | undefined;
  for (const [at, level] of levels.entries()) {
    const price = units(level.price);
    const falls = field === "bids";
    if (last !== undefined && price !== undefined && (falls ? price >= last : price <= last)) {
      found.push({
        field: `${field}[${at}].price`,
        rule: "order_book.sorted",
        message: `${field} must be sorted, best first, each price once`,
      });
    }
    if (snapshot && units(level.size) === 0n) {
      found.push({
        field: `${field}[${at}].size`,
        rule: "order_book.no_empty_level",
        message: "a level of a snapshot must have a size above zero",
      });
    }
    last = price ?? last;
  }
  return found;
}

/** Both sides are sorted; a snapshot has no empty level and is not crossed. */
export function orderBook({ bids, asks, updateType }: OrderBook): Violation[] {
  const snapshot = updateType === BookUpdateType.SNAPSHOT;
  const found = [
    ...sideViolations("bids", bids, snapshot),
    ...sideViolations("asks", asks, snapshot),
  ];
  const [bid, ask] = [units(bids[0]?.price ?? ""), units(asks[0]?.price ?? "")];
  if (snapshot && bid !== undefined && ask !== undefined && bid >= ask) {
    found.push({
      field: "bids[0].price",
      rule: "order_book.not_crossed",
      message: "the best bid must be below the best ask",
    });
  }
  return found;
}

/** Risk tiers begin at zero, each where the one before ends, and only the last has no end. */
export function perpMarketDetails({ riskTiers }: PerpMarketDetails): Violation[] {
  const found: Violation[] = [];
  let end: bigint | undefined = 0n;
  for (const [at, tier] of riskTiers.entries()) {
    if (end === undefined || units(tier.minNotional) !== end || tier.tier !== at + 1) {
      found.push({
        field: `risk_tiers[${at}]`,
        rule: "perp_market_details.tiers_contiguous",
        message: "tiers must be numbered from 1 and begin where the one before ends",
      });
    }
    end = units(tier.maxNotional);
  }
  return found;
}
