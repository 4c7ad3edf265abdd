import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { database } from "../../mod.ts";
import type { PriceUpdated } from "../../gen/ts/cqc/events/v1/mod.ts";

const MINUTE_MS = 60_000;

/** Keeps one-minute candles. Each event counts once, however often it is delivered. */
export function candles(db: database.Database): (event: PriceUpdated) => Promise<void> {
  return (event) => db.transaction((tx) => countTrade(event, tx));
}

/** Counts the trade of an event into its candle, unless it is in there already. */
export async function countTrade(
  { eventId, trade }: PriceUpdated,
  tx: database.Transaction,
): Promise<void> {
  if (trade?.executedAt === undefined) return;
  const { marketId, price, size } = trade;
  const at = timestampDate(trade.executedAt);
  const start = new Date(Math.floor(at.getTime() / MINUTE_MS) * MINUTE_MS);
  await tx.sql`
        with fresh as (
          insert into candle_events (event_id) values (${eventId})
          on conflict do nothing returning event_id
        )
        insert into candles as c (
          market_id, start_time, open, high, low, close, volume, notional, trades, open_at, close_at
        )
        select ${marketId}::uuid, ${start}::timestamptz, p, p, p, p, s, p * s, 1, t, t
        from fresh, (select ${price}::numeric p, ${size}::numeric s, ${at}::timestamptz t) as trade
        on conflict (market_id, start_time) do update set
          open = case when excluded.open_at < c.open_at then excluded.open else c.open end,
          open_at = least(c.open_at, excluded.open_at),
          high = greatest(c.high, excluded.high),
          low = least(c.low, excluded.low),
          close = case when excluded.close_at >= c.close_at then excluded.close else c.close end,
          close_at = greatest(c.close_at, excluded.close_at),
          volume = c.volume + excluded.volume,
          notional = c.notional + excluded.notional,
          trades = c.trades + 1
      `.execute();
}
