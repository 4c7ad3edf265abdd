import type { Cases } from "./_cel_cases.ts";

/** Changes to the Examples of cqc.venues.v1 that break its rules over several fields. */
export const VENUES_CASES: Cases = {
  "venue.on_chain_has_chain": {
    type: "cqc.venues.v1.Venue",
    breaks: [{ "venue_type": "VENUE_TYPE_DEX" }, { "venue_type": "VENUE_TYPE_BRIDGE" }, {
      "venue_type": "VENUE_TYPE_LENDING",
    }],
  },
  "venue.updated_not_before_created": {
    type: "cqc.venues.v1.Venue",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "venue_asset.delisted_after_listed": {
    type: "cqc.venues.v1.VenueAsset",
    breaks: [{ "delisted_at": "2020-01-01T00:00:00Z", "listed_at": "2030-01-01T00:00:00Z" }, {
      "delisted_at": "2030-01-01T00:00:00Z",
      "listed_at": "2030-01-01T00:00:00Z",
    }],
  },
  "venue_asset.updated_not_before_created": {
    type: "cqc.venues.v1.VenueAsset",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "venue_account.wallet_has_address": {
    type: "cqc.venues.v1.VenueAccount",
    breaks: [{ "account_type": "ACCOUNT_TYPE_WALLET" }, {
      "wallet_address": "0x9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e",
    }, {
      "account_type": "ACCOUNT_TYPE_WALLET",
      "wallet_address": "0x9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e",
    }],
  },
  "venue_account.updated_not_before_created": {
    type: "cqc.venues.v1.VenueAccount",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "execution_report.trade_has_fill": {
    type: "cqc.venues.v1.ExecutionReport",
    breaks: [{ "last_quantity": null }, { "last_price": null }, { "liquidity_side": null }],
  },
  "execution_report.rejected_has_reason": {
    type: "cqc.venues.v1.ExecutionReport",
    breaks: [{
      "execution_type": "EXECUTION_TYPE_REJECTED",
      "order_status": "ORDER_STATUS_REJECTED",
    }],
  },
  "execution_report.replaced_names_original": {
    type: "cqc.venues.v1.ExecutionReport",
    breaks: [{ "execution_type": "EXECUTION_TYPE_REPLACED" }],
  },
  "funds_transfer.internal_names_target": {
    type: "cqc.venues.v1.FundsTransfer",
    breaks: [{ "direction": "TRANSFER_DIRECTION_INTERNAL" }, {
      "to_account_id": "e4eaaaf2-d142-41b3-9a6b-2e5d0c8f7a21",
    }],
  },
  "funds_transfer.withdrawal_has_address": {
    type: "cqc.venues.v1.FundsTransfer",
    breaks: [{ "address": null }],
  },
  "funds_transfer.final_has_time": {
    type: "cqc.venues.v1.FundsTransfer",
    breaks: [{ "status": "TRANSFER_STATUS_COMPLETED" }, { "status": "TRANSFER_STATUS_FAILED" }, {
      "completed_at": "2030-01-01T00:00:00Z",
    }],
  },
  "funds_transfer.completed_not_before_requested": {
    type: "cqc.venues.v1.FundsTransfer",
    breaks: [{ "completed_at": "2020-01-01T00:00:00Z", "requested_at": "2030-01-01T00:00:00Z" }],
  },
  "new_order.price_matches_type": {
    type: "cqc.venues.v1.NewOrder",
    breaks: [{ "price": null }, { "order_type": "ORDER_TYPE_MARKET", "post_only": null }, {
      "order_type": "ORDER_TYPE_STOP_MARKET",
      "post_only": null,
      "trigger_price": "1",
    }, { "order_type": "ORDER_TYPE_TWAP", "post_only": null, "algo": {} }],
  },
  "new_order.trigger_matches_type": {
    type: "cqc.venues.v1.NewOrder",
    breaks: [{ "trigger_price": "1" }, {
      "order_type": "ORDER_TYPE_STOP_LIMIT",
      "post_only": null,
    }],
  },
  "new_order.gtd_needs_expiry": {
    type: "cqc.venues.v1.NewOrder",
    breaks: [{ "time_in_force": "TIME_IN_FORCE_GTD" }],
  },
  "new_order.post_only_must_rest": {
    type: "cqc.venues.v1.NewOrder",
    breaks: [{ "time_in_force": "TIME_IN_FORCE_IOC" }, { "time_in_force": "TIME_IN_FORCE_FOK" }, {
      "order_type": "ORDER_TYPE_MARKET",
      "price": null,
    }],
  },
  "new_order.trailing_matches_type": {
    type: "cqc.venues.v1.NewOrder",
    breaks: [
      { "trailing_offset": "5", "trailing_offset_unit": "TRAILING_OFFSET_UNIT_PRICE" },
      { "trailing_offset_unit": "TRAILING_OFFSET_UNIT_PRICE" },
      { "order_type": "ORDER_TYPE_TRAILING_STOP", "price": null, "post_only": null },
      {
        "order_type": "ORDER_TYPE_TRAILING_STOP",
        "price": null,
        "post_only": null,
        "trailing_offset": "5",
      },
    ],
  },
  "new_order.algo_matches_type": {
    type: "cqc.venues.v1.NewOrder",
    breaks: [{ "algo": {} }, { "order_type": "ORDER_TYPE_VWAP", "price": null, "post_only": null }],
  },
  "new_order.close_position_reduces": {
    type: "cqc.venues.v1.NewOrder",
    breaks: [{ "close_position": true }, { "close_position": true, "reduce_only": false }],
  },
};
