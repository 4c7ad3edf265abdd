import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep, systemClock } from "../../core/mod.ts";
import { registry } from "./_registry.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

const NAMES = [
  "cqi_metrics_overflow_total",
  "cqi_runtime_active_resources",
  "cqi_runtime_event_loop_lag_seconds",
  "cqi_runtime_external_memory_bytes",
  "cqi_runtime_gc_duration_seconds",
  "cqi_runtime_heap_total_bytes",
  "cqi_runtime_heap_used_bytes",
  "cqi_runtime_info",
  "process_cpu_seconds_total",
  "process_cpu_system_seconds_total",
  "process_cpu_user_seconds_total",
  "process_resident_memory_bytes",
  "process_start_time_seconds",
];

test("open has the same runtime metrics on every runtime", async () => {
  const metrics = await registry({ runtimeMetrics: true }, { clock: systemClock });
  const { body } = await metrics.expose();
  const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]!).sort();
  assert.deepEqual(names, NAMES);
  const value = (name: string) =>
    Number(new RegExp(`^${name}(?:{.*})? (.+)$`, "m").exec(body)?.[1]);
  assert.ok(value("process_resident_memory_bytes") > 1e6);
  assert.ok(value("process_cpu_seconds_total") > 0);
  assert.ok(value("cqi_runtime_heap_used_bytes") > 1e5);
  assert.ok(Math.abs(value("process_start_time_seconds") - Date.now() / 1000) < 3600);
  await metrics.close();
});

test("open shows a blocked event loop as lag", async () => {
  const metrics = await registry({ runtimeMetrics: true }, { clock: systemClock });
  const end = performance.now() + 500;
  while (performance.now() < end);
  await sleep(systemClock, 20);
  const { body } = await metrics.expose();
  const sum = Number(/^cqi_runtime_event_loop_lag_seconds_sum (.+)$/m.exec(body)?.[1]);
  assert.ok(sum > 0.3, `lag was ${sum} s`);
  await metrics.close();
});

test("close ends the timer of the lag", async () => {
  const clock = fakeClock();
  const metrics = await registry({ runtimeMetrics: true }, { clock });
  await clock.advance(1000);
  assert.equal(clock.pending, 1);
  await metrics.close();
  assert.equal(clock.pending, 0);
});
