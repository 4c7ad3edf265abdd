import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACTIVE_SPAN,
  activeContext,
  activeSpan,
  instruments,
  type LogLevel,
  noopLogger,
  noopMetrics,
  noopTracer,
  runInContext,
  type SpanContext,
  systemClock,
  systemRandom,
} from "../../core/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

const PARENT: SpanContext = { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 1 };

test("instruments() fills in the system's clock and randomness, and what does nothing", () => {
  const defaults = {
    logger: noopLogger,
    metrics: noopMetrics,
    tracer: noopTracer,
    clock: systemClock,
    random: systemRandom,
  };
  assert.deepEqual(instruments(), defaults);
  assert.deepEqual(instruments({}), defaults);
});

test("instruments() keeps what is given and leaves out what is none", () => {
  const clock = fakeClock();
  const env = instruments({ clock, other: 1 } as Parameters<typeof instruments>[0]);
  assert.equal(env.clock, clock);
  assert.ok(!("other" in env));
});

test("noopLogger calls no function that would make a line", () => {
  const refuse = (): never => assert.fail("called");
  const levels: LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];
  for (const level of levels) {
    assert.equal(noopLogger.isEnabled(level), false);
    noopLogger[level](refuse, refuse);
    noopLogger.log(level, refuse, refuse);
  }
  assert.equal(noopLogger.child({ a: 1 }), noopLogger);
});

test("noopMetrics takes every call", () => {
  const options = { name: "things_total", help: "Things." };
  noopMetrics.counter(options).add();
  noopMetrics.gauge(options).set(1);
  noopMetrics.histogram({ ...options, buckets: [1, 2] }).observe(NaN);
  noopMetrics.counter({ ...options, labels: ["kind"] }).with({ kind: "a" }).add(1);
  assert.equal(noopMetrics.onCollect(() => assert.fail("called"))(), undefined);
});

test("noopTracer hands a given or active parent on, and null starts nothing", () => {
  assert.equal(noopTracer.start("work", { parent: PARENT }).context, PARENT);
  runInContext(activeContext().with(ACTIVE_SPAN, PARENT), () => {
    assert.equal(activeSpan(), PARENT);
    assert.equal(noopTracer.start("work").context, PARENT);
    assert.equal(noopTracer.start("work", { parent: null }).context.spanId, "0".repeat(16));
  });
  assert.equal(noopTracer.start("work").context.traceId, "0".repeat(32));
});

test("noopTracer runs the work of a span, and throws what it throws", () => {
  const result = noopTracer.span("work", {}, (span) => {
    span.set({ a: 1 });
    span.event("moment");
    span.fail(new Error("broken"));
    span.end();
    return 42;
  });
  assert.equal(result, 42);
  const failing = (): never => assert.fail("broken");
  assert.throws(() => noopTracer.span("work", {}, failing), /broken/);
});
