import type { Cases } from "./_cel_cases.ts";

/** Changes to the Examples of cqc.services.v1 that break its rules over several fields. */
export const SERVICES_CASES: Cases = {
  "subscription_status.rejected_has_reason": {
    type: "cqc.services.v1.SubscriptionStatus",
    breaks: [{ "reason": null }],
  },
  "gap_notice.in_order": {
    type: "cqc.services.v1.GapNotice",
    breaks: [{ "from_sequence": "4815162391" }],
  },
  "create_asset_deployment_request.native_or_address": {
    type: "cqc.services.v1.CreateAssetDeploymentRequest",
    breaks: [{ "contract_address": null }, { "is_native": true }],
  },
  "create_identifier_request.id_matches_entity_type": {
    type: "cqc.services.v1.CreateIdentifierRequest",
    breaks: [{ "entity_type": "ASSET" }, {
      "market_id": null,
      "instrument_id": "9a8b7c6d-5e4f-4a3b-8c1d-0e9f8a7b6c5d",
    }],
  },
  "create_asset_relationship_request.not_to_itself": {
    type: "cqc.services.v1.CreateAssetRelationshipRequest",
    breaks: [{ "target_asset_id": "8f2d6c41-5b3a-4e97-a1c8-0d9e7f6b5a24" }],
  },
  "create_asset_relationship_request.variable_has_no_rate": {
    type: "cqc.services.v1.CreateAssetRelationshipRequest",
    breaks: [{ "is_rate_variable": true }],
  },
  "create_asset_relationship_request.valid_to_after_valid_from": {
    type: "cqc.services.v1.CreateAssetRelationshipRequest",
    breaks: [{ "valid_to": "2020-01-01T00:00:00Z", "valid_from": "2030-01-01T00:00:00Z" }, {
      "valid_to": "2030-01-01T00:00:00Z",
      "valid_from": "2030-01-01T00:00:00Z",
    }],
  },
  "create_chain_request.evm_has_network": {
    type: "cqc.services.v1.CreateChainRequest",
    breaks: [{ "chain_id": null }],
  },
  "new_spot_instrument.base_is_not_quote": {
    type: "cqc.services.v1.NewSpotInstrument",
    breaks: [{ "quote_asset_id": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1" }],
  },
  "new_perp_contract.not_inverse_and_quanto": {
    type: "cqc.services.v1.NewPerpContract",
    breaks: [{ "is_inverse": true, "is_quanto": true }],
  },
  "new_perp_contract.inverse_settles_in_underlying": {
    type: "cqc.services.v1.NewPerpContract",
    breaks: [{ "is_inverse": true }],
  },
  "new_perp_contract.quanto_settles_elsewhere": {
    type: "cqc.services.v1.NewPerpContract",
    breaks: [{ "is_quanto": true }, {
      "is_quanto": true,
      "settlement_asset_id": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1",
    }],
  },
  "new_future_contract.not_inverse_and_quanto": {
    type: "cqc.services.v1.NewFutureContract",
    breaks: [{ "is_inverse": true, "is_quanto": true }],
  },
  "new_future_contract.inverse_settles_in_underlying": {
    type: "cqc.services.v1.NewFutureContract",
    breaks: [{ "is_inverse": true }],
  },
  "new_future_contract.quanto_settles_elsewhere": {
    type: "cqc.services.v1.NewFutureContract",
    breaks: [{ "is_quanto": true }],
  },
  "new_future_contract.expiry_after_listed": {
    type: "cqc.services.v1.NewFutureContract",
    breaks: [{ "expiry": "2020-01-01T00:00:00Z", "listed_at": "2030-01-01T00:00:00Z" }, {
      "expiry": "2030-01-01T00:00:00Z",
      "listed_at": "2030-01-01T00:00:00Z",
    }],
  },
  "new_future_contract.expiry_not_before_last_trade": {
    type: "cqc.services.v1.NewFutureContract",
    breaks: [{ "expiry": "2020-01-01T00:00:00Z", "last_trade_at": "2030-01-01T00:00:00Z" }],
  },
  "new_option_series.inverse_settles_in_underlying": {
    type: "cqc.services.v1.NewOptionSeries",
    breaks: [{ "is_inverse": true }],
  },
  "new_lending_deposit.fixed_term_has_maturity": {
    type: "cqc.services.v1.NewLendingDeposit",
    breaks: [{ "term": "FIXED" }, { "maturity": "2030-01-01T00:00:00Z" }],
  },
  "new_lending_borrow.fixed_rate_has_maturity": {
    type: "cqc.services.v1.NewLendingBorrow",
    breaks: [{ "rate_type": "FIXED" }, { "maturity": "2030-01-01T00:00:00Z" }],
  },
  "create_instrument_request.details_match_kind": {
    type: "cqc.services.v1.CreateInstrumentRequest",
    breaks: [{ "instrument_type": "SPOT" }, {
      "perp": null,
      "spot": {
        "base_asset_id": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1",
        "quote_asset_id": "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
      },
    }],
  },
  "get_instrument_response.details_match_kind": {
    type: "cqc.services.v1.GetInstrumentResponse",
    breaks: [{
      "perp": null,
      "spot": {
        "instrument_id": "2e7d1c90-6a4b-4f58-9c03-5d8e1f2a7b46",
        "base_asset_id": "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1",
        "quote_asset_id": "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
        "created_at": "2026-01-02T08:00:00Z",
        "updated_at": "2026-01-02T08:00:00Z",
      },
    }],
  },
  "create_market_request.min_order_size_not_above_max_order_size": {
    type: "cqc.services.v1.CreateMarketRequest",
    breaks: [{ "min_order_size": "9.1", "max_order_size": "9.09" }],
  },
  "create_market_request.min_notional_not_above_max_notional": {
    type: "cqc.services.v1.CreateMarketRequest",
    breaks: [{ "min_notional": "9.1", "max_notional": "9.09" }],
  },
  "create_market_request.min_price_not_above_max_price": {
    type: "cqc.services.v1.CreateMarketRequest",
    breaks: [{ "min_price": "9.1", "max_price": "9.09" }],
  },
  "create_market_request.delisted_after_listed": {
    type: "cqc.services.v1.CreateMarketRequest",
    breaks: [{ "delisted_at": "2020-01-01T00:00:00Z", "listed_at": "2030-01-01T00:00:00Z" }, {
      "delisted_at": "2030-01-01T00:00:00Z",
      "listed_at": "2030-01-01T00:00:00Z",
    }],
  },
  "create_market_request.delisted_has_time": {
    type: "cqc.services.v1.CreateMarketRequest",
    breaks: [{ "status": "delisted" }],
  },
  "create_market_request.funding_interval_agrees": {
    type: "cqc.services.v1.CreateMarketRequest",
    breaks: [{ "funding_interval_secs": 3600 }],
  },
  "update_market_request.min_order_size_not_above_max_order_size": {
    type: "cqc.services.v1.UpdateMarketRequest",
    breaks: [{ "min_order_size": "9.1", "max_order_size": "9.09" }],
  },
  "update_market_request.min_notional_not_above_max_notional": {
    type: "cqc.services.v1.UpdateMarketRequest",
    breaks: [{ "min_notional": "9.1", "max_notional": "9.09" }],
  },
  "update_market_request.min_price_not_above_max_price": {
    type: "cqc.services.v1.UpdateMarketRequest",
    breaks: [{ "min_price": "9.1", "max_price": "9.09" }],
  },
  "update_market_request.delisted_after_listed": {
    type: "cqc.services.v1.UpdateMarketRequest",
    breaks: [{ "delisted_at": "2020-01-01T00:00:00Z", "listed_at": "2030-01-01T00:00:00Z" }, {
      "delisted_at": "2030-01-01T00:00:00Z",
      "listed_at": "2030-01-01T00:00:00Z",
    }],
  },
  "update_market_request.funding_interval_agrees": {
    type: "cqc.services.v1.UpdateMarketRequest",
    breaks: [{ "funding_interval_secs": 3600, "perp": { "funding_interval": "28800s" } }],
  },
  "update_venue_asset_request.delisted_after_listed": {
    type: "cqc.services.v1.UpdateVenueAssetRequest",
    breaks: [{ "delisted_at": "2020-01-01T00:00:00Z", "listed_at": "2030-01-01T00:00:00Z" }, {
      "delisted_at": "2030-01-01T00:00:00Z",
      "listed_at": "2030-01-01T00:00:00Z",
    }],
  },
  "resolve_market_response.same_ids": {
    type: "cqc.services.v1.ResolveMarketResponse",
    breaks: [{ "market_id": "2e7d1c90-6a4b-4f58-9c03-5d8e1f2a7b46" }, {
      "instrument_id": "2e7d1c90-6a4b-4f58-9c03-5d8e1f2a7b46",
    }],
  },
  "create_venue_request.on_chain_has_chain": {
    type: "cqc.services.v1.CreateVenueRequest",
    breaks: [{ "venue_type": "VENUE_TYPE_DEX" }, { "venue_type": "VENUE_TYPE_BRIDGE" }, {
      "venue_type": "VENUE_TYPE_LENDING",
    }],
  },
  "create_venue_asset_request.delisted_after_listed": {
    type: "cqc.services.v1.CreateVenueAssetRequest",
    breaks: [{ "delisted_at": "2020-01-01T00:00:00Z", "listed_at": "2030-01-01T00:00:00Z" }, {
      "delisted_at": "2030-01-01T00:00:00Z",
      "listed_at": "2030-01-01T00:00:00Z",
    }],
  },
  "create_account_request.wallet_has_address": {
    type: "cqc.services.v1.CreateAccountRequest",
    breaks: [{ "account_type": "ACCOUNT_TYPE_WALLET" }, {
      "wallet_address": "0x9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e",
    }, {
      "account_type": "ACCOUNT_TYPE_WALLET",
      "wallet_address": "0x9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e",
    }],
  },
  "verify_credentials_response.reason_when_invalid": {
    type: "cqc.services.v1.VerifyCredentialsResponse",
    breaks: [{ "valid": false }, { "failure_reason": "REJECT_REASON_PERMISSION" }],
  },
  "batch_place_orders_request.ids_once": {
    type: "cqc.services.v1.BatchPlaceOrdersRequest",
    breaks: [{
      "orders": [{
        "client_order_id": "mm-20260115-000042",
        "account_id": "a3bb189e-8bf9-4c0a-9b1b-3f0f3b6f4d10",
        "portfolio_id": "e4eaaaf2-d142-41b3-9a6b-2e5d0c8f7a21",
        "market_id": "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b11",
        "side": "ORDER_SIDE_BUY",
        "order_type": "ORDER_TYPE_LIMIT",
        "time_in_force": "TIME_IN_FORCE_GTC",
        "quantity": "0.5",
        "price": "64000.00",
        "post_only": true,
        "tags": { "strategy": "mm-1" },
      }, {
        "client_order_id": "mm-20260115-000042",
        "account_id": "a3bb189e-8bf9-4c0a-9b1b-3f0f3b6f4d10",
        "portfolio_id": "e4eaaaf2-d142-41b3-9a6b-2e5d0c8f7a21",
        "market_id": "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b11",
        "side": "ORDER_SIDE_BUY",
        "order_type": "ORDER_TYPE_LIMIT",
        "time_in_force": "TIME_IN_FORCE_GTC",
        "quantity": "0.5",
        "price": "64000.00",
        "post_only": true,
        "tags": { "strategy": "mm-1" },
      }],
    }],
  },
  "cancel_order_request.account_with_foreign_id": {
    type: "cqc.services.v1.CancelOrderRequest",
    breaks: [{ "order_id": null, "venue_order_id": "8886774" }],
  },
  "modify_order_request.account_with_foreign_id": {
    type: "cqc.services.v1.ModifyOrderRequest",
    breaks: [{ "order_id": null, "client_order_id": "mm-20260115-000042" }],
  },
  "modify_order_request.something_changes": {
    type: "cqc.services.v1.ModifyOrderRequest",
    breaks: [{ "price": null }],
  },
  "get_order_request.account_with_foreign_id": {
    type: "cqc.services.v1.GetOrderRequest",
    breaks: [{ "order_id": null, "venue_order_id": "8886774" }],
  },
  "list_orders_request.created_to_after_created_from": {
    type: "cqc.services.v1.ListOrdersRequest",
    breaks: [{ "created_to": "2020-01-01T00:00:00Z", "created_from": "2030-01-01T00:00:00Z" }, {
      "created_to": "2030-01-01T00:00:00Z",
      "created_from": "2030-01-01T00:00:00Z",
    }],
  },
  "list_execution_reports_request.executed_to_after_executed_from": {
    type: "cqc.services.v1.ListExecutionReportsRequest",
    breaks: [{ "executed_to": "2020-01-01T00:00:00Z", "executed_from": "2030-01-01T00:00:00Z" }, {
      "executed_to": "2030-01-01T00:00:00Z",
      "executed_from": "2030-01-01T00:00:00Z",
    }],
  },
  "transfer_funds_request.not_to_itself": {
    type: "cqc.services.v1.TransferFundsRequest",
    breaks: [{ "to_account_id": "a3bb189e-8bf9-4c0a-9b1b-3f0f3b6f4d10" }],
  },
  "list_transfers_request.requested_to_after_requested_from": {
    type: "cqc.services.v1.ListTransfersRequest",
    breaks: [{ "requested_to": "2020-01-01T00:00:00Z", "requested_from": "2030-01-01T00:00:00Z" }, {
      "requested_to": "2030-01-01T00:00:00Z",
      "requested_from": "2030-01-01T00:00:00Z",
    }],
  },
  "batch_get_prices_request.one_to_200_markets": {
    type: "cqc.services.v1.BatchGetPricesRequest",
    breaks: [{ "market_ids": [], "venue_symbols": [] }],
  },
  "list_prices_request.observed_to_after_observed_from": {
    type: "cqc.services.v1.ListPricesRequest",
    breaks: [{ "observed_to": "2020-01-01T00:00:00Z", "observed_from": "2030-01-01T00:00:00Z" }, {
      "observed_to": "2030-01-01T00:00:00Z",
      "observed_from": "2030-01-01T00:00:00Z",
    }],
  },
  "stream_prices_request.one_to_200_markets": {
    type: "cqc.services.v1.StreamPricesRequest",
    breaks: [{ "market_ids": [], "venue_symbols": [] }],
  },
};
