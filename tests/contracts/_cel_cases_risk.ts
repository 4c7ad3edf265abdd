import type { Cases } from "./_cel_cases.ts";

/** Changes to the Examples of cqc.risk.v1 that break its rules over several fields. */
export const RISK_CASES: Cases = {
  "risk_limit.dimension_has_value": {
    type: "cqc.risk.v1.RiskLimit",
    breaks: [{ "dimension": "EXPOSURE_DIMENSION_ASSET" }, { "dimension_value": "binance" }],
  },
  "risk_limit.effective_to_after_effective_from": {
    type: "cqc.risk.v1.RiskLimit",
    breaks: [{ "effective_to": "2020-01-01T00:00:00Z", "effective_from": "2030-01-01T00:00:00Z" }, {
      "effective_to": "2030-01-01T00:00:00Z",
      "effective_from": "2030-01-01T00:00:00Z",
    }],
  },
  "risk_limit.updated_not_before_created": {
    type: "cqc.risk.v1.RiskLimit",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "stress_shock.not_below_all": {
    type: "cqc.risk.v1.StressShock",
    breaks: [{ "price_change": "-1.01" }],
  },
  "stress_scenario.assets_once": {
    type: "cqc.risk.v1.StressScenario",
    breaks: [{
      "shocks": [{ "asset_id": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1", "price_change": "-0.3" }, {
        "asset_id": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1",
        "price_change": "-0.3",
      }],
    }],
  },
  "alert.acknowledged_by_whom": {
    type: "cqc.risk.v1.Alert",
    breaks: [{ "acknowledged_by": null }],
  },
  "alert.resolved_by_whom": {
    type: "cqc.risk.v1.Alert",
    breaks: [{ "status": "ALERT_STATUS_RESOLVED" }, { "resolved_at": "2030-01-01T00:00:00Z" }, {
      "resolved_by": "user:ada",
    }],
  },
  "alert.acknowledged_when_said": {
    type: "cqc.risk.v1.Alert",
    breaks: [{ "acknowledged_at": null, "acknowledged_by": null }],
  },
  "alert.resolved_not_before_detected": {
    type: "cqc.risk.v1.Alert",
    breaks: [{ "resolved_at": "2020-01-01T00:00:00Z", "detected_at": "2030-01-01T00:00:00Z" }],
  },
  "alert.expires_after_detected": {
    type: "cqc.risk.v1.Alert",
    breaks: [{ "expires_at": "2020-01-01T00:00:00Z", "detected_at": "2030-01-01T00:00:00Z" }, {
      "expires_at": "2030-01-01T00:00:00Z",
      "detected_at": "2030-01-01T00:00:00Z",
    }],
  },
};
