import { isMessage } from "@bufbuild/protobuf";
import { type bus, contracts } from "../../mod.ts";
import {
  type OrderPlaced,
  OrderPlacedSchema,
  type PositionChanged,
  PositionChangedSchema,
} from "../../gen/ts/cqc/events/v1/mod.ts";
import { PositionSide } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { OrderSide } from "../../gen/ts/cqc/venues/v1/mod.ts";

const { decimal } = contracts;

/** What the events alone say the end must be. */
export interface Told {
  /** Orders with different ids. */
  readonly orders: number;
  /** Sum of what they filled, signed. */
  readonly position: string;
  readonly cash: string;
  /** Position of the last position event; "0" before the first. */
  readonly lastPosition: string;
}

/** Sums events up, without the database. */
export interface Ledger {
  /** Put around every handler: sees each event once it is handled, or was before. */
  readonly layer: bus.ConsumeMiddleware;
  ordered(event: OrderPlaced): void;
  changed(event: PositionChanged): void;
  result(): Told;
}

/** Opens a ledger with what the portfolio starts with. */
export function ledger(startingCash: string): Ledger {
  const ids = new Set<string>();
  let position = "0";
  let cash = startingCash;
  let lastPosition = "0";
  const sums: Ledger = {
    async layer(delivery, context, next) {
      const result = await next(delivery, context);
      const { event } = delivery;
      if (isMessage(event, OrderPlacedSchema)) sums.ordered(event);
      if (isMessage(event, PositionChangedSchema)) sums.changed(event);
      return result;
    },
    ordered({ eventId, order }) {
      if (order === undefined || ids.has(eventId)) return;
      ids.add(eventId);
      const fees = decimal.sum(order.fees.map(({ amount }) => amount));
      const bought = order.side === OrderSide.BUY;
      const signed = (amount: string): string => bought ? amount : decimal.negate(amount);
      position = decimal.add(position, signed(order.filledQuantity));
      cash = decimal.subtract(decimal.subtract(cash, signed(order.filledQuote)), fees);
    },
    changed({ position: after }) {
      if (after === undefined) return;
      const { side, quantity } = after;
      lastPosition = side === PositionSide.SHORT ? decimal.negate(quantity) : quantity;
    },
    result: () => ({ orders: ids.size, position, cash, lastPosition }),
  };
  return sums;
}
