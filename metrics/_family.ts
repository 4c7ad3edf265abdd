import { refuseMetric } from "./_names.ts";
import { type AnySeries, createSeries, type SeriesEnv } from "./_series.ts";
import type { MetricDefinition, MetricFamily, Series } from "./types.ts";

type Labels = Readonly<Record<string, string>>;

/** Value of every label of the series that takes what is beyond the limit. */
export const OVERFLOW = "overflow";
// Longer values are cut: they are names and states, and a scraper has a limit of its own.
const MAX_VALUE = 256;

/** What a family needs of its registry. */
export interface FamilyEnv extends SeriesEnv {
  /** Most series. */
  readonly maxSeries: number;
  /** Called for each use of the overflow series. */
  onOverflow(metric: string): void;
}

/** A metric with its series, at most so many, then one for all the rest. */
export class MetricSet implements MetricFamily {
  readonly definition: MetricDefinition;
  readonly #env: FamilyEnv;
  readonly #series = new Map<string, AnySeries>();
  #overflow: AnySeries | undefined;

  constructor(definition: MetricDefinition, env: FamilyEnv) {
    this.definition = definition;
    this.#env = env;
  }

  /** The series of a set of label values, which must name each label and no other. */
  with(labels: Labels): AnySeries {
    const key = this.#key(labels);
    return this.#series.get(key) ?? this.#create(labels);
  }

  *series(): Generator<Series> {
    yield* this.#series.values();
    if (this.#overflow !== undefined) yield this.#overflow;
  }

  /** Distinct for distinct values: the length before each value says where it ends. */
  #key(labels: Labels): string {
    let key = "";
    for (const name of this.definition.labels) {
      const value = labels[name];
      if (typeof value !== "string") {
        refuseMetric(this.definition.name, `label '${name}' must be a string in with()`);
      }
      key += `${value.length}:${value}`;
    }
    return key;
  }

  #create(given: Labels): AnySeries {
    const { name, labels: names } = this.definition;
    const unknown = Object.keys(given).find((label) => !names.includes(label));
    if (unknown !== undefined) {
      refuseMetric(name, `it has no label '${unknown.slice(0, 64)}', only ${names.join(", ")}`);
    }
    // Two texts that are one to the scraper must be one series.
    const labels = Object.fromEntries(names.map((n) => [n, toLabelValue(given[n]!)]));
    const key = this.#key(labels);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= this.#env.maxSeries) return this.#overflowing();
    const series = createSeries(this.definition, labels, this.#env);
    this.#series.set(key, series);
    return series;
  }

  #overflowing(): AnySeries {
    this.#env.onOverflow(this.definition.name);
    const labels = Object.fromEntries(this.definition.labels.map((name) => [name, OVERFLOW]));
    return this.#overflow ??= createSeries(this.definition, labels, this.#env);
  }
}

// Lone surrogates would all become U+FFFD on the wire.
function toLabelValue(value: string): string {
  return value.slice(0, MAX_VALUE).toWellFormed();
}
