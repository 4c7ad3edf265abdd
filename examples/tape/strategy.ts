import { contracts } from "../../mod.ts";
import { create } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { bus } from "../../mod.ts";
import type { PriceUpdated } from "../../gen/ts/cqc/events/v1/mod.ts";
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
interface State {
  /** Price of the last order, or of the first trade. */
  readonly reference: string;
  readonly position: string;
}

/**
 * A momentum strategy, simulated: buys when the price has risen by the threshold since the last
 * order, sells when it has fallen by it, and keeps the position within its bound. Orders fill at
 * the price of the trade that triggered them. Expects each event once; see `once`.
 */
export function strategy(
  events: bus.Bus,
  tape: TapeSettings,
): (event: PriceUpdated) => Promise<void> {
  let state: State | undefined;

  return async (event) => {
    const { price, eventId } = event;
    if (price === undefined) return;
    const before = state ??= { reference: price.price, position: "0" };
    const quantity = decide(before, price.price, tape);
    if (quantity === undefined) return;
    // Published before it is remembered: if publishing fails, the retry decides the same again,
    // and the order has the same ids.
    await events.publish(orders, {
      eventId: await idOf("order-placed", eventId),
      timestamp: event.timestamp!,
      order: await simulatedOrder(event, quantity, tape),
    });
    state = { reference: price.price, position: decimal.add(before.position, quantity) };
  };
}

/** Signed quantity to trade, or undefined to wait. */
function decide(state: State, price: string, tape: TapeSettings): string | undefined {
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
