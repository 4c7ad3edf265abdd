import assert from "node:assert/strict";
import { test } from "node:test";
import { ProbeType } from "../../gen/ts/cqc/infrastructure/v1/mod.ts";
import { kit, laggingKit } from "./_kit.ts";

test("7 liveness fails when a loop has not ticked in time, and recovers when it does", async () => {
  const { health, clock, status } = kit();
  health.started();
  const beat = health.beat("orders-consumer", { within: "30s" });
  await clock.advance(30_000);
  assert.equal(await status("live"), 200);
  await clock.advance(1);
  assert.equal(await status("live"), 503);
  assert.equal(await status("ready"), 200);
  beat.tick();
  assert.equal(await status("live"), 200);
  await clock.advance(31_000);
  assert.equal(await status("live"), 503);
  beat.close();
  beat.close();
  assert.equal(await status("live"), 200);
});

test("7 liveness of a loop that died by an error fails after its grace, with the error for operators", async () => {
  const { health, clock, status, probe } = kit();
  const beat = health.beat("relay", { within: 5000 });
  beat.fail(new Error("connection to db-1.internal lost"));
  assert.equal(await status("live"), 200);
  await clock.advance(5001);
  const response = await probe("live");
  assert.equal(response.status, 503);
  assert(!(await response.text()).includes("db-1"));
  const report = await health.report({ probe: ProbeType.LIVENESS });
  assert.equal(report.components[0]!.message, "connection to db-1.internal lost");
  beat.tick();
  assert.equal((await health.report({ probe: ProbeType.LIVENESS })).components[0]!.message, "");
});

test("7 liveness is 200 while draining, though loops have ended, and never asks a component", async () => {
  const { health, clock, status } = kit();
  let runs = 0;
  health.add("database", () => void runs++);
  health.beat("consumer", { within: "1s" });
  health.started();
  health.draining();
  await clock.advance(60_000);
  assert.equal(await status("live"), 200);
  assert.equal(await status("startup"), 200);
  assert.equal(runs, 0);
});

test("7 liveness fails after three late turns of the event loop in a row, and not after one", async () => {
  const { health, lag, pending, status } = laggingKit();
  health.started();
  for (let i = 0; i < 2; i++) await lag(10_000);
  assert.equal(await status(), 200);
  await lag(0);
  for (let i = 0; i < 2; i++) await lag(10_000);
  assert.equal(await status(), 200);
  await lag(10_000);
  assert.equal(await status(), 503);
  await lag(9_999);
  assert.equal(await status(), 200);
  await health.close();
  assert.equal(pending(), 0);
});

test("7 open() leaves the event loop alone until started, and when told to", async () => {
  const { health, clock } = kit();
  assert.equal(clock.pending, 0);
  health.started();
  assert.equal(clock.pending, 1);
  await health.close();
  assert.equal(clock.pending, 0);
  const quiet = kit({}, { watchEventLoop: false });
  quiet.health.started();
  assert.equal(quiet.clock.pending, 0);
});
