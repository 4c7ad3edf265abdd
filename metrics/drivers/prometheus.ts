/**
 * Driver `prometheus` of `@cq/cqi/metrics`: the text formats of Prometheus and OpenMetrics, written
 * by prom-client from a registry of its own. Needs the package `prom-client`.
 *
 * @example
 * ```ts
 * import * as metrics from "@cq/cqi/metrics";
 * import * as prometheus from "@cq/cqi/metrics/prometheus";
 * import assert from "node:assert/strict";
 *
 * await using registry = await metrics.open({}, { drivers: { prometheus: () => prometheus } });
 * const orders = registry.counter({
 *   name: "orders_total",
 *   help: "Orders placed",
 *   labels: ["side"],
 * });
 * orders.with({ side: "buy" }).add();
 *
 * const { body } = await registry.expose();
 * assert.match(body, /cqi_orders_total\{side="buy"\} 1/);
 * ```
 *
 * @module
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Instruments } from "../../core/mod.ts";
import type { MetricsConfig } from "../../gen/ts/cqc/config/v1/mod.ts";
import type {
  Exposition,
  ExpositionFormat,
  MetricFamily,
  MetricsDriver,
  Series,
} from "../types.ts";
import { boundText } from "./_text.ts";

const TYPES = {
  prometheus: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
};
type Client = Registry<typeof TYPES[ExpositionFormat]>;

/** A line as prom-client writes it. */
interface Value {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly sharedLabels?: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar?: {
    readonly labelSet: Readonly<Record<string, string>>;
    readonly value: number;
    readonly timestamp: number;
  };
}

function exemplarOf(series: Series, bucket: number): Pick<Value, "exemplar"> {
  const found = series.exemplars[bucket];
  if (found === undefined) return {};
  const labelSet = { trace_id: found.traceId, span_id: found.spanId };
  return { exemplar: { labelSet, value: found.value, timestamp: found.timeMs / 1000 } };
}

/** The lines of one series of a histogram: buckets summed up, then sum and count. */
function* histogramValues(
  name: string,
  bounds: readonly string[],
  series: Series,
): Generator<Value> {
  const sharedLabels = series.labels;
  let count = 0;
  for (const [i, own] of series.counts.entries()) {
    count += own;
    const labels = { le: bounds[i] ?? "+Inf" };
    yield {
      metricName: `${name}_bucket`,
      labels,
      sharedLabels,
      value: count,
      ...exemplarOf(series, i),
    };
  }
  yield { metricName: `${name}_sum`, labels: {}, sharedLabels, value: series.value };
  yield { metricName: `${name}_count`, labels: {}, sharedLabels, value: count };
}

function* valuesOf(family: MetricFamily, isOpen: boolean): Generator<Value> {
  const { name, kind, buckets } = family.definition;
  const bounds = buckets.map((bound) => isOpen ? boundText(bound) : String(bound));
  for (const series of family.series()) {
    if (kind === "histogram") yield* histogramValues(name, bounds, series);
    else yield { labels: series.labels, value: series.value };
  }
}

/**
 * Registers a metric of prom-client that reads its values from ours when it is written out, so
 * that counting costs no more than an addition.
 */
function register(client: Client, family: MetricFamily): void {
  const { name, kind, help, labels, buckets } = family.definition;
  const config = { name, help, labelNames: labels, registers: [client] };
  const metric = kind === "counter"
    ? new Counter(config)
    : kind === "gauge"
    ? new Gauge(config)
    : new Histogram({ ...config, buckets: [...buckets] });
  const get = (): Promise<unknown> => {
    const isOpen = client.contentType === TYPES.openmetrics;
    // OpenMetrics names the family of a counter without _total, which prom-client puts back.
    const shown = isOpen && kind === "counter" ? name.replace(/_total$/, "") : name;
    return Promise.resolve({
      name: shown,
      // OpenMetrics wants a quote escaped, and prom-client would escape the escape.
      help: isOpen ? help.replaceAll('"', "'") : help,
      type: kind,
      values: [...valuesOf(family, isOpen)],
      aggregator: "sum",
    });
  };
  Object.assign(metric, { get, getForPromString: get });
}

/**
 * Makes the driver.
 *
 * @param config Its `labels` stand on every series.
 * @param _env Not needed.
 */
export function createDriver(config: MetricsConfig, _env: Instruments): MetricsDriver {
  const client: Client = new Registry();
  client.setDefaultLabels({ ...config.labels });
  let last: Promise<unknown> = Promise.resolve();
  const write = async (format: ExpositionFormat): Promise<Exposition> => {
    client.setContentType(TYPES[format]);
    return { contentType: TYPES[format], body: await client.metrics() };
  };
  return {
    add: (family) => register(client, family),
    expose(format) {
      // One after the other: the format is a setting of the whole registry.
      const result = last.then(() => write(format));
      last = result.catch(() => {});
      return result;
    },
    close: () => Promise.resolve(),
  };
}
