import process from "node:process";
import { type Benchmark, compare, print, printHeading } from "./_harness.ts";

const AREAS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  bus: async () => (await import("./bus.ts")).openBenchmark(),
  logging: async () => (await import("./logging.ts")).openBenchmark(),
  metrics: async () => (await import("./metrics.ts")).openBenchmark(),
  cache: async () => (await import("./cache.ts")).openBenchmark(),
  database: async () => (await import("./database.ts")).openBenchmark(),
};

const wanted = process.argv[2];
if (wanted !== undefined && !Object.hasOwn(AREAS, wanted)) {
  print(`There is no benchmark '${wanted}', there are ${Object.keys(AREAS).join(", ")}`);
  process.exit(2);
}
printHeading();
for (const [area, openBenchmark] of Object.entries(AREAS)) {
  if (wanted !== undefined && wanted !== area) continue;
  const benchmark = await openBenchmark();
  for (const comparison of benchmark.comparisons) await compare(comparison);
  await benchmark.close();
}
