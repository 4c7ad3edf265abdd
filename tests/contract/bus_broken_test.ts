import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Flaw } from "./_toy_bus.ts";

const FIXTURE = fileURLToPath(new URL("fixtures/broken_bus_test.ts", import.meta.url));

// How each runtime runs a file of tests, and how its report names one that failed.
const RUNNER = "Deno" in globalThis
  ? { args: ["test", "-A", "--no-check"], failed: /^broken: (.*?) \.\.\. FAILED/gm }
  : "Bun" in globalThis
  ? { args: ["test"], failed: /^\(fail\) broken: (.*?) \[/gm }
  : {
    args: ["--test", "--test-reporter=tap", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"],
    failed: /^ *not ok [0-9]+ - broken: (.*)$/gm,
  };

// The tests of the suite that a flaw fails.
async function failures(flaw: Flaw): Promise<string[]> {
  // A runner that finds itself started by another reports to that one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [...RUNNER.args, FIXTURE], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env, CQI_TOY_FLAW: flaw, NO_COLOR: "1" },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => output += data);
  await new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
  return [...new Set([...output.matchAll(RUNNER.failed)].map((match) => match[1]!))];
}

test("busContract passes a toy driver, in a child as here", async () => {
  assert.deepEqual(await failures("none"), []);
});

for (
  const [flaw, about, most] of [
    ["forgets commits", "a group that comes back goes on after what it handled", 4],
    [
      "writes backwards",
      "events of a key are handled in order, though handlers run side by side and fail",
      12,
    ],
    [
      "loses keys",
      "an event of 900,000 bytes, an empty one and an empty key arrive as they were sent",
      9,
    ],
  ] as const
) {
  test(`busContract fails a driver that ${flaw} on the test that is about it, and few others`, async () => {
    const failed = await failures(flaw);
    assert.ok(failed.includes(about), failed.join("; "));
    assert.ok(failed.length <= most, `${failed.length} failed: ${failed.join("; ")}`);
  });
}
