import type { DriverTable, Instruments, Metrics } from "../core/mod.ts";
import type { MetricsConfig } from "../gen/ts/cqc/config/v1/mod.ts";

/** What a metric measures: what only grows, what goes up and down, or sizes in buckets. */
export type MetricKind = "counter" | "gauge" | "histogram";

/** What a metric is; its series come and go. */
export interface MetricDefinition {
  /** Full name, with the namespace. */
  readonly name: string;
  /** What it measures. */
  readonly kind: MetricKind;
  /** One sentence for the operator. */
  readonly help: string;
  /** Names of the labels. */
  readonly labels: readonly string[];
  /** Upper bounds, strictly ascending, without +Inf; empty for what is no histogram. */
  readonly buckets: readonly number[];
}

/** One observation that stands for its bucket, with the trace in which it was made. */
export interface Exemplar {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** What was observed. */
  readonly value: number;
  /** When, in Unix milliseconds. */
  readonly timeMs: number;
}

/** One series of a metric as it stands now. Objects stay the same from one look to the next. */
export interface Series {
  /** The value of each label. */
  readonly labels: Readonly<Record<string, string>>;
  /** Value of a counter or gauge; sum of a histogram. */
  readonly value: number;
  /** Observations in each bucket alone, not summed up; the last one is beyond all bounds. */
  readonly counts: readonly number[];
  /** Last exemplar of each bucket. */
  readonly exemplars: readonly (Exemplar | undefined)[];
}

/** A metric and its series, as a driver sees it. */
export interface MetricFamily {
  /** What it is. */
  readonly definition: MetricDefinition;
  /** All series as they stand now. */
  series(): Iterable<Series>;
}

/** Text formats: Prometheus 0.0.4 and OpenMetrics 1.0.0, which has exemplars. */
export type ExpositionFormat = "prometheus" | "openmetrics";

/** Metrics written out for a scraper. */
export interface Exposition {
  /** Value of the header `content-type`. */
  readonly contentType: string;
  /** The text. */
  readonly body: string;
}

/**
 * Writes metrics out. Rules, limits and numbers live above it: a driver reads them when asked.
 */
export interface MetricsDriver {
  /**
   * Takes a metric that is written out from now on. Each name comes once.
   *
   * @param family The metric.
   */
  add(family: MetricFamily): void;
  /**
   * Writes all metrics out. Calls may overlap.
   *
   * @param format Which text format.
   */
  expose(format: ExpositionFormat): Promise<Exposition>;
  /** Lets go of what it holds. Idempotent. */
  close(): Promise<void>;
}

/** A module that makes a driver. */
export interface MetricsDriverModule {
  /**
   * Makes the driver.
   *
   * @param config The whole section, checked.
   * @param env Logger, metrics, tracer, clock and randomness.
   */
  createDriver(config: MetricsConfig, env: Instruments): MetricsDriver | Promise<MetricsDriver>;
}

/** What metrics are opened with, besides their configuration. */
export interface OpenOptions extends Partial<Instruments> {
  /** Known drivers by name. */
  readonly drivers?: DriverTable<MetricsDriverModule>;
}

/** Metrics that were opened, and are closed by who opened them. */
export interface MetricsRegistry extends Metrics, AsyncDisposable {
  /**
   * Writes all metrics out, after the functions given to `onCollect`.
   *
   * @param accept Value of the header `accept`; OpenMetrics is given to who prefers it.
   */
  expose(accept?: string | null): Promise<Exposition>;
  /**
   * Answers a scraper: 200 for GET and HEAD, 405 for the rest.
   *
   * @param request The scraper's request.
   */
  handler(request: Request): Promise<Response>;
  /** Stops measuring the runtime; what was counted can still be exposed. Idempotent. */
  close(): Promise<void>;
}
