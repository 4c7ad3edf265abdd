import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACTIVE_SPAN,
  activeContext,
  activeSpan,
  runInContext,
  sleep,
  systemClock,
  systemRandom,
} from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { open } from "../../tracing/mod.ts";
import * as memory from "../../tracing/drivers/memory.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { memoryTracer } from "./_tracer.ts";

const PARENT = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  traceFlags: 1,
};

test("span nests three awaits deep", async () => {
  const tracer = await memoryTracer();
  await tracer.span("outer", {}, async () => {
    await sleep(systemClock, 1);
    await (async () => {
      await Promise.resolve();
      await sleep(systemClock, 1);
      await tracer.span("inner", {}, () => sleep(systemClock, 1));
    })();
  });
  const [inner, outer] = tracer.spans();
  assert.equal(inner?.name, "inner");
  assert.equal(inner?.parentSpanId, outer?.context.spanId);
  assert.equal(inner?.context.traceId, outer?.context.traceId);
  assert.equal(outer?.parentSpanId, undefined);
});

test("span keeps 1,000 interleaved traces apart", async () => {
  const tracer = await memoryTracer();
  await Promise.all(
    Array.from(
      { length: 1000 },
      (_, i) =>
        tracer.span("outer", { attributes: { i } }, async (span) => {
          await sleep(systemClock, i % 5);
          assert.equal(activeSpan()?.spanId, span.context.spanId);
          await tracer.span("inner", { attributes: { i } }, () => Promise.resolve());
        }),
    ),
  );
  const spans = tracer.spans();
  const outers = new Map(spans.filter((s) => s.name === "outer").map((s) => [s.attributes.i, s]));
  for (const span of spans.filter((s) => s.name === "inner")) {
    assert.equal(span.parentSpanId, outers.get(span.attributes.i)?.context.spanId);
  }
  assert.equal(new Set(spans.map((span) => span.context.traceId)).size, 1000);
});

test("span gives what the work gives, and is active only inside", async () => {
  const tracer = await memoryTracer();
  assert.equal(tracer.span("sync", {}, () => 7), 7);
  assert.equal(await tracer.span("async", {}, () => Promise.resolve(8)), 8);
  assert.equal(activeSpan(), undefined);
  assert.equal(tracer.spans().length, 2);
});

test("span fails with what the work throws, at once or later", async () => {
  const tracer = await memoryTracer();
  const error = new CqiError("CQI_UNAVAILABLE", "Cannot reach it: password=hunter2");
  assert.throws(() =>
    tracer.span("sync", {}, () => {
      throw error;
    }), error);
  await assert.rejects(tracer.span("async", {}, () => Promise.reject(error)), error);
  for (const span of tracer.spans()) {
    assert.equal(span.failed, true);
    assert.equal(span.failure, "Cannot reach it: password=[redacted]");
    assert.equal(span.attributes["error.type"], "CQI_UNAVAILABLE");
    assert.equal(span.events[0]?.name, "exception");
    assert.equal(span.events[0]?.attributes["exception.type"], "CqiError");
  }
  assert.doesNotMatch(JSON.stringify(tracer.spans()), /hunter2/);
});

test("fail takes whatever was thrown", async () => {
  const tracer = await memoryTracer();
  const evil = new Proxy({}, {
    get: () => {
      throw new Error("no");
    },
  });
  for (const thrown of [undefined, null, 7, "text", evil, Symbol("s"), new Error("")]) {
    const span = tracer.start("x");
    span.fail(thrown);
    span.end();
  }
  assert.equal(tracer.spans().filter((span) => span.failed).length, 7);
});

test("start follows a given parent, starts a new trace for null, else follows the active span", async () => {
  const tracer = await memoryTracer();
  runInContext(activeContext().with(ACTIVE_SPAN, PARENT), () => {
    tracer.start("active").end();
    tracer.start("null", { parent: null }).end();
    tracer.start("given", { parent: { ...PARENT, spanId: "1111111111111111", traceState: "a=1" } })
      .end();
  });
  const [active, none, given] = tracer.spans();
  assert.equal(active?.parentSpanId, PARENT.spanId);
  assert.equal(none?.parentSpanId, undefined);
  assert.notEqual(none?.context.traceId, PARENT.traceId);
  assert.equal(given?.parentSpanId, "1111111111111111");
  assert.equal(given?.context.traceState, "a=1");
});

test("start starts a new trace for a parent that is not valid", async () => {
  const tracer = await memoryTracer();
  tracer.start("x", { parent: { ...PARENT, traceId: "0".repeat(32) } }).end();
  assert.equal(tracer.spans()[0]?.parentSpanId, undefined);
});

test("Span keeps kind, attributes, events and links, without secrets and undefined", async () => {
  const clock = fakeClock();
  const tracer = await memoryTracer({}, { clock });
  const span = tracer.start("x", {
    kind: "producer",
    attributes: {
      a: 1,
      gone: undefined,
      url: "https://u:hunter2@h/",
      list: ["x", "token=hunter2"],
    },
    links: [PARENT],
  });
  await clock.advance(5);
  span.event("retry", { attempt: 2 });
  span.set({ a: 2, b: true });
  await clock.advance(10);
  clock.jump(-3_600_000);
  span.end();
  const [got] = tracer.spans();
  assert.equal(got?.kind, "producer");
  assert.deepEqual(got?.attributes, {
    a: 2,
    url: "https://[redacted]@h/",
    list: ["x", "token=[redacted]"],
    b: true,
  });
  assert.deepEqual(got?.events, [{
    name: "retry",
    timeMs: 1767225600005,
    attributes: { attempt: 2 },
  }]);
  assert.deepEqual(got?.links, [PARENT]);
  assert.equal(got!.endMs - got!.startMs, 15);
});

test("Span takes nothing after its end, and ends once", async () => {
  const tracer = await memoryTracer();
  const span = tracer.start("x");
  span.end();
  span.set({ a: 1 });
  span.event("e");
  span.fail(new Error("late"));
  span.end();
  assert.equal(tracer.spans().length, 1);
  assert.deepEqual(tracer.spans()[0]?.attributes, {});
});

test("open keeps no span of a trace that the caller does not sample", async () => {
  const tracer = await memoryTracer({ sampleErrors: false });
  const parent = { ...PARENT, traceFlags: 0 };
  tracer.span("outer", { parent }, (span) => {
    assert.equal(span.context.traceFlags & 1, 0);
    assert.equal(span.context.traceId, PARENT.traceId);
    tracer.start("inner").end();
  });
  assert.throws(() =>
    tracer.span("failed", { parent }, () => {
      throw new Error("x");
    })
  );
  assert.equal(tracer.spans().length, 0);
});

test("open keeps failed spans of traces that are not sampled, and no others", async () => {
  const tracer = await memoryTracer({ sampleRatio: 0 });
  tracer.span("good", {}, () => 1);
  assert.throws(() =>
    tracer.span("bad", {}, () => {
      throw new Error("x");
    })
  );
  assert.deepEqual(tracer.spans().map((span) => span.name), ["bad"]);
});

test("open keeps a sampled caller's trace whatever the ratio", async () => {
  const tracer = await memoryTracer({ sampleRatio: 0 });
  tracer.span("x", { parent: PARENT }, () => 1);
  assert.equal(tracer.spans().length, 1);
});

test("open keeps a share of 10,000 traces within 3 standard deviations", async () => {
  const tracer = await memoryTracer({ sampleRatio: 0.1, memory: { maxSpans: 20_000 } });
  for (let i = 0; i < 10_000; i++) tracer.start("x", { parent: null }).end();
  const sigma = Math.sqrt(10_000 * 0.1 * 0.9);
  assert.ok(Math.abs(tracer.spans().length - 1000) < 3.9 * sigma, `${tracer.spans().length} kept`);
});

test("open follows a span that asks to be kept or left out", async () => {
  const tracer = await memoryTracer({ sampleRatio: 0 });
  tracer.start("keep", { attributes: { "sampling.priority": 1 } }).end();
  const all = await memoryTracer();
  all.start("leave", { attributes: { "sampling.priority": 0 } }).end();
  assert.equal(tracer.spans().length, 1);
  assert.equal(all.spans().length, 0);
});

test("open bounds spans: how many, how many attributes, how long a text", async () => {
  const tracer = await memoryTracer({
    memory: { maxSpans: 10 },
    maxAttributes: 3,
    maxAttributeLength: 16,
  });
  for (let i = 0; i < 100; i++) {
    tracer.start(`s${i}`, { attributes: { text: "x".repeat(1000), b: 1, c: 2, d: 3 } }).end();
  }
  const spans = tracer.spans();
  assert.deepEqual([spans.length, spans[0]?.name, spans.at(-1)?.name], [10, "s90", "s99"]);
  assert.deepEqual(spans[0]?.attributes, { text: "x".repeat(16), b: 1, c: 2 });
});

test("open takes ids from the injected randomness, never all zero", async () => {
  let calls = 0;
  const random = {
    next: () => 0,
    bytes: (n: number) => new Uint8Array(n).fill(calls++ === 0 ? 0 : 7),
  };
  const tracer = await memoryTracer({}, { random });
  tracer.start("x").end();
  assert.equal(tracer.spans()[0]?.context.traceId, "07".repeat(16));
});

test("open without a driver passes the caller's trace on and records nothing", async () => {
  const tracer = await open();
  assert.equal(tracer.driver, "none");
  tracer.span("x", { parent: PARENT }, (span) => {
    assert.equal(span.context.traceId, PARENT.traceId);
    assert.equal(activeSpan()?.traceId, PARENT.traceId);
  });
  tracer.span("y", {}, (span) => {
    span.set({ a: 1 });
    assert.equal(activeSpan(), undefined);
  });
  assert.deepEqual(tracer.spans(), []);
  await tracer.flush();
  await tracer.close();
});

test("open that is switched off passes the trace on without a driver", async () => {
  const tracer = await open({ enabled: false, driver: "otlp" });
  tracer.span("x", { parent: PARENT }, (span) => assert.equal(span.context.spanId, PARENT.spanId));
});

test("open refuses an unknown driver and a ratio out of bounds", async () => {
  await assert.rejects(open({ driver: "jaeger" }, { drivers: { memory: () => memory } }), {
    code: "CQI_TRACING_DRIVER_UNKNOWN",
    message: /'jaeger' is not known, known drivers are 'memory'/,
  });
  await assert.rejects(open({ sampleRatio: 1.5 }), { code: "CQI_CONTRACT_INVALID" });
});

test("close twice closes once and drops later spans", async () => {
  const tracer = await memoryTracer({}, { random: systemRandom });
  await Promise.all([tracer.close(), tracer.close()]);
  tracer.start("late").end();
  assert.equal(tracer.spans().length, 0);
});
