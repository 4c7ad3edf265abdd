import { activeSpan, type Clock, type Counter, type Gauge, type Histogram } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { shapeOf } from "../internal/options.ts";
import type { Exemplar, MetricDefinition, Series } from "./types.ts";

type Labels = Readonly<Record<string, string>>;

const SAMPLED = 1;
const NONE: readonly never[] = [];

/** What series need of their registry. */
export interface SeriesEnv {
  /** Gives the time of exemplars. */
  readonly clock: Clock;
  /** Whether histograms keep exemplars. */
  readonly exemplars: boolean;
}

function refuseValue(definition: MetricDefinition, value: unknown, wanted: string): never {
  throw new CqiError(
    "CQI_METRIC_INVALID",
    `Cannot record ${definition.kind} '${definition.name}': the value must be ${wanted}, ` +
      `current value is ${shapeOf(value)}`,
    { details: { metric: definition.name } },
  );
}

/** A series that a metric hands out and a driver reads. */
export type AnySeries = Series & (Counter | Gauge | Histogram);

/** A number that only grows. */
export class CounterSeries implements Series, Counter {
  readonly labels: Labels;
  readonly counts: readonly number[] = NONE;
  readonly exemplars: readonly undefined[] = NONE;
  readonly #definition: MetricDefinition;
  value = 0;

  constructor(definition: MetricDefinition, labels: Labels) {
    this.#definition = definition;
    this.labels = labels;
  }

  add(value = 1): void {
    if (!(value >= 0 && value < Infinity)) {
      refuseValue(this.#definition, value, "a finite number of 0 or more");
    }
    this.value += value;
  }
}

/** A number that goes up and down. */
export class GaugeSeries implements Series, Gauge {
  readonly labels: Labels;
  readonly counts: readonly number[] = NONE;
  readonly exemplars: readonly undefined[] = NONE;
  readonly #definition: MetricDefinition;
  value = 0;

  constructor(definition: MetricDefinition, labels: Labels) {
    this.#definition = definition;
    this.labels = labels;
  }

  set(value: number): void {
    if (typeof value !== "number") refuseValue(this.#definition, value, "a number");
    this.value = value;
  }

  add(value: number): void {
    if (typeof value !== "number") refuseValue(this.#definition, value, "a number");
    this.value += value;
  }
}

/** Observations by size. */
export class HistogramSeries implements Series, Histogram {
  readonly labels: Labels;
  readonly counts: number[];
  readonly exemplars: (Exemplar | undefined)[];
  readonly #definition: MetricDefinition;
  readonly #bounds: readonly number[];
  readonly #env: SeriesEnv;
  value = 0;

  constructor(definition: MetricDefinition, labels: Labels, env: SeriesEnv) {
    this.#definition = definition;
    this.#bounds = definition.buckets;
    this.#env = env;
    this.labels = labels;
    this.counts = new Array<number>(definition.buckets.length + 1).fill(0);
    this.exemplars = new Array<Exemplar | undefined>(this.counts.length).fill(undefined);
  }

  observe(value: number): void {
    if (!Number.isFinite(value)) refuseValue(this.#definition, value, "a finite number");
    const bounds = this.#bounds;
    let bucket = 0;
    // Bounds are few and most observations small, so this beats a binary search.
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.value += value;
    if (this.#env.exemplars) this.#exemplify(bucket, value);
  }

  #exemplify(bucket: number, value: number): void {
    const span = activeSpan();
    if (span === undefined || (span.traceFlags & SAMPLED) === 0) return;
    const { traceId, spanId } = span;
    this.exemplars[bucket] = { traceId, spanId, value, timeMs: this.#env.clock.now() };
  }
}

/** Makes the series of a definition. */
export function createSeries(
  definition: MetricDefinition,
  labels: Labels,
  env: SeriesEnv,
): AnySeries {
  if (definition.kind === "counter") return new CounterSeries(definition, labels);
  if (definition.kind === "gauge") return new GaugeSeries(definition, labels);
  return new HistogramSeries(definition, labels, env);
}
