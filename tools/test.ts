// deno-lint-ignore-file no-console -- a command line tool speaks on the console
/**
 * Runs the tests on Deno, Node and Bun: `deno task test [--runtime deno,node,bun]
 * [--suite unit,contract,architecture,package] [--jobs N] [part of a path ...]`.
 *
 * The last line is `N passed, N failed`, summed over the runtimes; skips are on the line before.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DIFFERENCES } from "../tests/runtimes/differences.ts";
import { contractTable } from "./test_runner/contract_table.ts";
import { counts } from "./test_runner/counts.ts";
import { compareRuntimes } from "./test_runner/differences.ts";
import { type Job, plan, SUITES, testFiles } from "./test_runner/plan.ts";
import { failures, forgiveKnown, skips, table, totals, totalsLines } from "./test_runner/report.ts";
import { type FileResult, runAll } from "./test_runner/run.ts";
import { startShared } from "./test_runner/servers.ts";
import { findRuntime, type Runtime, type RuntimeName, RUNTIMES } from "./test_runner/runtimes.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/[/\\]$/, "");

interface Options {
  readonly runtimes: readonly RuntimeName[];
  readonly suites: readonly string[];
  readonly filters: readonly string[];
  readonly atOnce: number;
  readonly verbose: boolean;
}

function words<T extends string>(name: string, given: string[], known: readonly T[]): T[] {
  return given.flatMap((text) => text.split(",")).map((word) => {
    const found = known.find((each) => each === word);
    if (found !== undefined) return found;
    throw new Error(`Cannot use '--${name} ${word}': known are ${known.join(", ")}`);
  });
}

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      runtime: { type: "string", multiple: true, default: [] },
      suite: { type: "string", multiple: true, default: [] },
      jobs: { type: "string", default: String(Math.min(4, navigator.hardwareConcurrency || 1)) },
      verbose: { type: "boolean", default: false },
    },
  });
  const atOnce = Number(values.jobs);
  if (!Number.isInteger(atOnce) || atOnce < 1) {
    throw new Error(`Cannot use '--jobs ${values.jobs}': it must be a whole number above 0`);
  }
  return {
    runtimes: words("runtime", values.runtime, RUNTIMES),
    suites: words("suite", values.suite, SUITES.map((suite) => suite.name)),
    filters: positionals.map((part) => part.replace(/^\.\//, "")),
    atOnce,
    verbose: values.verbose,
  };
}

async function install(): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--frozen"],
    cwd: ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(
      `Cannot install the packages of deno.lock: ${new TextDecoder().decode(stderr)}`,
    );
  }
}

async function findAll(jobs: readonly Job[]): Promise<Map<RuntimeName, Runtime>> {
  const names = new Set(jobs.map((job) => job.runtime));
  const found = new Map<RuntimeName, Runtime>();
  for (const name of names) found.set(name, await findRuntime(name));
  return found;
}

function onResult(result: FileResult, verbose: boolean): void {
  const { job, cases, seconds } = result;
  const failed = cases.some((test) => test.outcome === "failed");
  const mark = failed ? "FAIL" : "ok  ";
  const count = `${cases.length} ${cases.length === 1 ? "test" : "tests"}`;
  console.log(`${mark} ${job.runtime.padEnd(4)} ${job.file} (${count}, ${seconds.toFixed(1)} s)`);
  if (verbose) { for (const test of cases) console.log(`       ${test.outcome}  ${test.name}`); }
}

async function main(): Promise<number> {
  const options = readOptions(Deno.args);
  await install();
  const jobs = plan(await testFiles(ROOT, "tests"), options);
  if (jobs.length === 0) throw new Error("Cannot run tests: no file fits what was asked for");
  const runtimes = await findAll(jobs);
  await using shared = await startShared(jobs, ROOT);
  const raw = await runAll(jobs, runtimes, {
    root: ROOT,
    env: shared.env,
    atOnce: options.atOnce,
    onResult: (result) => onResult(result, options.verbose),
  });
  const results = forgiveKnown(raw, DIFFERENCES);
  const ran = [...runtimes.keys()];
  const surprises = ran.length === RUNTIMES.length ? compareRuntimes(raw, ran, DIFFERENCES) : [];
  const sums = totals(results);
  const blocks = [
    failures(results),
    skips(results),
    surprises.map((text) => `FAILED runtimes must agree: ${text}`).join("\n"),
    counts(results),
    contractTable(results),
    table(results, [...runtimes.values()]),
    totalsLines({ ...sums, failed: sums.failed + surprises.length }),
  ];
  console.log("\n" + blocks.filter((block) => block !== "").join("\n\n"));
  return sums.failed + surprises.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exitCode = 2;
  }
}
