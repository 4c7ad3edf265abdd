import type { FileResult } from "./run.ts";

// What tests/faults/_report.ts writes in front of a line.
const COUNT_REGEXP = /^counted (?<text>.+)$/gm;

/**
 * What the tests of faults counted: events lost and repeated, milliseconds until all was well.
 *
 * @param results Results of a run.
 * @returns A line for each, with its runtime; empty when nothing was counted.
 */
export function counts(results: readonly FileResult[]): string {
  return results.flatMap(({ job, output }) =>
    [...output.matchAll(COUNT_REGEXP)].map(({ groups }) =>
      `counted ${job.runtime} ${groups!["text"]}`
    )
  ).join("\n");
}
