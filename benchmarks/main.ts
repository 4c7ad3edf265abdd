import process from "node:process";
import { type Benchmark, compare, print, printHeading } from "./_harness.ts";

const AREAS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  bus: async () => (await import("./bus.ts")).openBenchmark(),
  // `deno task bench bus` runs both.
  "bus kafka": async () => (await import("./bus_kafka.ts")).openBenchmark(),
  logging: async () => (await import("./logging.ts")).openBenchmark(),
  metrics: async () => (await import("./metrics.ts")).openBenchmark(),
  cache: async () => (await import("./cache.ts")).openBenchmark(),
  database: async () => (await import("./database.ts")).openBenchmark(),
  outbox: async () => (await import("./outbox.ts")).openBenchmark(),
};

const wanted = process.argv[2];
if (wanted !== undefined && !Object.hasOwn(AREAS, wanted)) {
  print(`There is no benchmark '${wanted}', there are ${Object.keys(AREAS).join(", ")}`);
  process.exit(2);
}
printHeading();
for (const [area, openBenchmark] of Object.entries(AREAS)) {
  // The outbox is part of what a database is asked for.
  const isWanted = wanted === undefined || wanted === area ||
    (wanted === "database" && area === "outbox");
  if (!isWanted) continue;
  const benchmark = await openBenchmark();
  for (const comparison of benchmark.comparisons) await compare(comparison);
  await benchmark.close();
}
