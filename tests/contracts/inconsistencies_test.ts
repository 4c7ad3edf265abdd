import assert from "node:assert/strict";
import { test } from "node:test";
import {
  executionMisfits,
  fromJson,
  identifierConflicts,
  inconsistencies,
  type JsonValue,
  messageType,
  messageTypes,
  orderMisfits,
  violations,
} from "../../contracts/mod.ts";
import { AssetIdentifierSchema } from "../../gen/ts/cqc/assets/v1/mod.ts";
import { MarketSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { ExecutionReportSchema, OrderSchema } from "../../gen/ts/cqc/venues/v1/mod.ts";
import { example } from "./_image.ts";

type Patch = Readonly<Record<string, JsonValue>>;

const patched = (name: string, patch: Patch): Record<string, JsonValue> =>
  Object.fromEntries(
    Object.entries({ ...example(name), ...patch }).filter(([, value]) => value !== null),
  );

function rules(name: string, patch: Patch): string[] {
  const schema = messageType(name)!;
  const message = fromJson(schema, patched(name, patch));
  assert.deepEqual(violations(schema, message), [], "the message must be valid by its rules");
  return inconsistencies(schema, message).map((each) => each.rule);
}

const level = (price: string, size = "1") => ({ price, size });
const leg = (amount: string, role = "LEG_ROLE_PRINCIPAL") => ({
  asset_id: "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
  amount,
  role,
});
const tier = (tier: number, min_notional: string, max_notional: string | null) => ({
  tier,
  min_notional,
  ...(max_notional === null ? {} : { max_notional }),
  initial_margin_rate: "0.1",
  maintenance_margin_rate: "0.05",
});

/** Message, change to its Example, and what does not add up then. */
const CASES: readonly (readonly [type: string, patch: Patch, rules: readonly string[]])[] = [
  ["venues.v1.Balance", { total: "125000.51" }, ["balance.total_is_sum"]],
  ["venues.v1.Balance", { total: "125000.5000000000000001" }, ["balance.total_is_sum"]],
  ["venues.v1.Balance", { total: "-1", available: "-3", locked: "2", reserved: null }, []],
  ["portfolio.v1.Exposure", { gross: "32125.06" }, ["exposure.gross_is_sum"]],
  ["portfolio.v1.Exposure", { net: "-32125.05" }, ["exposure.net_is_difference"]],
  ["portfolio.v1.Exposure", { long: "1", short: "2", gross: "3.0", net: "-1" }, []],
  ["markets.v1.OrderBook", { bids: [level("1"), level("2")] }, ["order_book.sorted"]],
  ["markets.v1.OrderBook", { bids: [level("2"), level("2.0")] }, ["order_book.sorted"]],
  ["markets.v1.OrderBook", { asks: [level("70000"), level("69000")] }, ["order_book.sorted"]],
  ["markets.v1.OrderBook", { asks: [level("64250.00")] }, ["order_book.not_crossed"]],
  ["markets.v1.OrderBook", { bids: [level("1", "0.0")] }, ["order_book.no_empty_level"]],
  ["markets.v1.OrderBook", { bids: [], asks: [] }, []],
  ["markets.v1.OrderBook", {
    update_type: "BOOK_UPDATE_TYPE_DELTA",
    bids: [level("70000", "0")],
  }, []],
  ["markets.v1.Candle", { end_time: "2026-01-15T09:32:00Z" }, [
    "candle.end_time_matches_interval",
  ]],
  ["markets.v1.Candle", { interval: "CANDLE_INTERVAL_ONE_MONTH" }, [
    "candle.end_time_matches_interval",
  ]],
  ["markets.v1.Candle", {
    interval: "CANDLE_INTERVAL_ONE_MONTH",
    start_time: "2026-02-01T00:00:00Z",
    end_time: "2026-03-01T00:00:00Z",
  }, []],
  ["markets.v1.Candle", {
    interval: "CANDLE_INTERVAL_ONE_MONTH",
    start_time: "2026-02-02T00:00:00Z",
    end_time: "2026-03-02T00:00:00Z",
  }, ["candle.end_time_matches_interval"]],
  ["markets.v1.PerpMarketDetails", {
    risk_tiers: [tier(1, "0", "10"), tier(2, "10.0", "20"), tier(3, "20", null)],
  }, []],
  ["markets.v1.PerpMarketDetails", { risk_tiers: [tier(1, "1", "10")] }, [
    "perp_market_details.tiers_contiguous",
  ]],
  ["markets.v1.PerpMarketDetails", { risk_tiers: [tier(1, "0", "10"), tier(2, "11", null)] }, [
    "perp_market_details.tiers_contiguous",
  ]],
  ["markets.v1.PerpMarketDetails", { risk_tiers: [tier(1, "0", null), tier(2, "10", "11")] }, [
    "perp_market_details.tiers_contiguous",
  ]],
  ["portfolio.v1.Transaction", { type: "TRANSACTION_TYPE_SELL" }, [
    "transaction.leg_signs",
    "transaction.leg_signs",
  ]],
  ["portfolio.v1.Transaction", { legs: [leg("1"), leg("1", "LEG_ROLE_FEE")] }, [
    "transaction.leg_signs",
  ]],
  ["portfolio.v1.Transaction", { type: "TRANSACTION_TYPE_DEPOSIT", legs: [leg("0")] }, [
    "transaction.leg_signs",
  ]],
  ["portfolio.v1.Transaction", { type: "TRANSACTION_TYPE_FUNDING", legs: [leg("-1")] }, []],
  ["portfolio.v1.Transaction", {
    type: "TRANSACTION_TYPE_SWAP",
    legs: [leg("1"), leg("2", "LEG_ROLE_COUNTER")],
  }, ["transaction.swap_gives_and_takes"]],
  ["events.v1.PriceUpdated", { change_bps: "0.0312" }, []],
  ["events.v1.PriceUpdated", { change_bps: "0.0313" }, ["price_updated.change_agrees"]],
  ["events.v1.PriceUpdated", { change_bps: "-0.0311" }, ["price_updated.change_agrees"]],
  ["events.v1.PriceUpdated", { previous_price: "0", change_bps: "1" }, []],
  ["observability.v1.MetricDefinition", { buckets: [0.1, 0.1] }, [
    "metric_definition.buckets_ascend",
  ]],
];

for (const [type, patch, want] of CASES) {
  const text = JSON.stringify(patch).slice(0, 60);
  test(`inconsistencies, of ${type} with ${text} are ${want.join(", ") || "none"}`, () => {
    assert.deepEqual(rules(`cqc.${type}`, patch), want);
  });
}

test("inconsistencies, the Examples of all messages have none", () => {
  for (const type of messageTypes) {
    const message = fromJson(type, example(type.typeName));
    assert.deepEqual(inconsistencies(type, message), [], type.typeName);
  }
});

test("inconsistencies, an empty message of any type has none that throws", () => {
  for (const type of messageTypes) {
    assert.ok(Array.isArray(inconsistencies(type, fromJson(type, {}))), type.typeName);
  }
});

const ORDER = "cqc.venues.v1.Order";
const MARKET = "cqc.markets.v1.Market";

/** Change to the order, change to the market, and what does not fit. */
const MISFITS: readonly (readonly [order: Patch, market: Patch, rules: readonly string[]])[] = [
  [{}, {}, []],
  [{ price: "64000.05" }, {}, ["order.price_on_tick"]],
  [{ price: "64000.050" }, { tick_size: "0.05" }, []],
  [{ quantity: "0.0005" }, {}, ["order.quantity_on_lot", "order.quantity_in_range"]],
  [{ quantity: "1001" }, {}, ["order.quantity_in_range"]],
  [{ price: "1.00", quantity: "0.5" }, {}, ["order.notional_in_range"]],
  [{ quantity: null, quote_quantity: "4.99" }, {}, ["order.notional_in_range"]],
  [{ quantity: null, quote_quantity: "5" }, {}, []],
  [{ price: "1.00", quantity: "0.5" }, { size_unit: "CONTRACT" }, []],
  [{ price: "64000.5" }, { tick_size: null, price_significant_figures: 5 }, [
    "order.price_figures",
  ]],
  [{ price: "640001" }, { tick_size: null, price_significant_figures: 5 }, []],
  [{ price: "64000.50" }, { tick_size: null, price_decimals: 1 }, []],
  [{ price: "64000.5" }, { tick_size: null, price_decimals: 0 }, ["order.price_decimals"]],
  [{ price: "64000.00" }, { max_price: "63999" }, ["order.price_in_range"]],
  [{}, { supported_order_types: ["ORDER_TYPE_MARKET"] }, ["order.type_supported"]],
  [{}, { supported_time_in_force: ["TIME_IN_FORCE_IOC"] }, ["order.time_supported"]],
  [{}, { supported_time_in_force: [], supported_order_types: [] }, []],
];

for (const [order, market, want] of MISFITS) {
  const text = `${JSON.stringify(order)} on ${JSON.stringify(market)}`;
  test(`orderMisfits, of ${text} are ${want.join(", ") || "none"}`, () => {
    const found = orderMisfits(
      fromJson(OrderSchema, patched(ORDER, order)),
      fromJson(MarketSchema, patched(MARKET, market)),
    );
    assert.deepEqual(found.map((each) => each.rule), want);
  });
}

const REPORT = "cqc.venues.v1.ExecutionReport";
const report = (patch: Patch) => fromJson(ExecutionReportSchema, patched(REPORT, patch));
const order = (patch: Patch) => fromJson(OrderSchema, patched(ORDER, patch));

test("executionMisfits, a report whose quantities make the order's has none", () => {
  assert.deepEqual(executionMisfits(report({}), order({})), []);
});

test("executionMisfits, quantities that do not make the order's are found", () => {
  const found = executionMisfits(report({ leaves_quantity: "0.30000000000000000001" }), order({}));
  assert.deepEqual(found.map((each) => each.rule), ["execution_report.quantities_add_up"]);
});

test("executionMisfits, an order that ended may have less than its quantity", () => {
  const ended = order({
    status: "ORDER_STATUS_CANCELED",
    closed_at: "2026-01-15T09:31:00Z",
  });
  assert.deepEqual(executionMisfits(report({ leaves_quantity: "0" }), ended), []);
});

test("executionMisfits, a report of another order is found", () => {
  const other = order({ order_id: "93b2a1c0-d4e5-4f67-8a9b-0c1d2e3f4a58" });
  assert.deepEqual(executionMisfits(report({}), other).map((each) => each.field), ["order_id"]);
});

const identifier = (patch: Patch) =>
  fromJson(AssetIdentifierSchema, patched("cqc.assets.v1.AssetIdentifier", patch));

test("identifierConflicts, one id twice and two primary ids are found, in their places", () => {
  const other = "3c8a5b1e-9d27-4f60-8e34-7b6a1c2d5f03";
  const found = identifierConflicts([
    identifier({}),
    identifier({ external_id: "tether-2" }),
    identifier({ asset_id: other, is_primary: true }),
    identifier({ asset_id: other, source: "DATA_SOURCE_MESSARI" }),
  ]);
  assert.deepEqual(found.map((each) => [each.field, each.rule]), [
    ["[1].is_primary", "asset_identifier.one_primary"],
    ["[2].external_id", "asset_identifier.id_once"],
  ]);
});

test("identifierConflicts, none have none", () => {
  assert.deepEqual(identifierConflicts([]), []);
});
