import { isFieldSet } from "@bufbuild/protobuf";
import type { ExecutionReport, NewOrder, Order } from "../gen/ts/cqc/venues/v1/mod.ts";
import { type Market, MarketSchema, OrderType } from "../gen/ts/cqc/markets/v1/mod.ts";
import { stripZeros, tryParse } from "./_decimal_parts.ts";
import { differ, total, units } from "./_units.ts";
import type { Violation } from "./validate.ts";

const misfit = (field: string, rule: string, message: string): Violation => ({
  field,
  rule: `order.${rule}`,
  message,
});

/** Significant digits of a coefficient: zeros at its end do not count. */
const significant = (coefficient: bigint): number =>
  (coefficient < 0n ? -coefficient : coefficient).toString().replace(/0+$/, "").length;

function priceMisfits(field: string, text: string, market: Market): Violation[] {
  const [price, parts] = [units(text), tryParse(text)];
  if (price === undefined || parts === undefined) return [];
  const tick = units(market.tickSize);
  const [lowest, highest] = [units(market.minPrice), units(market.maxPrice)];
  const found: Violation[] = [];
  if (tick !== undefined && tick > 0n && price % tick !== 0n) {
    found.push(misfit(field, "price_on_tick", `${field} must be a multiple of tick_size`));
  }
  const figures = market.priceSignificantFigures;
  // Whole numbers are taken whatever their length, as venues with this rule do.
  const isWhole = parts.coefficient % 10n ** BigInt(parts.scale) === 0n;
  if (figures > 0 && !isWhole && significant(parts.coefficient) > figures) {
    found.push(
      misfit(field, "price_figures", `${field} has more figures than price_significant_figures`),
    );
  }
  const hasDecimals = isFieldSet(market, MarketSchema.field.priceDecimals);
  if (hasDecimals && stripZeros(parts, 0).scale > market.priceDecimals) {
    found.push(misfit(field, "price_decimals", `${field} has more digits than price_decimals`));
  }
  if (lowest !== undefined && price < lowest || highest !== undefined && price > highest) {
    found.push(misfit(field, "price_in_range", `${field} must lie in min_price to max_price`));
  }
  return found;
}

function quantityMisfits(order: NewOrder | Order, market: Market): Violation[] {
  const quantity = units(order.quantity);
  if (quantity === undefined) return [];
  const lot = units(market.lotSize);
  const smallest = units(market.minOrderSize);
  const largest = units(
    order.orderType === OrderType.MARKET && market.maxMarketOrderSize !== ""
      ? market.maxMarketOrderSize
      : market.maxOrderSize,
  );
  const found: Violation[] = [];
  if (lot !== undefined && lot > 0n && quantity % lot !== 0n) {
    found.push(misfit("quantity", "quantity_on_lot", "quantity must be a multiple of lot_size"));
  }
  if (
    smallest !== undefined && quantity < smallest || largest !== undefined && quantity > largest
  ) {
    found.push(
      misfit("quantity", "quantity_in_range", "quantity must lie in the market's order sizes"),
    );
  }
  return found;
}

function notionalMisfits(order: NewOrder | Order, market: Market): Violation[] {
  const [price, quantity] = [units(order.price), units(order.quantity)];
  const scale = 10n ** 38n;
  const given = units(order.quoteQuantity);
  const inBase = market.sizeUnit === "" || market.sizeUnit === "BASE";
  // In units of 1e-76, so that nothing is rounded.
  const value = given !== undefined
    ? given * scale
    : price !== undefined && quantity !== undefined && inBase
    ? price * quantity
    : undefined;
  if (value === undefined) return [];
  const [least, most] = [units(market.minNotional), units(market.maxNotional)];
  const out = least !== undefined && value < least * scale ||
    most !== undefined && value > most * scale;
  return out
    ? [misfit(
      given !== undefined ? "quote_quantity" : "quantity",
      "notional_in_range",
      "the order's value must lie in min_notional to max_notional",
    )]
    : [];
}

/**
 * What a market does not take in an order: a price off its tick or range, a quantity off its lot or
 * range, a value out of range, a type or a time in force that it does not have. Exact, on decimals.
 *
 * @param order The order, placed or not.
 * @param market The market that it is for; what it does not state is not checked.
 * @returns One entry for each misfit; empty when the market takes it.
 *
 * @example
 * ```ts
 * import { orderMisfits } from "@cq/cqi/contracts";
 * import { MarketSchema } from "@cq/cqi/cqc/markets/v1";
 * import { NewOrderSchema } from "@cq/cqi/cqc/venues/v1";
 * import { create } from "@bufbuild/protobuf";
 * import assert from "node:assert/strict";
 *
 * const market = create(MarketSchema, { tickSize: "0.10", lotSize: "0.001" });
 * const order = create(NewOrderSchema, { price: "64000.05", quantity: "0.5" });
 * assert.deepEqual(orderMisfits(order, market).map((each) => each.rule), ["order.price_on_tick"]);
 * ```
 */
export function orderMisfits(order: NewOrder | Order, market: Market): Violation[] {
  const { supportedOrderTypes: types, supportedTimeInForce: times } = market;
  const found = [
    ...priceMisfits("price", order.price, market),
    ...priceMisfits("trigger_price", order.triggerPrice, market),
    ...quantityMisfits(order, market),
    ...notionalMisfits(order, market),
  ];
  if (types.length > 0 && !types.includes(order.orderType)) {
    found.push(misfit("order_type", "type_supported", "the market has no orders of this type"));
  }
  if (times.length > 0 && !times.includes(order.timeInForce)) {
    found.push(misfit("time_in_force", "time_supported", "the market has no such time in force"));
  }
  return found;
}

/**
 * What does not add up between an execution report and its order: ids, and that what is filled and
 * what is open make the order's quantity.
 *
 * @param report The report.
 * @param order The order that it is about.
 * @returns One entry for each thing that does not add up.
 */
export function executionMisfits(report: ExecutionReport, order: Order): Violation[] {
  const found: Violation[] = [];
  for (
    const [field, same] of Object.entries({
      order_id: report.orderId === order.orderId,
      account_id: report.accountId === order.accountId,
      market_id: report.marketId === order.marketId,
      side: report.side === order.side,
    })
  ) {
    if (same) continue;
    found.push({
      field,
      rule: "execution_report.of_order",
      message: `${field} must be that of the order`,
    });
  }
  // An order that ended has nothing open any more, whatever was filled.
  const isOpen = order.closedAt === undefined;
  const sum = total([report.cumulativeQuantity, report.leavesQuantity]);
  if (isOpen && order.quantity !== "" && differ(units(order.quantity), sum)) {
    found.push({
      field: "leaves_quantity",
      rule: "execution_report.quantities_add_up",
      message: "cumulative_quantity and leaves_quantity must make the order's quantity",
    });
  }
  return found;
}
