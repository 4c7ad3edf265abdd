import {
  type Counter,
  type Gauge,
  type Histogram,
  type Metrics,
  noopMetrics,
} from "../core/mod.ts";
import type { Family, FamilyOptions, Logger } from "../core/mod.ts";

type Series = Partial<Counter & Gauge & Histogram>;

/** Makes families of which none throws when it counts. */
export interface GuardedMetrics {
  /** A counter with labels. */
  counter<L extends string>(options: FamilyOptions<L>): Family<L, Counter>;
  /** A gauge with labels. */
  gauge<L extends string>(options: FamilyOptions<L>): Family<L, Gauge>;
  /** A histogram with labels. */
  histogram<L extends string>(options: FamilyOptions<L>): Family<L, Histogram>;
}

class GuardedSeries implements Counter, Gauge, Histogram {
  readonly #series: Series | undefined;
  readonly #failed: (error: unknown) => void;

  constructor(series: Series | undefined, failed: (error: unknown) => void) {
    this.#series = series;
    this.#failed = failed;
  }

  add(value: number = 1): void {
    try {
      this.#series?.add?.(value);
    } catch (error) {
      this.#failed(error);
    }
  }

  set(value: number): void {
    try {
      this.#series?.set?.(value);
    } catch (error) {
      this.#failed(error);
    }
  }

  observe(value: number): void {
    try {
      this.#series?.observe?.(value);
    } catch (error) {
      this.#failed(error);
    }
  }
}

/**
 * Metrics are handed in and may fail; an event that was handled must not be handled again, nor be
 * held up, because it could not be counted. The first failure of each metric is logged.
 */
export function guarded(metrics: Metrics, logger: Logger): GuardedMetrics {
  if (metrics === noopMetrics) return metrics;
  const guard = <L extends string>(
    { name }: FamilyOptions<L>,
    family: Family<L, Series>,
  ): Family<L, GuardedSeries> => {
    let isTold = false;
    const failed = (error: unknown): void => {
      if (isTold) return;
      isTold = true;
      logger.warn("Metric cannot be counted", { metric: name, error });
    };
    return {
      with(labels) {
        let series: Series | undefined;
        try {
          series = family.with(labels);
        } catch (error) {
          failed(error);
        }
        return new GuardedSeries(series, failed);
      },
    };
  };
  return {
    counter: (options) => guard(options, metrics.counter(options)),
    gauge: (options) => guard(options, metrics.gauge(options)),
    histogram: (options) => guard(options, metrics.histogram(options)),
  };
}
