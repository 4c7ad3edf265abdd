import type { Cases } from "./_cel_cases.ts";

/** Changes to the Examples of cqc.services.v1 that break its rules over several fields. */
export const SERVICES_CASES_2: Cases = {
  "stream_order_book_request.one_to_200_markets": {
    type: "cqc.services.v1.StreamOrderBookRequest",
    breaks: [{ "market_ids": [], "venue_symbols": [] }],
  },
  "list_trades_request.executed_to_after_executed_from": {
    type: "cqc.services.v1.ListTradesRequest",
    breaks: [{ "executed_to": "2020-01-01T00:00:00Z", "executed_from": "2030-01-01T00:00:00Z" }, {
      "executed_to": "2030-01-01T00:00:00Z",
      "executed_from": "2030-01-01T00:00:00Z",
    }],
  },
  "stream_trades_request.one_to_200_markets": {
    type: "cqc.services.v1.StreamTradesRequest",
    breaks: [{ "market_ids": [], "venue_symbols": [] }],
  },
  "list_candles_request.start_to_after_start_from": {
    type: "cqc.services.v1.ListCandlesRequest",
    breaks: [{ "start_to": "2020-01-01T00:00:00Z", "start_from": "2030-01-01T00:00:00Z" }, {
      "start_to": "2030-01-01T00:00:00Z",
      "start_from": "2030-01-01T00:00:00Z",
    }],
  },
  "stream_candles_request.one_to_200_markets": {
    type: "cqc.services.v1.StreamCandlesRequest",
    breaks: [{ "market_ids": [], "venue_symbols": [] }],
  },
  "get_vwap_request.window_end_after_window_start": {
    type: "cqc.services.v1.GetVWAPRequest",
    breaks: [{ "window_end": "2020-01-01T00:00:00Z", "window_start": "2030-01-01T00:00:00Z" }, {
      "window_end": "2030-01-01T00:00:00Z",
      "window_start": "2030-01-01T00:00:00Z",
    }],
  },
  "list_funding_rates_request.effective_to_after_effective_from": {
    type: "cqc.services.v1.ListFundingRatesRequest",
    breaks: [{ "effective_to": "2020-01-01T00:00:00Z", "effective_from": "2030-01-01T00:00:00Z" }, {
      "effective_to": "2030-01-01T00:00:00Z",
      "effective_from": "2030-01-01T00:00:00Z",
    }],
  },
  "stream_funding_rates_request.one_to_200_markets": {
    type: "cqc.services.v1.StreamFundingRatesRequest",
    breaks: [{ "market_ids": [], "venue_symbols": [] }],
  },
  "record_transaction_request.swap_has_two_sides": {
    type: "cqc.services.v1.RecordTransactionRequest",
    breaks: [{
      "type": "TRANSACTION_TYPE_SWAP",
      "legs": [{
        "asset_id": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1",
        "amount": "0.5",
        "role": "LEG_ROLE_PRINCIPAL",
        "price": "64000.00",
        "value": "32000.00",
      }, {
        "asset_id": "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
        "amount": "-12.80",
        "role": "LEG_ROLE_FEE",
      }],
    }],
  },
  "list_transactions_request.executed_to_after_executed_from": {
    type: "cqc.services.v1.ListTransactionsRequest",
    breaks: [{ "executed_to": "2020-01-01T00:00:00Z", "executed_from": "2030-01-01T00:00:00Z" }, {
      "executed_to": "2030-01-01T00:00:00Z",
      "executed_from": "2030-01-01T00:00:00Z",
    }],
  },
  "allocation_target.min_weight_not_above_target_weight": {
    type: "cqc.services.v1.AllocationTarget",
    breaks: [{ "min_weight": "0.9", "target_weight": "0.8" }],
  },
  "allocation_target.target_weight_not_above_max_weight": {
    type: "cqc.services.v1.AllocationTarget",
    breaks: [{ "target_weight": "0.9", "max_weight": "0.8" }],
  },
  "set_allocation_targets_request.targets_once": {
    type: "cqc.services.v1.SetAllocationTargetsRequest",
    breaks: [{
      "targets": [{
        "dimension": "EXPOSURE_DIMENSION_ASSET",
        "dimension_value": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1",
        "target_weight": "0.25",
        "min_weight": "0.2",
        "max_weight": "0.3",
        "tolerance": "0.02",
      }, {
        "dimension": "EXPOSURE_DIMENSION_ASSET",
        "dimension_value": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1",
        "target_weight": "0.25",
        "min_weight": "0.2",
        "max_weight": "0.3",
        "tolerance": "0.02",
      }],
    }],
  },
  "get_pnl_request.period_end_after_period_start": {
    type: "cqc.services.v1.GetPnLRequest",
    breaks: [{ "period_end": "2020-01-01T00:00:00Z", "period_start": "2030-01-01T00:00:00Z" }, {
      "period_end": "2030-01-01T00:00:00Z",
      "period_start": "2030-01-01T00:00:00Z",
    }],
  },
  "list_pnl_series_request.period_end_after_period_start": {
    type: "cqc.services.v1.ListPnLSeriesRequest",
    breaks: [{ "period_end": "2020-01-01T00:00:00Z", "period_start": "2030-01-01T00:00:00Z" }, {
      "period_end": "2030-01-01T00:00:00Z",
      "period_start": "2030-01-01T00:00:00Z",
    }],
  },
  "create_risk_limit_request.dimension_has_value": {
    type: "cqc.services.v1.CreateRiskLimitRequest",
    breaks: [{ "dimension": "EXPOSURE_DIMENSION_ASSET" }, { "dimension_value": "binance" }],
  },
  "create_risk_limit_request.effective_to_after_effective_from": {
    type: "cqc.services.v1.CreateRiskLimitRequest",
    breaks: [{ "effective_to": "2020-01-01T00:00:00Z", "effective_from": "2030-01-01T00:00:00Z" }, {
      "effective_to": "2030-01-01T00:00:00Z",
      "effective_from": "2030-01-01T00:00:00Z",
    }],
  },
  "update_risk_limit_request.effective_to_after_effective_from": {
    type: "cqc.services.v1.UpdateRiskLimitRequest",
    breaks: [{ "effective_to": "2020-01-01T00:00:00Z", "effective_from": "2030-01-01T00:00:00Z" }, {
      "effective_to": "2030-01-01T00:00:00Z",
      "effective_from": "2030-01-01T00:00:00Z",
    }],
  },
  "check_order_response.refused_has_violation": {
    type: "cqc.services.v1.CheckOrderResponse",
    breaks: [{ "violations": [] }],
  },
  "run_stress_test_request.scenarios_once": {
    type: "cqc.services.v1.RunStressTestRequest",
    breaks: [{
      "scenarios": [{
        "scenario_id": "crypto-crash",
        "name": "Crypto falls by a third",
        "shocks": [{ "asset_id": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1", "price_change": "-0.3" }, {
          "asset_id": "3c8a5b1e-9d27-4f60-8e34-7b6a1c2d5f03",
          "price_change": "-0.4",
        }],
      }, {
        "scenario_id": "crypto-crash",
        "name": "Crypto falls by a third",
        "shocks": [{ "asset_id": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1", "price_change": "-0.3" }, {
          "asset_id": "3c8a5b1e-9d27-4f60-8e34-7b6a1c2d5f03",
          "price_change": "-0.4",
        }],
      }],
    }],
  },
  "list_risk_alerts_request.detected_to_after_detected_from": {
    type: "cqc.services.v1.ListRiskAlertsRequest",
    breaks: [{ "detected_to": "2020-01-01T00:00:00Z", "detected_from": "2030-01-01T00:00:00Z" }, {
      "detected_to": "2030-01-01T00:00:00Z",
      "detected_from": "2030-01-01T00:00:00Z",
    }],
  },
};
