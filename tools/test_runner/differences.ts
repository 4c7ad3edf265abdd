import type { RuntimeName } from "./runtimes.ts";
import { type FileResult, WHOLE_FILE } from "./run.ts";

/** A test that is known to end in another way on one runtime. */
export interface Difference {
  /** Where it differs. */
  readonly runtime: RuntimeName;
  /** The test file, relative to the root. */
  readonly file: string;
  /** The test's name; absent when the file as a whole cannot run there. */
  readonly test?: string;
  /** What is seen there instead of a pass. Not read for a whole file. */
  readonly state: "skipped" | "absent" | "failed";
  /** Why, with the issue or the documentation that says so. */
  readonly reason: string;
}

type State = "passed" | "failed" | "skipped" | "absent";
type States = Map<RuntimeName, State>;

function statesByTest(results: readonly FileResult[]): Map<string, Map<string, States>> {
  const files = new Map<string, Map<string, States>>();
  for (const { job, cases } of results) {
    if (job.suite.once) continue;
    const tests = files.get(job.file) ?? new Map<string, States>();
    files.set(job.file, tests);
    for (const test of cases) {
      const states = tests.get(test.name) ?? new Map();
      tests.set(test.name, states.set(job.runtime, test.outcome));
    }
  }
  return files;
}

function findListed(
  list: readonly Difference[],
  runtime: RuntimeName,
  file: string,
  test: string,
): Difference | undefined {
  return list.find((entry) =>
    entry.runtime === runtime && entry.file === file &&
    (entry.test === undefined || entry.test === test)
  );
}

function complainUnlisted(
  file: string,
  test: string,
  states: ReadonlyMap<string, State>,
): string[] {
  // A failure is reported as one already; what is compared is whether a test runs at all.
  const seen = [...states].map(([name, state]) => [name, state === "failed" ? "passed" : state]);
  if (new Set(seen.map(([, state]) => state)).size < 2) return [];
  const text = seen.map(([name, state]) => `${name} ${state}`).join(", ");
  return [`${file}: "${test}" differs without being listed: ${text}`];
}

function complainListed(list: readonly Difference[], files: ReturnType<typeof statesByTest>) {
  return list.flatMap((entry) => {
    const tests = files.get(entry.file);
    if (tests === undefined) return [];
    const label = `${entry.file}: ${entry.test === undefined ? "the file" : `"${entry.test}"`}`;
    if (entry.test === undefined) {
      const bad = [...tests.values()].some((states) => {
        const state = states.get(entry.runtime) ?? "absent";
        return state === "failed" || state === "absent";
      });
      return bad ? [] : [`${label} is listed as different on ${entry.runtime} and is not`];
    }
    const states = tests.get(entry.test);
    const state = states === undefined ? undefined : states.get(entry.runtime) ?? "absent";
    if (state === entry.state) return [];
    return [`${label} is listed as ${entry.state} on ${entry.runtime} and is ${state ?? "gone"}`];
  });
}

/**
 * Compares what ran where with the list, both ways.
 *
 * @param results Results of all runtimes.
 * @param ran The runtimes that ran.
 * @param list What is known to differ.
 * @returns One sentence for each surprise.
 */
export function compareRuntimes(
  results: readonly FileResult[],
  ran: readonly RuntimeName[],
  list: readonly Difference[],
): string[] {
  const files = statesByTest(results);
  const complaints = complainListed(list.filter((entry) => ran.includes(entry.runtime)), files);
  for (const [file, tests] of files) {
    for (const [test, states] of tests) {
      if (test === WHOLE_FILE) continue;
      const rest = ran.filter((name) => findListed(list, name, file, test) === undefined);
      const compared = new Map(rest.map((name) => [name, states.get(name) ?? "absent"] as const));
      complaints.push(...complainUnlisted(file, test, compared));
    }
  }
  return complaints;
}

/**
 * Whether a failure is one that the list knows.
 *
 * @param list What is known to differ.
 * @param result The file's result.
 * @param test The test's name.
 */
export function knownFailure(
  list: readonly Difference[],
  result: FileResult,
  test: string,
): Difference | undefined {
  const { runtime, file } = result.job;
  const entry = findListed(list, runtime, file, test);
  return entry?.test === undefined || entry.state === "failed" ? entry : undefined;
}
