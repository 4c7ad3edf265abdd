import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { bus, contracts, core } from "../../mod.ts";
import {
  OrderPlacedSchema,
  PositionChangedSchema,
  type PriceUpdated,
  PriceUpdatedSchema,
  RiskAlertSchema,
} from "../../gen/ts/cqc/events/v1/mod.ts";
import { PriceSchema, PriceType, TradeSchema, TradeSide } from "../../gen/ts/cqc/markets/v1/mod.ts";
import type { TapeSettings } from "./settings.ts";
import type { Trade } from "./tape.ts";

/** Prices of a market, in order. */
export const prices = bus.topic(PriceUpdatedSchema);
/** Orders, in order per market: a position is the sum of its fills in order. */
export const orders = bus.topic(OrderPlacedSchema, { key: (event) => event.order?.marketId });
/** Positions of a portfolio, in order. */
export const positions = bus.topic(PositionChangedSchema);
/** Alerts. */
export const alerts = bus.topic(RiskAlertSchema);

// Names of ids that follow from what caused them: the same tape gives the same ids, and a handler
// that runs twice makes the same event twice, and not two.
const NAMESPACE = "d1b5a0c6-6a7e-4f0b-9c3d-2e8f7a1b4c5d";

/** The id of something that follows from something else. */
export function idOf(kind: string, cause: string): Promise<string> {
  return core.uuidFromName(NAMESPACE, `${kind}:${cause}`);
}

/** The event of one trade of the tape; its time is the trade's. */
export async function priceUpdated(
  trade: Trade,
  sequence: number,
  tape: TapeSettings,
): Promise<PriceUpdated> {
  const at = timestampFromMs(trade.timeMs);
  return create(PriceUpdatedSchema, {
    eventId: await idOf("price", `${tape.marketId}/${trade.tradeId}`),
    timestamp: at,
    price: create(PriceSchema, {
      marketId: tape.marketId,
      instrumentId: tape.instrumentId,
      venueId: tape.venueId,
      priceType: PriceType.LAST,
      price: trade.price,
      source: "tape",
      sequence: BigInt(sequence),
      observedAt: at,
    }),
    trade: create(TradeSchema, {
      tradeId: trade.tradeId,
      marketId: tape.marketId,
      price: trade.price,
      size: trade.amount,
      side: trade.side === "buy" ? TradeSide.BUY : TradeSide.SELL,
      quoteValue: contracts.decimal.multiply(trade.price, trade.amount),
      executedAt: at,
      sequence: BigInt(sequence),
    }),
  });
}
