import {
  type BucketOptions,
  type Counter,
  type FamilyOptions,
  type Gauge,
  type Histogram,
  type Logger,
  type MetricOptions,
  type Metrics,
  withDeadline,
} from "../core/mod.ts";
import { type FamilyEnv, MetricSet } from "./_family.ts";
import { refuseMetric, requireMetric, takenNames } from "./_names.ts";
import type { SeriesEnv } from "./_series.ts";
import type { MetricDefinition, MetricKind, MetricsDriver } from "./types.ts";

const COLLECT_LIMIT_MS = 5000;

/** Settings of a registry. */
export interface RegistryEnv extends SeriesEnv {
  /** Put before each name with `_`. */
  readonly namespace: string;
  /** Most series of one metric. */
  readonly maxSeries: number;
  /** Buckets where a metric states none. */
  readonly buckets: readonly number[];
  /** Labels that the driver puts on every series. */
  readonly commonLabels: readonly string[];
  /** Told of collectors that fail. */
  readonly logger: Logger;
}

type AnyOptions = MetricOptions & Partial<FamilyOptions<string>> & BucketOptions;
type Collect = () => void | Promise<void>;

function isSame(a: MetricDefinition, b: MetricDefinition): boolean {
  const same = (x: readonly unknown[], y: readonly unknown[]): boolean =>
    x.length === y.length && x.every((value, i) => value === y[i]);
  return a.kind === b.kind && same([...a.labels].sort(), [...b.labels].sort()) &&
    same(a.buckets, b.buckets);
}

/** Keeps metrics by name, and hands new ones to the driver. */
export class Registry implements Metrics {
  readonly #driver: MetricsDriver;
  readonly #env: RegistryEnv;
  readonly #familyEnv: FamilyEnv;
  readonly #sets = new Map<string, MetricSet>();
  readonly #taken = new Map<string, string>();
  readonly #collectors = new Set<Collect>();

  constructor(driver: MetricsDriver, env: RegistryEnv) {
    this.#driver = driver;
    this.#env = env;
    // Made before it is needed, so that an alert on it has a metric to look at.
    const overflow = new MetricSet({
      name: `${env.namespace}_metrics_overflow_total`,
      kind: "counter",
      help: "Uses of the overflow series, by metric: it has more label values than its limit",
      labels: ["metric"],
      buckets: [],
    }, { ...env, maxSeries: Infinity, onOverflow: () => {} });
    this.#familyEnv = {
      ...env,
      onOverflow: (metric) => (overflow.with({ metric }) as Counter).add(),
    };
    this.#add(overflow);
  }

  counter: Metrics["counter"] =
    ((options: AnyOptions) => this.#make("counter", options)) as Metrics[
      "counter"
    ];
  gauge: Metrics["gauge"] =
    ((options: AnyOptions) => this.#make("gauge", options)) as Metrics["gauge"];
  histogram: Metrics["histogram"] =
    ((options: AnyOptions) => this.#make("histogram", options)) as Metrics["histogram"];

  onCollect = (collect: Collect): () => void => {
    // A wrapper, so that one function given twice is called twice and stopped one by one.
    const entry: Collect = () => collect();
    this.#collectors.add(entry);
    return () => void this.#collectors.delete(entry);
  };

  /** Runs all collectors; one that fails or hangs is logged and the others go on. */
  async collect(): Promise<void> {
    await Promise.all(Array.from(this.#collectors, async (collect) => {
      try {
        await withDeadline(this.#env.clock, COLLECT_LIMIT_MS, collect, {
          action: "collecting metrics",
        });
      } catch (error) {
        this.#env.logger.warn("Cannot collect metrics", { component: "metrics", error });
      }
    }));
  }

  /** Defines a metric by its full name, for names that every runtime's tools know. */
  define(kind: MetricKind, options: AnyOptions): MetricSet {
    return this.#define(kind, options, options.name);
  }

  #make(kind: MetricKind, options: AnyOptions): MetricSet | Counter | Gauge | Histogram {
    const set = this.#define(kind, options, `${this.#env.namespace}_${options.name}`);
    return options.labels === undefined ? set.with({}) : set;
  }

  #define(kind: MetricKind, options: AnyOptions, name: string): MetricSet {
    const definition: MetricDefinition = {
      name,
      kind,
      help: options.help,
      labels: options.labels ?? [],
      buckets: kind === "histogram" ? [...(options.buckets ?? this.#env.buckets)] : [],
    };
    requireMetric(definition, this.#env.commonLabels);
    const known = this.#sets.get(name);
    if (known !== undefined && isSame(known.definition, definition)) return known;
    if (known !== undefined) {
      const { kind: other, labels } = known.definition;
      refuseMetric(name, `it is there already as a ${other} with labels [${labels.join(", ")}]`);
    }
    return this.#add(new MetricSet(definition, this.#familyEnv));
  }

  #add(set: MetricSet): MetricSet {
    const { name } = set.definition;
    const names = takenNames(set.definition);
    for (const taken of names) {
      const owner = this.#taken.get(taken);
      if (owner !== undefined) refuseMetric(name, `its name '${taken}' belongs to '${owner}'`);
    }
    for (const taken of names) this.#taken.set(taken, name);
    this.#sets.set(name, set);
    this.#driver.add(set);
    return set;
  }
}
