import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { onStopSignal, onUncaught } from "../../internal/runtime/process.ts";
import { startChild } from "../_child.ts";

const script = fileURLToPath(new URL("_process_child.ts", import.meta.url));

test("onStopSignal() takes its listeners away when told to stop", () => {
  const count = (): number => process.listenerCount("SIGTERM") + process.listenerCount("SIGINT");
  const before = count();
  const stop = onStopSignal(() => {});
  assert.equal(count(), before + 2);
  stop();
  stop();
  assert.equal(count(), before);
});

test("onUncaught() takes its listeners away when told to stop", () => {
  const count = (): number =>
    process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection");
  const before = count();
  const stop = onUncaught(() => {});
  assert.equal(count(), before + 2);
  stop();
  assert.equal(count(), before);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`onStopSignal() hears ${signal}, by name, in place of the process's end`, async () => {
    const child = startChild(script, ["signals"]);
    await child.until(/ready/);
    // Not by the child: Deno then reports the signal in place of the exit code.
    process.kill(child.process.pid!, signal);
    const { code, stdout } = await child.ended;
    assert.deepEqual([code, stdout], [7, `ready\n${signal}\n`]);
  });
}

test("onUncaught() hears what is thrown and what is rejected, and the process goes on", async () => {
  const { code, stdout } = await startChild(script, ["uncaught"]).ended;
  assert.deepEqual([code, stdout], [8, "thrown\nrejected\n"]);
});
