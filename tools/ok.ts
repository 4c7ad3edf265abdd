// deno-lint-ignore-file no-console -- a command line tool speaks on the console
/**
 * What a developer runs before each commit: `deno task ok`. Format, lint, types, then the
 * architecture, unit and contract tests on Deno alone. `--check-only` leaves the tests out.
 */
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

const CHECKS: readonly Step[] = [
  { name: "install", args: ["install", "--frozen", "-q"] },
  { name: "format", args: ["fmt", "--check", "-q"] },
  { name: "lint", args: ["lint", "-q"] },
  { name: "types", args: ["check", "-q", "."] },
];

const TESTS: Step = {
  name: "tests",
  args: ["run", "-A", "--no-check", "--frozen", "tools/test.ts", "--runtime=deno"]
    .concat("--suite=architecture,unit,contract"),
};

async function run(step: Step): Promise<boolean> {
  const start = performance.now();
  console.log(`--- ${step.name}`);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [...step.args],
    cwd: ROOT,
    stdin: "null",
  }).spawn().status;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`--- ${step.name}: ${success ? "ok" : "FAILED"} (${seconds} s)`);
  return success;
}

async function main(): Promise<number> {
  const steps = Deno.args.includes("--check-only") ? CHECKS : [...CHECKS, TESTS];
  const failed: string[] = [];
  for (const step of steps) if (!await run(step)) failed.push(step.name);
  console.log(failed.length === 0 ? "ok" : `FAILED: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = await main();
