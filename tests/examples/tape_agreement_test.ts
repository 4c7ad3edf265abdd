import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { disagreementsOf, type Evidence } from "../../examples/tape/agreement.ts";
import { ledger } from "../../examples/tape/ledger.ts";
import { once } from "../../examples/tape/once.ts";
import {
  type OrderPlaced,
  OrderPlacedSchema,
  type PositionChanged,
  PositionChangedSchema,
} from "../../gen/ts/cqc/events/v1/mod.ts";
import { PositionSchema, PositionSide } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { OrderSchema, OrderSide } from "../../gen/ts/cqc/venues/v1/mod.ts";

const FOUND = {
  rows: 3,
  skipped: 0,
  events: {
    "cqc.events.v1.PriceUpdated": 3,
    "cqc.events.v1.OrderPlaced": 1,
    "cqc.events.v1.PositionChanged": 1,
    "cqc.events.v1.RiskAlert": 0,
  },
  handled: 11,
  retried: 0,
  deadLettered: 0,
  candles: 1,
  volume: "6",
  notional: "2",
  lastPrice: "0.25",
  position: "500",
  cash: "9.5",
  seconds: 1,
  eventsPerSecond: 11,
  p50Ms: 1,
  p99Ms: 1,
  url: "",
};

const EVIDENCE: Evidence = {
  skipped: 0,
  expected: { trades: 3, candles: 1, volume: "6.0", notional: "2", lastPrice: "0.25" },
  told: { orders: 1, position: "500", cash: "9.50", lastPosition: "500" },
  fills: { position: "500", cash: "9.5" },
  booked: 1,
  counted: 3,
};

function order(eventId: string, side: OrderSide, filledQuote: string): OrderPlaced {
  const fees = [{ amount: "0.01" }];
  return create(OrderPlacedSchema, {
    eventId,
    order: create(OrderSchema, { side, filledQuantity: "5", filledQuote, fees }),
  });
}

function changed(side: PositionSide, quantity: string): PositionChanged {
  return create(PositionChangedSchema, { position: create(PositionSchema, { side, quantity }) });
}

test("disagreementsOf finds none where all agrees, whatever the trailing zeros", () => {
  assert.deepEqual(disagreementsOf(FOUND, EVIDENCE), []);
});

test("disagreementsOf holds position and cash against the order events, not the fills alone", () => {
  const told = { ...EVIDENCE.told, position: "1000", cash: "9" };
  assert.deepEqual(disagreementsOf(FOUND, { ...EVIDENCE, told }), [
    "position, by the order events: 500, wanted 1000",
    "cash, by the order events: 9.5, wanted 9",
  ]);
});

test("disagreementsOf holds the position against the last position event", () => {
  const told = { ...EVIDENCE.told, lastPosition: "-500" };
  assert.deepEqual(disagreementsOf(FOUND, { ...EVIDENCE, told }), [
    "position, by the last position event: 500, wanted -500",
  ]);
});

test("disagreementsOf counts the trades in candles", () => {
  assert.deepEqual(disagreementsOf(FOUND, { ...EVIDENCE, counted: 4 }), [
    "trades in candles, by the tape: 4, wanted 3",
  ]);
});

test("ledger sums orders with their fees, each once", () => {
  const book = ledger("10");
  book.ordered(order("a", OrderSide.BUY, "2"));
  book.ordered(order("a", OrderSide.BUY, "2"));
  book.ordered(order("b", OrderSide.SELL, "3"));
  book.ordered(order("c", OrderSide.BUY, "1"));
  const { orders, position, cash } = book.result();
  assert.deepEqual({ orders, position, cash }, { orders: 3, position: "5", cash: "9.97" });
});

test("ledger knows the last position event, with its sign", () => {
  const book = ledger("10");
  assert.equal(book.result().lastPosition, "0");
  book.changed(changed(PositionSide.LONG, "5"));
  assert.equal(book.result().lastPosition, "5");
  book.changed(changed(PositionSide.SHORT, "7"));
  assert.equal(book.result().lastPosition, "-7");
});

test("once passes an event on once by its id, and again after a failure", async () => {
  const seen: string[] = [];
  let fails = true;
  const handle = once((event: { eventId: string; price: string }) => {
    seen.push(event.price);
    return fails ? Promise.reject(new Error("Not now")) : Promise.resolve();
  });
  await assert.rejects(handle({ eventId: "a", price: "1" }), /Not now/);
  fails = false;
  await handle({ eventId: "a", price: "1" });
  await handle({ eventId: "a", price: "2" });
  await handle({ eventId: "b", price: "3" });
  assert.deepEqual(seen, ["1", "1", "3"]);
});
