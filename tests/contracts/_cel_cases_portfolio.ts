import type { Cases } from "./_cel_cases.ts";

/** Changes to the Examples of cqc.portfolio.v1 that break its rules over several fields. */
export const PORTFOLIO_CASES: Cases = {
  "portfolio.not_its_own_parent": {
    type: "cqc.portfolio.v1.Portfolio",
    breaks: [{ "parent_portfolio_id": "e4eaaaf2-d142-41b3-9a6b-2e5d0c8f7a21" }],
  },
  "portfolio.updated_not_before_created": {
    type: "cqc.portfolio.v1.Portfolio",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "exposure.long_not_above_gross": {
    type: "cqc.portfolio.v1.Exposure",
    breaks: [{ "long": "9.1", "gross": "9.09" }],
  },
  "exposure.short_not_above_gross": {
    type: "cqc.portfolio.v1.Exposure",
    breaks: [{ "short": "9.1", "gross": "9.09" }],
  },
  "allocation.min_weight_not_above_target_weight": {
    type: "cqc.portfolio.v1.Allocation",
    breaks: [{ "min_weight": "0.9", "target_weight": "0.8" }],
  },
  "allocation.target_weight_not_above_max_weight": {
    type: "cqc.portfolio.v1.Allocation",
    breaks: [{ "target_weight": "0.9", "max_weight": "0.8" }],
  },
  "allocation.min_weight_not_above_max_weight": {
    type: "cqc.portfolio.v1.Allocation",
    breaks: [{ "min_weight": "0.9", "max_weight": "0.8", "target_weight": null }],
  },
  "transaction.swap_has_two_sides": {
    type: "cqc.portfolio.v1.Transaction",
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
  "transaction.recorded_not_before_executed": {
    type: "cqc.portfolio.v1.Transaction",
    breaks: [{ "recorded_at": "2020-01-01T00:00:00Z" }],
  },
  "pnl.period_end_after_period_start": {
    type: "cqc.portfolio.v1.PnL",
    breaks: [{ "period_end": "2020-01-01T00:00:00Z", "period_start": "2030-01-01T00:00:00Z" }, {
      "period_end": "2030-01-01T00:00:00Z",
      "period_start": "2030-01-01T00:00:00Z",
    }],
  },
};
