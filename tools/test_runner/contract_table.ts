import { totals } from "./report.ts";
import type { FileResult } from "./run.ts";
import { type RuntimeName, RUNTIMES } from "./runtimes.ts";

const NAME_REGEXP = /^tests\/contract\/(?<name>\w+)_test\.ts$/;

function cellOf(results: readonly FileResult[], runtime: RuntimeName): string {
  const own = results.filter((result) => result.job.runtime === runtime);
  if (own.length === 0) return "-";
  const { passed, failed, skipped } = totals(own);
  const others = [
    failed > 0 ? `${failed} failed` : "",
    skipped > 0 ? `${skipped} not declared` : "",
  ];
  return [`${passed}`, ...others.filter((text) => text !== "")].join(", ");
}

/**
 * One row for each driver that goes through a contract suite, one column for each runtime: how many
 * tests passed, failed, or were left out since the driver declares not to have the feature.
 *
 * @param results Results of a run.
 * @returns The table; empty when no contract suite ran.
 */
export function contractTable(results: readonly FileResult[]): string {
  const suites = Map.groupBy(results, ({ job }) => NAME_REGEXP.exec(job.file)?.groups?.["name"]);
  const rows = [...suites].flatMap(([name, own]) =>
    name === undefined
      ? []
      : [[name.replaceAll("_", " "), ...RUNTIMES.map((runtime) => cellOf(own, runtime))]]
  ).sort(([a], [b]) => a! < b! ? -1 : 1);
  if (rows.length === 0) return "";
  const all = [["contract suite", ...RUNTIMES], ...rows];
  const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) => row.map((text, i) => text.padEnd(widths[i]!)).join("  ").trimEnd())
    .join("\n");
}
