import { parseJunit, type TestCase } from "./junit.ts";
import type { Job } from "./plan.ts";
import { type Runtime, type RuntimeName, testArguments } from "./runtimes.ts";

/** What came of one file on one runtime. */
export interface FileResult {
  /** What was run. */
  readonly job: Job;
  /** Its tests; a file that crashed, hung or failed outside a test has one more, failed. */
  readonly cases: readonly TestCase[];
  /** Seconds. */
  readonly seconds: number;
  /** What it wrote, both streams, for the reader of a failure. */
  readonly output: string;
}

/** Name of the added test that fails when a file fails as a whole. */
export const WHOLE_FILE = "(the file as a whole)";

const MAX_OUTPUT = 20_000;

async function readReport(path: string): Promise<TestCase[]> {
  try {
    return parseJunit(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function reasonOf(code: number, timedOut: boolean, limitMs: number, tests: number): string {
  if (timedOut) return `Killed: it took over ${limitMs / 1000} s`;
  if (code !== 0) return `Exited with code ${code} although no test of it failed`;
  return tests === 0 ? "Ran no test" : "";
}

/**
 * Adds the failed test that stands for the file, when the file failed and no test says so.
 *
 * @param cases The report's tests.
 * @param code Exit code.
 * @param timedOut Whether it was killed at its limit.
 * @param limitMs The limit in milliseconds.
 */
export function withWholeFile(
  cases: readonly TestCase[],
  code: number,
  timedOut: boolean,
  limitMs: number,
): TestCase[] {
  const blamed = !timedOut && cases.some((test) => test.outcome === "failed");
  const detail = blamed ? "" : reasonOf(code, timedOut, limitMs, cases.length);
  return detail === "" ? [...cases] : [...cases, { name: WHOLE_FILE, outcome: "failed", detail }];
}

/**
 * Runs one test file in a process of its own.
 *
 * @param job What to run.
 * @param runtime The runtime that the job names.
 * @param root Path of the checkout.
 * @param env Variables besides those of this process.
 */
export async function runFile(
  job: Job,
  runtime: Runtime,
  root: string,
  env: Readonly<Record<string, string>> = {},
): Promise<FileResult> {
  const folder = await Deno.makeTempDir({ prefix: "cqi-test-" });
  const report = `${folder}/report.xml`;
  const start = performance.now();
  try {
    const child = new Deno.Command(runtime.path, {
      args: testArguments(job.runtime, job.file, report),
      cwd: root,
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, job.suite.limitMs);
    const { code, stdout, stderr } = await child.output();
    clearTimeout(timer);
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    return {
      job,
      cases: withWholeFile(await readReport(report), code, timedOut, job.suite.limitMs),
      seconds: (performance.now() - start) / 1000,
      output: text.length > MAX_OUTPUT ? `...\n${text.slice(-MAX_OUTPUT)}` : text,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Runs jobs, some at a time. A job whose suite is `alone` waits for all before it and holds back
 * all after it.
 *
 * @param jobs What to run, in order.
 * @param runtimes The runtimes by name.
 * @param options Root of the checkout, variables, how many at a time, and what to call for each result.
 */
export async function runAll(
  jobs: readonly Job[],
  runtimes: ReadonlyMap<RuntimeName, Runtime>,
  options: {
    readonly root: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly atOnce: number;
    readonly onResult: (result: FileResult) => void;
  },
): Promise<FileResult[]> {
  const results: FileResult[] = [];
  const one = async (job: Job): Promise<void> => {
    const result = await runFile(job, runtimes.get(job.runtime)!, options.root, options.env);
    results.push(result);
    options.onResult(result);
  };
  const queue = jobs.filter((job) => !job.suite.alone);
  const worker = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await one(job);
  };
  await Promise.all(Array.from({ length: options.atOnce }, worker));
  for (const job of jobs) if (job.suite.alone) await one(job);
  return results;
}
