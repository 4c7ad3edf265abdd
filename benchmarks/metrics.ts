import { Counter, Histogram, Registry } from "prom-client";
import { open } from "../metrics/mod.ts";
import type { Benchmark, Contender } from "./_harness.ts";

const METHODS = ["GET", "POST", "PUT", "DELETE"];
const STATUS = ["200", "201", "400", "404", "500"];

/** Counting and observing, against prom-client. */
export async function openBenchmark(): Promise<Benchmark> {
  const ours = await open({}, {
    drivers: { prometheus: () => import("../metrics/drivers/prometheus.ts") },
  });
  const registers = [new Registry()];
  const labels = ["method", "status"] as const;
  const help = "For the benchmark";
  const counter = ours.counter({ name: "bench_requests_total", help, labels });
  const histogram = ours.histogram({ name: "bench_duration_seconds", help, labels });
  const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const theirCounter = new Counter({ name: "requests", help, labelNames: labels, registers });
  const theirHistogram = new Histogram({
    name: "duration",
    help,
    labelNames: labels,
    buckets,
    registers,
  });
  const get = { method: "GET", status: "200" };
  const [bound, theirBound] = [counter.with(get), theirCounter.labels(get)];
  const [boundTo, theirBoundTo] = [histogram.with(get), theirHistogram.labels(get)];
  const pick = (i: number) => ({ method: METHODS[i & 3]!, status: STATUS[i % 5]! });
  const seconds = (i: number): number => (i % 1000) / 500;
  const each = (name: string, fn: (i: number) => void): Contender => ({
    name,
    run(times) {
      for (let i = 0; i < times; i++) fn(i);
    },
  });
  const scrape = (name: string, fn: () => Promise<unknown>): Contender => ({
    name,
    async run(times) {
      for (let i = 0; i < times; i++) await fn();
    },
  });
  return {
    comparisons: [
      {
        title: "metrics: a counter kept by the caller",
        contenders: [
          each("prom-client", () => theirBound.inc()),
          each("ours", () => bound.add()),
        ],
      },
      {
        title: "metrics: a counter found by its labels each time",
        contenders: [
          each("prom-client", (i) => theirCounter.inc(pick(i))),
          each("ours", (i) => counter.with(pick(i)).add()),
        ],
      },
      {
        title: "metrics: a histogram of 11 buckets kept by the caller",
        contenders: [
          each("prom-client", (i) => theirBoundTo.observe(seconds(i))),
          each("ours", (i) => boundTo.observe(seconds(i))),
        ],
      },
      {
        title: "metrics: a histogram found by its labels each time",
        contenders: [
          each("prom-client", (i) => theirHistogram.observe(pick(i), seconds(i))),
          each("ours", (i) => histogram.with(pick(i)).observe(seconds(i))),
        ],
      },
      {
        title: "metrics: a scrape of one counter and one histogram, 20 series each",
        contenders: [
          scrape("prom-client", () => registers[0]!.metrics()),
          scrape("ours", () => ours.expose()),
        ],
      },
    ],
    close: () => ours.close(),
  };
}
