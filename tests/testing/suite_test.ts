import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

interface Run {
  readonly failed: boolean;
  readonly output: string;
}

/** Runs the suite as its user would: by the test runner of the runtime that runs this. */
function runSuite(): Promise<Run> {
  const script = fileURLToPath(new URL("_suite_child.ts", import.meta.url));
  const args = "Deno" in globalThis
    ? ["test", "-A", "--no-check"]
    : "Bun" in globalThis
    ? ["test"]
    : ["--test-reporter=spec"];
  // Node's runner would hand its results to the runner above it, in place of printing them.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...args, script],
      { env: { ...env, NO_COLOR: "1" } },
      (error, stdout, stderr) => resolve({ failed: error !== null, output: stdout + stderr }),
    );
  });
}

/** What says on each runtime how a test ended; the name stands after, or before. */
const MARKS = {
  passed: ["✔ NAME", "NAME ... ok", "(pass) NAME"],
  skipped: ["﹣ NAME", "NAME ... ignored", "(skip) NAME"],
  failed: ["✖ NAME", "NAME ... FAILED", "(fail) NAME"],
} as const;

function assertEnded({ output }: Run, how: keyof typeof MARKS, name: string): void {
  const marks = MARKS[how].map((mark) => mark.replace("NAME", name));
  assert.ok(marks.some((mark) => output.includes(mark)), `'${name}' not ${how} in:\n${output}`);
}

test("registerSuite() runs, skips by the name of the feature, and fails", async () => {
  const run = await runSuite();
  assert.equal(run.failed, true);
  assertEnded(run, "passed", "bus toy: publishes");
  assertEnded(run, "passed", "bus toy: keeps order");
  assertEnded(run, "skipped", "bus toy: delays (declares no 'delay')");
  const unknown = "bus toy: needs what nobody declares (declares no 'constructor')";
  assertEnded(run, "skipped", unknown);
  assertEnded(run, "failed", "bus toy: loses events");
  assert.match(run.output, /lost 2 of 2,000/);
});
