import { CqiError } from "../errors/mod.ts";
import { shapeOf } from "../internal/options.ts";
import type { MetricDefinition, MetricKind } from "./types.ts";

const NAME_REGEXP = /^[a-z][a-z0-9_]*$/;
const MAX_NAME = 200;
const MAX_LABELS = 10;
const MAX_LABEL_NAME = 100;
const MAX_BUCKETS = 100;
const MAX_HELP = 1024;

// Prometheus, "Metric and label naming": base units only.
const BASE_UNITS: Readonly<Record<string, string>> = {
  ms: "seconds",
  millis: "seconds",
  milliseconds: "seconds",
  microseconds: "seconds",
  nanoseconds: "seconds",
  minutes: "seconds",
  hours: "seconds",
  days: "seconds",
  kb: "bytes",
  kib: "bytes",
  mb: "bytes",
  mib: "bytes",
  gb: "bytes",
  kilobytes: "bytes",
  megabytes: "bytes",
  percent: "ratio",
  bps: "ratio",
};
// What the text formats put behind a name themselves.
const SUFFIXES = ["bucket", "count", "sum", "created"];
const RESERVED_LABELS = ["le", "quantile"];
// As many values as there are users, requests or orders: they belong into logs and spans.
const UNBOUNDED_LABELS = [
  "user_id",
  "request_id",
  "trace_id",
  "span_id",
  "correlation_id",
  "event_id",
  "session_id",
  "order_id",
  "email",
  "path",
  "url",
  "query",
];

/** Throws `CQI_METRIC_INVALID`. */
export function refuseMetric(name: unknown, reason: string): never {
  const shown = typeof name === "string" && name.length <= MAX_NAME ? `'${name}'` : shapeOf(name);
  throw new CqiError("CQI_METRIC_INVALID", `Cannot make metric ${shown}: ${reason}`, {
    details: { metric: typeof name === "string" ? name.slice(0, MAX_NAME) : undefined },
  });
}

function requireName(name: string, kind: MetricKind): void {
  if (typeof name !== "string" || !NAME_REGEXP.test(name) || name.length > MAX_NAME) {
    refuseMetric(name, `its name must be snake case of at most ${MAX_NAME} characters`);
  }
  const isTotal = name.endsWith("_total");
  if (kind === "counter" && !isTotal) {
    refuseMetric(name, "the name of a counter must end in _total");
  }
  if (kind !== "counter" && isTotal) {
    refuseMetric(name, `_total is for counters, not for a ${kind}`);
  }
  const words = name.split("_");
  const last = words.at(isTotal ? -2 : -1)!;
  if (SUFFIXES.includes(last) && !isTotal) refuseMetric(name, `the ending _${last} is reserved`);
  if (last in BASE_UNITS) refuseMetric(name, `measure in ${BASE_UNITS[last]}, not in ${last}`);
}

function requireLabels(name: string, labels: readonly string[], common: readonly string[]): void {
  if (!Array.isArray(labels) || labels.length > MAX_LABELS) {
    refuseMetric(name, `it must have at most ${MAX_LABELS} labels, not ${labels?.length}`);
  }
  if (new Set(labels).size !== labels.length) refuseMetric(name, "its labels must differ");
  for (const label of labels) {
    if (typeof label !== "string" || !NAME_REGEXP.test(label) || label.length > MAX_LABEL_NAME) {
      refuseMetric(name, `label ${shapeOf(label)} must be snake case`);
    }
    if (RESERVED_LABELS.includes(label)) refuseMetric(name, `label '${label}' is reserved`);
    if (common.includes(label)) refuseMetric(name, `label '${label}' is on every series already`);
    if (UNBOUNDED_LABELS.includes(label)) {
      refuseMetric(name, `label '${label}' has no bound on its values: log it instead`);
    }
  }
}

function requireBuckets(name: string, buckets: readonly number[]): void {
  if (buckets.length === 0 || buckets.length > MAX_BUCKETS) {
    refuseMetric(name, `it must have 1 to ${MAX_BUCKETS} buckets, not ${buckets.length}`);
  }
  buckets.forEach((bound, i) => {
    if (!Number.isFinite(bound) || (i > 0 && bound <= buckets[i - 1]!)) {
      refuseMetric(name, "its buckets must be finite and strictly ascending");
    }
  });
}

/**
 * Checks what a metric is against the rules of Prometheus and of this library.
 *
 * @param definition The metric, its name without namespace.
 * @param common Labels on every series.
 */
export function requireMetric(definition: MetricDefinition, common: readonly string[]): void {
  const { name, kind, help, labels, buckets } = definition;
  requireName(name, kind);
  if (typeof help !== "string" || help.trim() === "" || help.length > MAX_HELP) {
    refuseMetric(name, `its help must be a sentence of at most ${MAX_HELP} characters`);
  }
  requireLabels(name, labels, common);
  if (kind === "histogram") requireBuckets(name, buckets);
}

/** All names that a metric takes up in the text formats. */
export function takenNames({ name, kind }: MetricDefinition): readonly string[] {
  if (kind === "counter") {
    const base = name.slice(0, -"_total".length);
    return [base, name, `${base}_created`];
  }
  if (kind === "gauge") return [name];
  return [name, ...SUFFIXES.map((suffix) => `${name}_${suffix}`)];
}
