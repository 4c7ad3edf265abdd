import type { JsonValue } from "../../contracts/mod.ts";
import { ASSETS_CASES } from "./_cel_cases_assets.ts";
import { EVENTS_CASES } from "./_cel_cases_events.ts";
import { IDENTIFIERS_CASES } from "./_cel_cases_identifiers.ts";
import { MARKETS_CASES } from "./_cel_cases_markets.ts";
import { PORTFOLIO_CASES } from "./_cel_cases_portfolio.ts";
import { RISK_CASES } from "./_cel_cases_risk.ts";
import { SERVICES_CASES } from "./_cel_cases_services.ts";
import { SERVICES_CASES_2 } from "./_cel_cases_services_2.ts";
import { VENUES_CASES } from "./_cel_cases_venues.ts";

/** Fields put over the Example of a message; null takes a field out. */
export type Patch = Readonly<Record<string, JsonValue>>;

const later = "2030-01-01T00:00:00Z";
const earlier = "2020-01-01T00:00:00Z";

/** By rule: the message that has it, and changes to its Example. */
export type Cases = Readonly<Record<string, { type: string; breaks: readonly Patch[] }>>;

/** For every rule over several fields: changes to the Example, each of which breaks it alone. */
export const CASES: Cases = {
  ...ASSETS_CASES,
  ...EVENTS_CASES,
  ...IDENTIFIERS_CASES,
  ...MARKETS_CASES,
  ...PORTFOLIO_CASES,
  ...RISK_CASES,
  ...SERVICES_CASES,
  ...SERVICES_CASES_2,
  ...VENUES_CASES,
  "price.bid_not_above_ask": {
    type: "cqc.markets.v1.Price",
    breaks: [{ bid: "64250.21" }, { bid: "100", ask: "99.999" }, { bid: "1", ask: "0" }],
  },
  "algo_parameters.end_after_start": {
    type: "cqc.venues.v1.AlgoParameters",
    breaks: [{ end_at: earlier }, { start_at: later, end_at: later }],
  },
  "order.price_matches_type": {
    type: "cqc.venues.v1.Order",
    breaks: [
      { price: null },
      { order_type: "ORDER_TYPE_MARKET", post_only: null },
      { order_type: "ORDER_TYPE_STOP_MARKET", post_only: null, trigger_price: "1" },
      { order_type: "ORDER_TYPE_TWAP", post_only: null, algo: {} },
    ],
  },
  "order.trigger_matches_type": {
    type: "cqc.venues.v1.Order",
    breaks: [{ trigger_price: "1" }, { order_type: "ORDER_TYPE_STOP_LIMIT", post_only: null }],
  },
  "order.gtd_needs_expiry": {
    type: "cqc.venues.v1.Order",
    breaks: [{ time_in_force: "TIME_IN_FORCE_GTD" }],
  },
  "order.post_only_must_rest": {
    type: "cqc.venues.v1.Order",
    breaks: [
      { time_in_force: "TIME_IN_FORCE_IOC" },
      { time_in_force: "TIME_IN_FORCE_FOK" },
      { order_type: "ORDER_TYPE_MARKET", price: null },
    ],
  },
  "order.trailing_matches_type": {
    type: "cqc.venues.v1.Order",
    breaks: [
      { trailing_offset: "5", trailing_offset_unit: "TRAILING_OFFSET_UNIT_PRICE" },
      { trailing_offset_unit: "TRAILING_OFFSET_UNIT_PRICE" },
      { order_type: "ORDER_TYPE_TRAILING_STOP", price: null, post_only: null },
      {
        order_type: "ORDER_TYPE_TRAILING_STOP",
        price: null,
        post_only: null,
        trailing_offset: "5",
      },
    ],
  },
  "order.algo_matches_type": {
    type: "cqc.venues.v1.Order",
    breaks: [{ algo: {} }, { order_type: "ORDER_TYPE_VWAP", price: null, post_only: null }],
  },
  "order.close_position_reduces": {
    type: "cqc.venues.v1.Order",
    breaks: [{ close_position: true }, { close_position: true, reduce_only: false }],
  },
  "order.closed_at_matches_status": {
    type: "cqc.venues.v1.Order",
    breaks: [
      { closed_at: later },
      { status: "ORDER_STATUS_FILLED" },
      { status: "ORDER_STATUS_CANCELED" },
      { status: "ORDER_STATUS_UNKNOWN", closed_at: later },
    ],
  },
  "order.reject_reason_matches_status": {
    type: "cqc.venues.v1.Order",
    breaks: [{ reject_reason: "REJECT_REASON_OTHER" }],
  },
  "order.filled_not_above_quantity": {
    type: "cqc.venues.v1.Order",
    breaks: [{ filled_quantity: "0.6" }, { filled_quantity: "10" }],
  },
  "order.updated_not_before_created": {
    type: "cqc.venues.v1.Order",
    breaks: [{ updated_at: earlier }],
  },
  "position.market_needs_instrument": {
    type: "cqc.portfolio.v1.Position",
    breaks: [{ instrument_id: null, asset_id: "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901" }],
  },
  "position.flat_iff_zero": {
    type: "cqc.portfolio.v1.Position",
    breaks: [
      { side: "POSITION_SIDE_FLAT" },
      { quantity: "0" },
      { quantity: "0.000" },
      { side: "POSITION_SIDE_FLAT", quantity: "0.01" },
    ],
  },
  "position.closed_is_flat": {
    type: "cqc.portfolio.v1.Position",
    breaks: [{ closed_at: later }],
  },
  "position.updated_not_before_opened": {
    type: "cqc.portfolio.v1.Position",
    breaks: [{ updated_at: earlier }],
  },
  "position_changed.opened_has_no_previous": {
    type: "cqc.events.v1.PositionChanged",
    breaks: [{
      previous_position: {
        position_id: "1f0d7c84-3d0b-4f6e-8d3f-9a4b8c7e6d52",
        portfolio_id: "e4eaaaf2-d142-41b3-9a6b-2e5d0c8f7a21",
        asset_id: "6f1e2d3c-4b5a-4c69-8778-96a5b4c3d2e1",
        side: "POSITION_SIDE_FLAT",
        quantity: "0",
        valuation_asset_id: "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
        opened_at: earlier,
        updated_at: earlier,
        as_of: earlier,
      },
    }],
  },
  "risk_alert.expires_after_detected": {
    type: "cqc.events.v1.RiskAlert",
    breaks: [{ expires_at: earlier }, { expires_at: "2026-01-15T09:31:59.900Z" }],
  },
  "health_check_response.healthy_needs_critical": {
    type: "cqc.infrastructure.v1.HealthCheckResponse",
    breaks: [{
      status: "SERVICE_STATUS_HEALTHY",
      components: [{
        name: "database",
        kind: "COMPONENT_KIND_DATABASE",
        status: "SERVICE_STATUS_DEGRADED",
        critical: true,
        checked_at: later,
      }],
    }],
  },
  "log_entry.span_needs_trace": {
    type: "cqc.observability.v1.LogEntry",
    breaks: [{ trace_id: null }],
  },
  "metric_definition.counter_ends_total": {
    type: "cqc.observability.v1.MetricDefinition",
    breaks: [{ type: "METRIC_TYPE_COUNTER", buckets: null }],
  },
  "metric_definition.buckets_only_histogram": {
    type: "cqc.observability.v1.MetricDefinition",
    breaks: [{ buckets: null }, { buckets: [] }, { type: "METRIC_TYPE_GAUGE" }],
  },
  "metric_definition.reserved_labels": {
    type: "cqc.observability.v1.MetricDefinition",
    breaks: [{ label_names: ["le"] }, { label_names: ["route", "quantile"] }],
  },
  "metric_catalog.unique_names": {
    type: "cqc.observability.v1.MetricCatalog",
    breaks: [{
      definitions: [
        { name: "a", type: "METRIC_TYPE_GAUGE", help: "A" },
        { name: "a", type: "METRIC_TYPE_GAUGE", help: "B" },
      ],
    }],
  },
  "trace_context.ids_not_zero": {
    type: "cqc.observability.v1.TraceContext",
    breaks: [
      { traceparent: "00-00000000000000000000000000000000-00f067aa0ba902b7-01" },
      { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01" },
    ],
  },
  "auth_context.expires_after_issued": {
    type: "cqc.auth.v1.AuthContext",
    breaks: [{ expires_at: earlier }],
  },
  "auth_context.api_key_has_id": {
    type: "cqc.auth.v1.AuthContext",
    breaks: [{ method: "AUTH_METHOD_API_KEY", token_id: null }],
  },
  "api_key.revoked_not_before_created": {
    type: "cqc.auth.v1.ApiKey",
    breaks: [{ revoked_at: earlier }],
  },
  "api_key.expires_after_created": {
    type: "cqc.auth.v1.ApiKey",
    breaks: [{ expires_at: earlier }],
  },
  "jwt_claims.exp_after_iat": {
    type: "cqc.auth.v1.JwtClaims",
    breaks: [{ exp: earlier }],
  },
  "tls_config.key_needs_certificate": {
    type: "cqc.config.v1.TlsConfig",
    breaks: [{ private_key: { env: "KEY" } }, { cert_file: "/c.pem" }, { cert_pem: "x" }],
  },
  "database_config.min_not_above_max_conns": {
    type: "cqc.config.v1.DatabaseConfig",
    breaks: [{ min_conns: 21 }],
  },
  "postgres_config.url_or_fields": {
    type: "cqc.config.v1.PostgresConfig",
    breaks: [{ url: { env: "URL" } }],
  },
  "redis_config.cluster_has_one_database": {
    type: "cqc.config.v1.RedisConfig",
    breaks: [{ single: null, cluster: { nodes: ["a:6379"] }, database: 1 }],
  },
  "kafka_config.idempotent_needs_acks_all": {
    type: "cqc.config.v1.KafkaConfig",
    breaks: [{ idempotent: true, acks: "leader" }],
  },
  "sasl_config.credentials_match_mechanism": {
    type: "cqc.config.v1.SaslConfig",
    breaks: [
      { mechanism: "OAUTHBEARER" },
      { password: null },
      { username: null },
      { token: { env: "TOKEN" } },
    ],
  },
  "auth_config.unique_key_ids": {
    type: "cqc.config.v1.AuthConfig",
    breaks: [{
      api_keys: [1, 2].map(() => ({
        key_id: "k_1",
        hash: "0".repeat(64),
        principal: { principal_id: "cqpm", type: "PRINCIPAL_TYPE_SERVICE" },
      })),
    }],
  },
  "api_key_entry.expires_after_begin": {
    type: "cqc.config.v1.ApiKeyEntry",
    breaks: [{ not_before: later }],
  },
  "jwt_auth_config.algorithms_match_key": {
    type: "cqc.config.v1.JwtAuthConfig",
    breaks: [
      { algorithms: ["HS256"] },
      { algorithms: ["ES256", "HS512"] },
      { jwks_uri: null, secret: { env: "S" }, algorithms: ["ES256"] },
      { jwks_uri: null, public_key_pem: "pem", algorithms: ["HS256"] },
    ],
  },
  "retry_config.initial_not_above_max_delay": {
    type: "cqc.config.v1.RetryConfig",
    breaks: [{ initial_delay: "10.000001s" }],
  },
  "aws_secrets_config.keys_together": {
    type: "cqc.config.v1.AwsSecretsConfig",
    breaks: [{ access_key_id: { env: "A" } }, { secret_access_key: { env: "A" } }],
  },
};
