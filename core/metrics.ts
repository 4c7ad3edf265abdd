/**
 * A number that only grows. A value that it cannot take is a mistake of the program and throws into
 * the code that counts, so that no wrong number is ever shown: give it what cannot be negative, or
 * check first.
 */
export interface Counter {
  /**
   * Adds to it.
   *
   * @param value 0 or more. @default {1}
   * @throws {CqiError} `CQI_METRIC_INVALID` for less, and for NaN.
   */
  add(value?: number): void;
}

/** A number that goes up and down. */
export interface Gauge {
  /**
   * Sets it.
   *
   * @param value Any number.
   * @throws {CqiError} `CQI_METRIC_INVALID` for what is none.
   */
  set(value: number): void;
  /**
   * Adds to it.
   *
   * @param value May be negative.
   */
  add(value: number): void;
}

/** Counts observations by size. */
export interface Histogram {
  /**
   * Takes one observation. The active span, if sampled, becomes its exemplar.
   *
   * @param value In the unit that the metric's name ends with.
   * @throws {CqiError} `CQI_METRIC_INVALID` for NaN and infinities, as a counter does.
   */
  observe(value: number): void;
}

/**
 * One metric with labels: a series for each set of label values. Keep what `with` returns where a
 * path is hot.
 *
 * @typeParam L Names of the labels.
 * @typeParam M Counter, gauge or histogram.
 */
export interface Family<L extends string, M> {
  /**
   * The series of these label values.
   *
   * @param labels A value for each label: names and states, never ids or raw paths.
   */
  with(labels: Readonly<Record<L, string>>): M;
}

/** What every metric has. */
export interface MetricOptions {
  /** Snake case, without the namespace; counters end in `_total`, others in their unit. */
  readonly name: string;
  /** One sentence for the operator. */
  readonly help: string;
}

/** A metric with labels. */
export interface FamilyOptions<L extends string> extends MetricOptions {
  /** Names of the labels, at most 10. */
  readonly labels: readonly L[];
}

/** What a histogram has besides. */
export interface BucketOptions {
  /** Upper bounds, strictly ascending. @default {from 5 ms to 10 s, in seconds} */
  readonly buckets?: readonly number[];
}

/**
 * Makes metrics. Asking twice for the same definition gives the same metric; asking for the same
 * name with another definition is refused with `CQI_METRIC_INVALID`.
 */
export interface Metrics {
  /** A counter with labels. */
  counter<L extends string>(options: FamilyOptions<L>): Family<L, Counter>;
  /** A counter. */
  counter(options: MetricOptions): Counter;
  /** A gauge with labels. */
  gauge<L extends string>(options: FamilyOptions<L>): Family<L, Gauge>;
  /** A gauge. */
  gauge(options: MetricOptions): Gauge;
  /** A histogram with labels. */
  histogram<L extends string>(options: FamilyOptions<L> & BucketOptions): Family<L, Histogram>;
  /** A histogram. */
  histogram(options: MetricOptions & BucketOptions): Histogram;
  /**
   * Calls a function before each exposition, for gauges that are read rather than kept.
   *
   * @param collect Sets gauges; what it throws is logged and the exposition goes on.
   * @returns Stops the calls.
   */
  onCollect(collect: () => void | Promise<void>): () => void;
}

const instrument: Counter & Gauge & Histogram = { add() {}, set() {}, observe() {} };
const noopMetric: typeof instrument & Family<string, typeof instrument> = {
  ...instrument,
  with: () => instrument,
};

/** Metrics that count nothing: the default of everything that takes some. */
export const noopMetrics: Metrics = {
  counter: () => noopMetric,
  gauge: () => noopMetric,
  histogram: () => noopMetric,
  onCollect: () => () => {},
};
