import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACTIVE_SPAN,
  activeContext,
  contextKey,
  LOG_FIELDS,
  runInContext,
  sleep,
  systemClock,
} from "../../core/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { LogEntrySchema } from "../../gen/ts/cqc/observability/v1/mod.ts";
import { LIFTED, RESERVED } from "../../logging/_fields.ts";
import { open } from "../../logging/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { entryOf, recorded } from "./_lines.ts";

const SPAN = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  traceFlags: 1,
};

test("open writes the golden line", async () => {
  const { log, lines } = await recorded({}, {
    service: { name: "cqpm", version: "1.4.2", environment: "test", instanceId: "i-1" },
  });
  const child = log.child({ component: "bus", strategy: "mm" });
  runInContext(
    activeContext().with(ACTIVE_SPAN, SPAN).with(LOG_FIELDS, { request_id: "r-1" }),
    () => {
      child.warn("Order placed", { duration_ms: 12.5, quantity: 7n, offset: 9007199254740993n });
    },
  );
  assert.deepEqual(lines, [
    '{"timestamp":"2026-01-01T00:00:00.000Z","level":"warn","message":"Order placed",' +
    '"service_name":"cqpm","service_version":"1.4.2","environment":"test","instance_id":"i-1",' +
    '"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":"01",' +
    '"request_id":"r-1","component":"bus","duration_ms":12.5,"offset":"9007199254740993",' +
    '"attributes":{"strategy":"mm","quantity":"7"}}',
  ]);
  assert.equal(entryOf(lines[0]!).offset, 9007199254740993n);
});

test("open knows each field of LogEntry", () => {
  const names = LogEntrySchema.fields.map((field) => field.name).sort();
  assert.deepEqual([...Object.keys(LIFTED), ...RESERVED, "error"].sort(), names);
});

test("open refuses a section that breaks a rule, naming the field", async () => {
  await assert.rejects(open({ level: "loud" }), (error) => {
    assert(isCqiError(error, "CQI_CONTRACT_INVALID"));
    assert.match(error.message, /level/);
    return true;
  });
});

test("Logger keeps reserved fields from being overwritten", async () => {
  const { log, lines, last } = await recorded();
  const hostile = Object.fromEntries(RESERVED.map((name) => [name, "forged"]));
  log.info("real", hostile);
  const { attributes, ...rest } = last();
  assert.deepEqual(rest, {
    timestamp: "2026-01-01T00:00:00.000Z",
    level: "info",
    message: "real",
    service_name: "cqpm",
  });
  assert.deepEqual(attributes, hostile);
  entryOf(lines[0]!);
});

test("Logger puts a field of the wrong type or size under attributes", async () => {
  const { log, lines } = await recorded();
  const wrong = {
    request_id: 7,
    user_id: "",
    topic: "x".repeat(300),
    status_code: 99,
    duration_ms: -1,
    partition: 1.5,
    offset: "01",
    error: "text",
    component: { name: "bus" },
    path: "é".repeat(3000),
  };
  log.info("m", wrong);
  const entry = entryOf(lines[0]!);
  assert.deepEqual(Object.keys(entry.attributes!).sort(), Object.keys(wrong).sort());
});

test("Logger takes fields of a line over those of the logger, and those over the context's", async () => {
  const { log, lines, last } = await recorded();
  const child = log.child({ request_id: "child", a: 1, b: 1 }).child({ b: 2 });
  const context = activeContext().with(LOG_FIELDS, { request_id: "context", a: 0, c: 3 });
  runInContext(context, () => child.info("m", { a: 2, request_id: "own" }));
  assert.equal(last().request_id, "own");
  assert.deepEqual(last().attributes, { a: 2, c: 3, b: 2 });
  assert.equal(lines[0]!.match(/"request_id"/g)!.length, 1);
});

test("Logger has the ids of the span three awaits deep", async () => {
  const { log, last } = await recorded();
  await runInContext(activeContext().with(ACTIVE_SPAN, SPAN), async () => {
    await sleep(systemClock, 1);
    await (async () => {
      await Promise.resolve();
      await sleep(systemClock, 1);
      log.info("deep");
    })();
  });
  assert.equal(last().trace_id, SPAN.traceId);
  assert.equal(last().span_id, SPAN.spanId);
});

test("Logger leaves out a span that is not valid", async () => {
  const { log, last } = await recorded();
  for (const traceId of ["0".repeat(32), 'x","level":"fatal', SPAN.traceId.toUpperCase()]) {
    runInContext(activeContext().with(ACTIVE_SPAN, { ...SPAN, traceId }), () => log.info("m"));
    assert.equal(last().trace_id, undefined);
    assert.equal(last().level, "info");
  }
});

test("Logger never mixes 1,000 interleaved requests", async () => {
  const { log, lines } = await recorded();
  await Promise.all(Array.from({ length: 1000 }, async (_, i) => {
    const traceId = (i + 1).toString(16).padStart(32, "0");
    const context = activeContext()
      .with(ACTIVE_SPAN, { ...SPAN, traceId })
      .with(LOG_FIELDS, { request_id: `r-${i}` });
    await runInContext(context, async () => {
      await sleep(systemClock, i % 7);
      log.info("one", { i });
      await Promise.resolve();
      log.info("two", { i });
    });
  }));
  assert.equal(lines.length, 2000);
  for (const line of lines) {
    const { trace_id, request_id, attributes } = JSON.parse(line);
    assert.equal(Number.parseInt(trace_id, 16), attributes.i + 1);
    assert.equal(request_id, `r-${attributes.i}`);
  }
});

test("Logger below the level calls no lazy function", async () => {
  const { log, lines } = await recorded({ level: "info" });
  const never = (): never => assert.fail("called");
  log.debug(never, never);
  log.log("trace", never, never);
  assert.equal(log.isEnabled("debug"), false);
  assert.equal(lines.length, 0);
});

test("Logger calls lazy functions once for a line that is written", async () => {
  const { log, last } = await recorded();
  let calls = 0;
  log.info(() => `m${++calls}`, () => ({ calls: ++calls }));
  assert.equal(last().message, "m1");
  assert.deepEqual(last().attributes, { calls: 2 });
});

test("Logger survives lazy functions that throw", async () => {
  const { log, lines } = await recorded();
  const broken = (): never => {
    throw new Error("broken");
  };
  log.info(broken, broken);
  assert.equal(entryOf(lines[0]!).message, "[message failed: broken]");
});

test("setLevel changes the level of the logger and its children at once", async () => {
  const { log, lines } = await recorded({ level: "warn" });
  const child = log.child({ component: "bus" });
  child.info("before");
  log.setLevel("debug");
  child.debug("after");
  log.setLevel("off");
  child.fatal("off");
  assert.deepEqual(lines.map((line) => JSON.parse(line).message), ["after"]);
  assert.equal(log.level, "off");
});

test("setLevel for a component covers those below it alone", async () => {
  const { log, lines } = await recorded({ levels: { db: "off" } });
  log.setLevel("trace", { component: "bus" });
  log.child({ component: "bus.kafka" }).trace("below");
  log.child({ component: "business" }).trace("beside");
  log.child({ component: "db.pool" }).fatal("off by configuration");
  assert.deepEqual(lines.map((line) => JSON.parse(line).message), ["below"]);
});

test("setLevel for a time goes back by itself to what was there for good", async () => {
  const clock = fakeClock();
  const { log } = await recorded({}, { clock });
  log.setLevel("debug", { durationMs: 300_000 });
  await clock.advance(200_000);
  log.setLevel("trace", { durationMs: 300_000 });
  await clock.advance(200_000);
  assert.equal(log.level, "trace");
  await clock.advance(100_000);
  assert.equal(log.level, "info");
  assert.equal(clock.pending, 0);
});

test("close flushes once, ends timers and drops later lines", async () => {
  const clock = fakeClock();
  const calls: string[] = [];
  const log = await open({}, {
    clock,
    sink: {
      write: () => {},
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(void calls.push("close")),
    },
  });
  log.setLevel("debug", { durationMs: 1000 });
  await Promise.all([log.close(), log.close()]);
  await log[Symbol.asyncDispose]();
  log.info("late");
  assert.deepEqual(calls, ["close"]);
  assert.equal(clock.pending, 0);
});

test("Logger goes on when the sink throws", async () => {
  const { log } = await recorded({}, {
    sink: {
      write: () => {
        throw new Error("disk");
      },
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
  });
  log.error("m");
});

test("Logger methods work without their object", async () => {
  const { log, lines } = await recorded();
  const { info, child } = log;
  info("a");
  child({ x: 1 }).info("b");
  assert.equal(lines.length, 2);
});

test("open hands the configuration to a function that makes the sink", async () => {
  const seen: string[] = [];
  const { log } = await recorded({ output: "stderr" }, {
    sink: (config) => ({
      write: (line) => void seen.push(config.output + JSON.parse(line).message),
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }),
  });
  log.info("m");
  assert.deepEqual(seen, ["stderrm"]);
});

test("open writes all levels with their names", async () => {
  const { log, lines } = await recorded({ level: "trace" });
  for (const level of ["trace", "debug", "info", "warn", "error", "fatal"] as const) {
    log[level]("m");
  }
  assert.deepEqual(lines.map((line) => entryOf(line).level), [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "fatal",
  ]);
});

test("Logger ignores other keys of the context", async () => {
  const { log, last } = await recorded();
  const key = contextKey<string>("other");
  runInContext(activeContext().with(key, "x"), () => log.info("m"));
  assert.equal(last().attributes, undefined);
});

test("open limits equal lines and says how many were suppressed", async () => {
  const clock = fakeClock();
  const { log, lines } = await recorded({ maxEqualLinesPerSecond: 10 }, { clock });
  for (let i = 0; i < 10_000; i++) log.error("Cannot reach venue", { i });
  log.error("other");
  assert.equal(lines.length, 11);
  await clock.advance(1000);
  assert.equal(lines.length, 12);
  assert.deepEqual(JSON.parse(lines[11]!).attributes, { suppressed: 9990 });
  log.error("Cannot reach venue");
  assert.equal(lines.length, 13);
});

test("close reports lines that are still held back", async () => {
  const { log, lines } = await recorded({ maxEqualLinesPerSecond: 1 });
  for (let i = 0; i < 5; i++) log.error("same");
  await log.close();
  assert.deepEqual(lines.map((line) => JSON.parse(line).attributes?.suppressed), [undefined, 4]);
});
