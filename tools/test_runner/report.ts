import type { TestCase } from "./junit.ts";
import { type Difference, knownFailure } from "./differences.ts";
import type { FileResult } from "./run.ts";
import { type Runtime, RUNTIMES } from "./runtimes.ts";

/** Sums of a run. */
export interface Totals {
  /** Tests that passed. */
  readonly passed: number;
  /** Tests that failed, and files that failed as a whole. */
  readonly failed: number;
  /** Tests that were skipped, each with a reason. */
  readonly skipped: number;
}

function judge(result: FileResult, test: TestCase, list: readonly Difference[]): TestCase {
  if (test.outcome !== "failed") return test;
  const known = knownFailure(list, result, test.name);
  return known === undefined
    ? test
    : { ...test, outcome: "skipped", detail: `known difference: ${known.reason}` };
}

/**
 * Turns known failures into skips, whose reason is the list's.
 *
 * @param results Results of a run.
 * @param list What is known to differ.
 */
export function forgiveKnown(
  results: readonly FileResult[],
  list: readonly Difference[],
): FileResult[] {
  return results.map((result) => ({
    ...result,
    cases: result.cases.map((test) => judge(result, test, list)),
  }));
}

/**
 * Counts.
 *
 * @param results Results to count.
 */
export function totals(results: readonly FileResult[]): Totals {
  const cases = results.flatMap((result) => result.cases);
  const count = (outcome: string): number =>
    cases.filter((test) => test.outcome === outcome).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

/**
 * The end of a run: the skips on a line of their own when there are some, then the last line,
 * which is `N passed, N failed` and nothing else.
 *
 * @param sums What to say.
 */
export function totalsLines(sums: Totals): string {
  const skipped = sums.skipped > 0 ? `${sums.skipped} skipped\n` : "";
  return `${skipped}${sums.passed} passed, ${sums.failed} failed`;
}

/**
 * One row a runtime: version, files, counts, seconds of work.
 *
 * @param results Results of a run.
 * @param runtimes Those that ran.
 */
export function table(results: readonly FileResult[], runtimes: readonly Runtime[]): string {
  const rows = [["runtime", "version", "files", "passed", "failed", "skipped", "seconds"]];
  for (const name of RUNTIMES) {
    const runtime = runtimes.find((each) => each.name === name);
    if (runtime === undefined) continue;
    const own = results.filter((result) => result.job.runtime === name);
    const sums = totals(own);
    const seconds = own.reduce((sum, result) => sum + result.seconds, 0).toFixed(1);
    const counts = [own.length, sums.passed, sums.failed, sums.skipped].map(String);
    rows.push([name, runtime.version, ...counts, seconds]);
  }
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const cell = (text: string, i: number): string =>
    i < 2 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!);
  return rows.map((row) => row.map(cell).join("  ")).join("\n");
}

/**
 * Each failure, with what the report says and, for a file that failed as a whole, its output.
 *
 * @param results Results of a run.
 */
export function failures(results: readonly FileResult[]): string {
  const blocks: string[] = [];
  for (const { job, cases, output } of results) {
    for (const test of cases.filter((each) => each.outcome === "failed")) {
      const text = test.name.startsWith("(") ? `${test.detail}\n${output}` : test.detail;
      const body = text.trim().split("\n").map((line) => `    ${line}`.trimEnd()).join("\n");
      blocks.push(`FAILED ${job.runtime} ${job.file}\n  ${test.name}\n${body}`);
    }
  }
  return blocks.join("\n\n");
}

/**
 * Each skipped test once, with its reason and where. Only Node's report says the reason, so it
 * speaks for the others.
 *
 * @param results Results of a run.
 */
export function skips(results: readonly FileResult[]): string {
  const lines = new Map<string, { reason: string; where: string[] }>();
  for (const { job, cases } of results) {
    for (const test of cases.filter((each) => each.outcome === "skipped")) {
      const key = `${job.file}: ${test.name}`;
      const line = lines.get(key) ?? { reason: "", where: [] };
      if (line.reason === "" && test.detail !== "TODO") line.reason = test.detail;
      line.where.push(job.runtime);
      lines.set(key, line);
    }
  }
  return [...lines].map(([key, { reason, where }]) =>
    `skipped ${key} (${where.join(", ")}): ${reason === "" ? "no reason given" : reason}`
  ).join("\n");
}
