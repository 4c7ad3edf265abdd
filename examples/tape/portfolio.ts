import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type bus, contracts, type database } from "../../mod.ts";
import {
  type OrderPlaced,
  type PositionChangedSchema,
  PositionChangeType,
} from "../../gen/ts/cqc/events/v1/mod.ts";
import { type Position, PositionSchema, PositionSide } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { OrderSide } from "../../gen/ts/cqc/venues/v1/mod.ts";
import { idOf, positions } from "./events.ts";
import type { TapeSettings } from "./settings.ts";

const { decimal } = contracts;

/** A fill and the portfolio after it, as they stand in the database. */
interface Fill {
  readonly number: bigint;
  readonly quantity: string;
  readonly price: string;
  readonly position: string;
  readonly cash: string;
  readonly openedAt: Date;
}

/** A position event as it is published. */
type PositionChange = MessageInitShape<typeof PositionChangedSchema>;

/**
 * Books fills of orders: position and cash move in one transaction with the fill. A fill that is
 * there already is not booked again, and its event is published again with the same id.
 */
export function portfolio(
  db: database.Database,
  events: bus.Bus,
  tape: TapeSettings,
): (event: OrderPlaced) => Promise<void> {
  return async (event) => {
    const change = await db.transaction((tx) => bookOrder(event, tx, tape));
    if (change !== undefined) await events.publish(positions, change);
  };
}

/** Books the fill of an order in a transaction, and gives the event that says so. */
export async function bookOrder(
  { order, timestamp }: OrderPlaced,
  tx: database.Transaction,
  tape: TapeSettings,
): Promise<PositionChange | undefined> {
  if (order === undefined || timestamp === undefined) return undefined;
  const { orderId, averageFillPrice: price } = order;
  const quantity = order.side === OrderSide.BUY
    ? order.filledQuantity
    : decimal.negate(order.filledQuantity);
  const fee = decimal.sum(order.fees.map(({ amount }) => amount));
  const at = timestampDate(timestamp);
  const fill = await book(tx, { orderId, quantity, price, fee, at }, tape);
  const before = decimal.subtract(fill.position, fill.quantity);
  const previous = fill.number === 1n
    ? {}
    : { previousPosition: await positionOf(before, fill, fill.number - 1n, timestamp, tape) };
  return {
    eventId: await idOf("position-changed", orderId),
    timestamp,
    position: await positionOf(fill.position, fill, fill.number, timestamp, tape),
    ...previous,
    changeType: changeOf(before, fill.position, fill.number),
    quantityDelta: decimal.normalize(fill.quantity),
    orderId,
  };
}

interface Execution {
  readonly orderId: string;
  readonly quantity: string;
  readonly price: string;
  readonly fee: string;
  readonly at: Date;
}

async function book(
  tx: database.Transaction,
  { orderId, quantity, price, fee, at }: Execution,
  { portfolioId, startingCash }: TapeSettings,
): Promise<Fill> {
  const columns = tx.sql<Fill>`
    select number, f.quantity, price, position, f.cash, opened_at as "openedAt"
    from fills f join positions using (portfolio_id) where order_id = ${orderId}`;
  const known = await columns.maybeOne();
  if (known !== undefined) return known;
  await tx.sql`
    with moved as (
      insert into positions as p (portfolio_id, quantity, cash, fills, opened_at, updated_at)
      values (
        ${portfolioId}, ${quantity}::numeric,
        ${startingCash}::numeric - ${quantity}::numeric * ${price}::numeric - ${fee}::numeric,
        1, ${at}, ${at}
      )
      on conflict (portfolio_id) do update set
        quantity = p.quantity + ${quantity}::numeric,
        cash = p.cash - ${quantity}::numeric * ${price}::numeric - ${fee}::numeric,
        fills = p.fills + 1,
        updated_at = ${at}
      returning quantity, cash, fills
    )
    insert into fills (
      order_id, portfolio_id, number, quantity, price, fee, position, cash, filled_at
    )
    select ${orderId}, ${portfolioId}, fills, ${quantity}::numeric, ${price}::numeric,
      ${fee}::numeric, quantity, cash, ${at}
    from moved`.execute();
  return await tx.sql<Fill>`
    select number, f.quantity, price, position, f.cash, opened_at as "openedAt"
    from fills f join positions using (portfolio_id) where order_id = ${orderId}`.one();
}

async function positionOf(
  signed: string,
  fill: Fill,
  version: bigint,
  at: Timestamp,
  tape: TapeSettings,
): Promise<Position> {
  const quantity = decimal.normalize(decimal.abs(signed));
  const init: MessageInitShape<typeof PositionSchema> = {
    positionId: await idOf("position", tape.portfolioId),
    portfolioId: tape.portfolioId,
    accountId: tape.accountId,
    venueId: tape.venueId,
    instrumentId: tape.instrumentId,
    marketId: tape.marketId,
    side: sideOf(signed),
    quantity,
    markPrice: decimal.normalize(fill.price),
    notional: decimal.normalize(decimal.multiply(quantity, fill.price)),
    valuationAssetId: tape.quoteAssetId,
    openedAt: timestampFromDate(fill.openedAt),
    updatedAt: at,
    asOf: at,
    version,
  };
  return create(PositionSchema, init);
}

function sideOf(signed: string): PositionSide {
  const sign = decimal.sign(signed);
  if (sign === 0) return PositionSide.FLAT;
  return sign > 0 ? PositionSide.LONG : PositionSide.SHORT;
}

function changeOf(before: string, after: string, number: bigint): PositionChangeType {
  if (number === 1n) return PositionChangeType.OPENED;
  if (decimal.isZero(after)) return PositionChangeType.CLOSED;
  if (decimal.sign(before) * decimal.sign(after) < 0) return PositionChangeType.FLIPPED;
  return decimal.compare(decimal.abs(after), decimal.abs(before)) > 0
    ? PositionChangeType.INCREASED
    : PositionChangeType.DECREASED;
}
