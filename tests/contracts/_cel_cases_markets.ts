import type { Cases } from "./_cel_cases.ts";

/** Changes to the Examples of cqc.markets.v1 that break its rules over several fields. */
export const MARKETS_CASES: Cases = {
  "instrument.updated_not_before_created": {
    type: "cqc.markets.v1.Instrument",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "spot_instrument.base_is_not_quote": {
    type: "cqc.markets.v1.SpotInstrument",
    breaks: [{ "quote_asset_id": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1" }],
  },
  "spot_instrument.updated_not_before_created": {
    type: "cqc.markets.v1.SpotInstrument",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "perp_contract.not_inverse_and_quanto": {
    type: "cqc.markets.v1.PerpContract",
    breaks: [{ "is_inverse": true, "is_quanto": true }],
  },
  "perp_contract.inverse_settles_in_underlying": {
    type: "cqc.markets.v1.PerpContract",
    breaks: [{ "is_inverse": true }],
  },
  "perp_contract.quanto_settles_elsewhere": {
    type: "cqc.markets.v1.PerpContract",
    breaks: [{ "is_quanto": true }, {
      "is_quanto": true,
      "settlement_asset_id": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1",
    }],
  },
  "perp_contract.updated_not_before_created": {
    type: "cqc.markets.v1.PerpContract",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "future_contract.not_inverse_and_quanto": {
    type: "cqc.markets.v1.FutureContract",
    breaks: [{ "is_inverse": true, "is_quanto": true }],
  },
  "future_contract.inverse_settles_in_underlying": {
    type: "cqc.markets.v1.FutureContract",
    breaks: [{ "is_inverse": true }],
  },
  "future_contract.quanto_settles_elsewhere": {
    type: "cqc.markets.v1.FutureContract",
    breaks: [{ "is_quanto": true }],
  },
  "future_contract.expiry_after_listed": {
    type: "cqc.markets.v1.FutureContract",
    breaks: [{ "expiry": "2020-01-01T00:00:00Z", "listed_at": "2030-01-01T00:00:00Z" }, {
      "expiry": "2030-01-01T00:00:00Z",
      "listed_at": "2030-01-01T00:00:00Z",
    }],
  },
  "future_contract.expiry_not_before_last_trade": {
    type: "cqc.markets.v1.FutureContract",
    breaks: [{ "expiry": "2020-01-01T00:00:00Z", "last_trade_at": "2030-01-01T00:00:00Z" }],
  },
  "future_contract.updated_not_before_created": {
    type: "cqc.markets.v1.FutureContract",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "option_series.inverse_settles_in_underlying": {
    type: "cqc.markets.v1.OptionSeries",
    breaks: [{ "is_inverse": true }],
  },
  "option_series.updated_not_before_created": {
    type: "cqc.markets.v1.OptionSeries",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "lending_deposit.fixed_term_has_maturity": {
    type: "cqc.markets.v1.LendingDeposit",
    breaks: [{ "term": "FIXED" }, { "maturity": "2030-01-01T00:00:00Z" }],
  },
  "lending_deposit.updated_not_before_created": {
    type: "cqc.markets.v1.LendingDeposit",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "lending_borrow.fixed_rate_has_maturity": {
    type: "cqc.markets.v1.LendingBorrow",
    breaks: [{ "rate_type": "FIXED" }, { "maturity": "2030-01-01T00:00:00Z" }],
  },
  "lending_borrow.updated_not_before_created": {
    type: "cqc.markets.v1.LendingBorrow",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "amm_market_details.two_tokens": {
    type: "cqc.markets.v1.AmmMarketDetails",
    breaks: [{ "token1_deployment_id": "ethereum:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48" }],
  },
  "amm_market_details.concentrated_has_spacing": {
    type: "cqc.markets.v1.AmmMarketDetails",
    breaks: [{ "tick_spacing": null }],
  },
  "lending_market_details.ltv_not_above_liquidation_threshold": {
    type: "cqc.markets.v1.LendingMarketDetails",
    breaks: [{ "ltv": "0.9", "liquidation_threshold": "0.8" }],
  },
  "risk_tier.min_notional_below_max_notional": {
    type: "cqc.markets.v1.RiskTier",
    breaks: [{ "min_notional": "9.1", "max_notional": "9.09" }, {
      "min_notional": "0.5",
      "max_notional": "0.5",
    }],
  },
  "risk_tier.maintenance_margin_rate_not_above_initial_margin_rate": {
    type: "cqc.markets.v1.RiskTier",
    breaks: [{ "maintenance_margin_rate": "0.9", "initial_margin_rate": "0.8" }],
  },
  "perp_market_details.funding_rate_floor_not_above_funding_rate_cap": {
    type: "cqc.markets.v1.PerpMarketDetails",
    breaks: [{ "funding_rate_floor": "9.1", "funding_rate_cap": "9.09" }],
  },
  "perp_market_details.maintenance_margin_rate_not_above_initial_margin_rate": {
    type: "cqc.markets.v1.PerpMarketDetails",
    breaks: [{ "maintenance_margin_rate": "0.9", "initial_margin_rate": "0.8" }],
  },
  "market.min_order_size_not_above_max_order_size": {
    type: "cqc.markets.v1.Market",
    breaks: [{ "min_order_size": "9.1", "max_order_size": "9.09" }],
  },
  "market.min_notional_not_above_max_notional": {
    type: "cqc.markets.v1.Market",
    breaks: [{ "min_notional": "9.1", "max_notional": "9.09" }],
  },
  "market.min_price_not_above_max_price": {
    type: "cqc.markets.v1.Market",
    breaks: [{ "min_price": "9.1", "max_price": "9.09" }],
  },
  "market.delisted_after_listed": {
    type: "cqc.markets.v1.Market",
    breaks: [{ "delisted_at": "2020-01-01T00:00:00Z", "listed_at": "2030-01-01T00:00:00Z" }, {
      "delisted_at": "2030-01-01T00:00:00Z",
      "listed_at": "2030-01-01T00:00:00Z",
    }],
  },
  "market.delisted_has_time": { type: "cqc.markets.v1.Market", breaks: [{ "status": "delisted" }] },
  "market.funding_interval_agrees": {
    type: "cqc.markets.v1.Market",
    breaks: [{ "funding_interval_secs": 3600 }],
  },
  "market.updated_not_before_created": {
    type: "cqc.markets.v1.Market",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "order_book.first_not_above_sequence": {
    type: "cqc.markets.v1.OrderBook",
    breaks: [{ "first_sequence": "4815162343" }],
  },
  "market_summary.bid_not_above_ask": {
    type: "cqc.markets.v1.MarketSummary",
    breaks: [{ "bid": "64250.21" }, { "bid": "-1", "ask": "-1.5" }],
  },
  "market_summary.low_not_above_high": {
    type: "cqc.markets.v1.MarketSummary",
    breaks: [{ "low": "64900.01" }, { "high": "62800.49" }],
  },
  "candle.high_low": {
    type: "cqc.markets.v1.Candle",
    breaks: [{ "high": "64250.09" }, { "low": "64270.51" }, { "close": "64280.01" }, {
      "open": "64241.29",
    }],
  },
  "candle.end_time_after_start_time": {
    type: "cqc.markets.v1.Candle",
    breaks: [{ "end_time": "2020-01-01T00:00:00Z", "start_time": "2030-01-01T00:00:00Z" }, {
      "end_time": "2030-01-01T00:00:00Z",
      "start_time": "2030-01-01T00:00:00Z",
    }],
  },
  "vwap.window_end_after_window_start": {
    type: "cqc.markets.v1.VWAP",
    breaks: [{ "window_end": "2020-01-01T00:00:00Z", "window_start": "2030-01-01T00:00:00Z" }, {
      "window_end": "2030-01-01T00:00:00Z",
      "window_start": "2030-01-01T00:00:00Z",
    }],
  },
  "market_depth.distances_once": {
    type: "cqc.markets.v1.MarketDepth",
    breaks: [{
      "bands": [{
        "distance_bps": "10",
        "bid_size": "14.2",
        "ask_size": "11.7",
        "bid_notional": "911862.70",
        "ask_notional": "752210.30",
      }, {
        "distance_bps": "10",
        "bid_size": "14.2",
        "ask_size": "11.7",
        "bid_notional": "911862.70",
        "ask_notional": "752210.30",
      }],
    }],
  },
  "market_depth.imbalance_in_range": {
    type: "cqc.markets.v1.MarketDepth",
    breaks: [{ "imbalance": "1.01" }, { "imbalance": "-2" }],
  },
  "funding_rate.next_funding_after_effective": {
    type: "cqc.markets.v1.FundingRate",
    breaks: [
      { "next_funding_at": "2020-01-01T00:00:00Z", "effective_at": "2030-01-01T00:00:00Z" },
      { "next_funding_at": "2030-01-01T00:00:00Z", "effective_at": "2030-01-01T00:00:00Z" },
    ],
  },
};
