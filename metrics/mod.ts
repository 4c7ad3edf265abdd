/**
 * Metrics: counters, gauges and histograms with checked names, typed labels and a limit on the
 * number of series, written out for Prometheus.
 *
 * @example Count
 * ```ts
 * import * as metrics from "@cq/cqi/metrics";
 * import * as prometheus from "@cq/cqi/metrics/prometheus";
 * import assert from "node:assert/strict";
 *
 * await using registry = await metrics.open({}, { drivers: { prometheus: () => prometheus } });
 * const latency = registry.histogram({
 *   name: "order_latency_seconds",
 *   help: "From signal to acknowledgement",
 *   labels: ["venue"],
 *   buckets: [0.001, 0.01, 0.1],
 * });
 * const binance = latency.with({ venue: "binance" });
 * binance.observe(0.004);
 *
 * const response = await registry.handler(new Request("http://localhost/metrics"));
 * const text = await response.text();
 * assert.match(text, /cqi_order_latency_seconds_bucket\{le="0.01",venue="binance"\} 1/);
 * ```
 *
 * @module
 */
export { httpMetrics, type HttpMetricsOptions } from "./http_metrics.ts";
export { type MetricsConfigInit, open } from "./open.ts";
export type {
  Exemplar,
  Exposition,
  ExpositionFormat,
  MetricDefinition,
  MetricFamily,
  MetricKind,
  MetricsDriver,
  MetricsDriverModule,
  MetricsRegistry,
  OpenOptions,
  Series,
} from "./types.ts";
