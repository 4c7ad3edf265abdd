import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startChild } from "../_child.ts";

const APP = fileURLToPath(new URL("./fixtures/app.ts", import.meta.url));

function lines(text: string): Record<string, unknown>[] {
  return text.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

test("K16 run() on SIGTERM finishes what is in hand, says goodbye and exits with 0", async () => {
  const app = startChild(APP, ["serve"]);
  await app.until(/all started/);
  app.kill("SIGTERM");
  const { code, stdout } = await app.ended;
  const messages = lines(stdout).map((line) => line.message);
  assert.ok(messages.includes("all handled"), stdout);
  assert.equal(messages.at(-1), "Service stopped");
  assert.equal(code, 0);
});

test("run() ends with 0 when its main work is done", async () => {
  const { code, stderr } = await startChild(APP, ["end"]).ended;
  assert.equal(code, 0, stderr);
});

test("run() logs what its main work threw and exits with 1", async () => {
  const { code, stdout } = await startChild(APP, ["fail"]).ended;
  const failed = lines(stdout).find((line) => line.message === "Service failed");
  assert.equal((failed?.error as { message?: string })?.message, "main gave up");
  assert.equal(code, 1);
});

test("run() logs an unhandled rejection, stops in order and exits with 1", async () => {
  const { code, stdout } = await startChild(APP, ["uncaught"]).ended;
  const fatal = lines(stdout).find((line) => line.level === "fatal");
  assert.equal((fatal?.error as { message?: string })?.message, "nobody caught this");
  assert.equal(lines(stdout).at(-1)?.message, "Service stopped");
  assert.equal(code, 1);
});

test("run() does not wait longer than its budget for work that ignores its signal", async () => {
  const app = startChild(APP, ["hang"]);
  await app.until(/all handled/);
  app.kill("SIGTERM");
  const { code, stdout } = await app.ended;
  assert.equal(code, 1);
  assert.match(stdout, /the main work took over 200 ms/);
});

test("run() ends the process at once on a second signal", async () => {
  const app = startChild(APP, ["hang"]);
  await app.until(/all started/);
  app.kill("SIGINT");
  await app.until(/Signal received/);
  app.kill("SIGINT");
  assert.equal((await app.ended).code, 1);
});
