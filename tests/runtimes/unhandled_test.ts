import assert from "node:assert/strict";
import test from "node:test";
import { fileURLToPath } from "node:url";
import type { Job } from "../../tools/test_runner/plan.ts";
import { type FileResult, runFile, WHOLE_FILE } from "../../tools/test_runner/run.ts";
import { findRuntime, type RuntimeName, RUNTIMES } from "../../tools/test_runner/runtimes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

async function runFixture(
  runtime: RuntimeName,
  name: string,
  limitMs = 60_000,
): Promise<FileResult> {
  const suite = { name: "fixtures", once: false, alone: false, limitMs };
  const job: Job = { file: `tests/runtimes/fixtures/${name}.ts`, runtime, suite };
  return await runFile(job, await findRuntime(runtime), ROOT);
}

function failed(result: FileResult): string[] {
  return result.cases.filter((each) => each.outcome === "failed").map((each) => each.name);
}

for (const runtime of RUNTIMES) {
  test(`runFile() passes a file with a handled rejection on ${runtime}`, async () => {
    const result = await runFixture(runtime, "all_good");
    assert.deepEqual(result.cases.map(({ name, outcome }) => [name, outcome]), [
      ["passes", "passed"],
    ]);
  });

  for (const name of ["rejection_in_test", "rejection_after_test", "rejection_at_load"]) {
    test(`runFile() fails the file of ${name} on ${runtime}`, async () => {
      const result = await runFixture(runtime, name);
      assert.equal(failed(result).length, 1, result.output);
      assert.match(result.output + JSON.stringify(result.cases), /lost (in|after|while)/);
    });
  }

  test(`runFile() fails a file that cannot be loaded on ${runtime}`, async () => {
    const result = await runFixture(runtime, "cannot_load");
    assert.notDeepEqual(failed(result), []);
    assert.match(result.output + JSON.stringify(result.cases), /broken while loading/);
  });

  test(`runFile() fails a file without a test on ${runtime}`, async () => {
    const result = await runFixture(runtime, "nothing");
    assert.notDeepEqual(failed(result), []);
  });

  test(`runFile() kills a file at its limit and fails it on ${runtime}`, async () => {
    const result = await runFixture(runtime, "hangs", 2000);
    assert.deepEqual(failed(result), [WHOLE_FILE]);
    assert.ok(result.seconds < 20, `${result.seconds} s`);
  });
}
