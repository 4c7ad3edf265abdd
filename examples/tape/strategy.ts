import { contracts } from "../../mod.ts";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { bus } from "../../mod.ts";
import type { OrderPlacedSchema, PriceUpdated } from "../../gen/ts/cqc/events/v1/mod.ts";
import { OrderType, TimeInForce } from "../../gen/ts/cqc/markets/v1/mod.ts";
import {
  FeeKind,
  type Order,
  OrderSchema,
  OrderSide,
  OrderStatus,
} from "../../gen/ts/cqc/venues/v1/mod.ts";
import { idOf, orders } from "./events.ts";
import type { TapeSettings } from "./settings.ts";

const { decimal } = contracts;
const BPS = "10000";

/** What the strategy knows of its market: only what its events told it, in their order. */
export interface StrategyState {
  /** Price of the last order, or of the first trade. */
  readonly reference: string;
  readonly position: string;
}

/** What an event makes of the state, with the order that it asks for, if any. */
export interface Decision {
  readonly state: StrategyState;
  readonly order?: MessageInitShape<typeof OrderPlacedSchema>;
}

/**
 * A momentum strategy, simulated: buys when the price has risen by the threshold since the last
 * order, sells when it has fallen by it, and keeps the position within its bound. Orders fill at
 * the price of the trade that triggered them. Expects each event once.
 */
export async function decideOn(
  event: PriceUpdated,
  known: StrategyState | undefined,
  tape: TapeSettings,
): Promise<Decision> {
  const price = event.price!.price;
  const state = known ?? { reference: price, position: "0" };
  const quantity = quantityFor(state, price, tape);
  if (quantity === undefined) return { state };
  return {
    state: { reference: price, position: decimal.add(state.position, quantity) },
    order: {
      eventId: await idOf("order-placed", event.eventId),
      timestamp: event.timestamp!,
      order: await simulatedOrder(event, quantity, tape),
    },
  };
}

/** The strategy with its state in memory. Expects each event once; see `once`. */
export function strategy(
  events: bus.Bus,
  tape: TapeSettings,
): (event: PriceUpdated) => Promise<void> {
  let state: StrategyState | undefined;
  return async (event) => {
    if (event.price === undefined) return;
    const { state: after, order } = await decideOn(event, state, tape);
    // Published before it is remembered: if publishing fails, the retry decides the same again,
    // and the order has the same ids.
    if (order !== undefined) await events.publish(orders, order);
    state = after;
  };
}

/** Signed quantity to trade, or undefined to wait. */
function quantityFor(
  state: StrategyState,
  price: string,
  tape: TapeSettings,
): string | undefined {
  // |price - reference| * 10000 >= threshold * reference, without a division.
  const move = decimal.multiply(decimal.subtract(price, state.reference), BPS);
  const needed = decimal.multiply(tape.thresholdBps, state.reference);
  if (decimal.compare(decimal.abs(move), needed) < 0) return undefined;
  const quantity = decimal.sign(move) > 0 ? tape.orderQuantity : decimal.negate(tape.orderQuantity);
  const next = decimal.abs(decimal.add(state.position, quantity));
  return decimal.compare(next, tape.maxPosition) > 0 ? undefined : quantity;
}

async function simulatedOrder(
  event: PriceUpdated,
  quantity: string,
  tape: TapeSettings,
): Promise<Order> {
  const price = event.price!.price;
  const at: Timestamp = event.timestamp!;
  const size = decimal.abs(quantity);
  const notional = decimal.multiply(price, size);
  const orderId = await idOf("order", event.eventId);
  return create(OrderSchema, {
    orderId,
    clientOrderId: orderId,
    accountId: tape.accountId,
    portfolioId: tape.portfolioId,
    strategyId: "tape-momentum",
    marketId: tape.marketId,
    venueId: tape.venueId,
    side: decimal.sign(quantity) > 0 ? OrderSide.BUY : OrderSide.SELL,
    orderType: OrderType.MARKET,
    timeInForce: TimeInForce.IOC,
    quantity: size,
    status: OrderStatus.FILLED,
    filledQuantity: size,
    remainingQuantity: "0",
    averageFillPrice: price,
    filledQuote: notional,
    fees: [{
      assetId: tape.quoteAssetId,
      amount: decimal.multiply(notional, tape.feeRate),
      rate: tape.feeRate,
      kind: FeeKind.TRADING,
    }],
    version: 1n,
    isSimulated: true,
    createdAt: at,
    updatedAt: at,
    closedAt: at,
  });
}
