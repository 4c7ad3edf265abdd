import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type Clock, Secret } from "../../core/mod.ts";
import {
  open,
  type OpenOptions,
  type OpenTracer,
  type TracingConfigInit,
} from "../../tracing/mod.ts";
import * as otlp from "../../tracing/drivers/otlp.ts";
import * as metricsModule from "../../metrics/mod.ts";
import * as prometheus from "../../metrics/drivers/prometheus.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { until } from "../_until.ts";

interface Received {
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Uint8Array;
}

interface Collector extends AsyncDisposable {
  readonly endpoint: string;
  readonly received: Received[];
}

type Answer = { status: number; headers?: Record<string, string>; body?: string } | "hang";

/** A collector that gives the answers of a list, then 200. */
async function collector(answers: Answer[] = []): Promise<Collector> {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      received.push({ url: request.url ?? "", headers: request.headers, body });
      const answer = answers.shift() ?? { status: 200, headers: {}, body: "{}" };
      if (answer === "hang") return;
      response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
      response.end(answer.body ?? "");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function tracerTo(
  endpoint: string,
  section: TracingConfigInit = {},
  options: OpenOptions = {},
): Promise<OpenTracer> {
  const otlpSection = { endpoint, protocol: "http/json", ...(section as { otlp?: object }).otlp };
  return open({ ...section, otlp: otlpSection } as TracingConfigInit, {
    service: { name: "cqpm", version: "1.4.2" },
    drivers: { otlp: () => otlp },
    random: { bytes: (n) => crypto.getRandomValues(new Uint8Array(n)), next: () => 0 },
    ...options,
  });
}

// deno-lint-ignore no-explicit-any -- the collector's JSON, looked at by the tests below
const json = (received: Received): any => JSON.parse(new TextDecoder().decode(received.body));

async function counters(registry: metricsModule.MetricsRegistry): Promise<string[]> {
  const { body } = await registry.expose();
  return body.split("\n").filter((line) => line.startsWith("cqi_tracing"));
}

const registryOf = () =>
  metricsModule.open({ runtimeMetrics: false }, { drivers: { prometheus: () => prometheus } });

test("otlp sends spans as JSON with service, parent, attributes, events and links", async () => {
  await using server = await collector();
  const tracer = await tracerTo(server.endpoint);
  tracer.span(
    "outer",
    { kind: "server", attributes: { a: "x", n: 1, f: 1.5, b: true } },
    (outer) => {
      tracer.span(
        "inner",
        { links: [outer.context] },
        (span) => span.event("retry", { attempt: 1 }),
      );
    },
  );
  await tracer.close();
  assert.equal(server.received.length, 1);
  const [request] = server.received;
  assert.equal(request?.url, "/v1/traces");
  assert.equal(request?.headers["content-type"], "application/json");
  const [resource] = json(request!).resourceSpans;
  assert.deepEqual(resource.resource.attributes, [
    { key: "service.name", value: { stringValue: "cqpm" } },
    { key: "service.version", value: { stringValue: "1.4.2" } },
  ]);
  const [inner, outer] = resource.scopeSpans[0].spans;
  assert.equal(inner.parentSpanId, outer.spanId);
  assert.equal(inner.links[0].spanId, outer.spanId);
  assert.equal(inner.events[0].name, "retry");
  assert.equal(outer.kind, 2);
  assert.match(outer.traceId, /^[0-9a-f]{32}$/);
  assert.deepEqual(outer.attributes, [
    { key: "a", value: { stringValue: "x" } },
    { key: "n", value: { intValue: 1 } },
    { key: "f", value: { doubleValue: 1.5 } },
    { key: "b", value: { boolValue: true } },
  ]);
});

test("otlp sends protobuf, compressed, with headers from secrets, to the path it is given", async () => {
  await using server = await collector([{
    status: 200,
    headers: { "content-type": "application/x-protobuf" },
  }]);
  const tracer = await tracerTo(`${server.endpoint}/custom/path`, {
    otlp: {
      protocol: "http/protobuf",
      compression: "gzip",
      headers: { authorization: { valueSource: { case: "env", value: "OTLP_AUTH" } } },
    },
  } as TracingConfigInit, { resolveSecret: () => new Secret("Bearer canary") });
  tracer.start("a protobuf span").end();
  await tracer.close();
  const [request] = server.received;
  assert.equal(request?.url, "/custom/path");
  assert.equal(request?.headers["content-type"], "application/x-protobuf");
  assert.equal(request?.headers.authorization, "Bearer canary");
  const body = gunzipSync(request!.body);
  assert.equal(body[0], 0x0a);
  assert.match(new TextDecoder().decode(body), /a protobuf span/);
});

test("otlp sends no span of a trace that the caller does not sample", async () => {
  await using server = await collector();
  const tracer = await tracerTo(server.endpoint);
  const parent = {
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7",
    traceFlags: 0,
  };
  tracer.span("x", { parent }, () => tracer.start("y").end());
  await tracer.close();
  assert.equal(server.received.length, 0);
});

test("otlp sends a full batch at once and the rest after the delay", async () => {
  await using server = await collector();
  const clock = fakeClock();
  const tracer = await tracerTo(server.endpoint, { maxBatchSize: 2 }, { clock });
  for (const name of ["a", "b", "c"]) tracer.start(name).end();
  await tracer.flush();
  const names = server.received.map((r) => json(r).resourceSpans[0].scopeSpans[0].spans.length);
  assert.deepEqual(names, [2, 1]);
  tracer.start("d").end();
  assert.equal(server.received.length, 2);
  await clock.advance(5000);
  await tracer.flush();
  assert.equal(server.received.length, 3);
  await tracer.close();
});

for (const status of [429, 502, 503, 504]) {
  test(`otlp tries again after ${status}`, async () => {
    await using server = await collector([{ status, headers: { "retry-after": "0" } }]);
    const tracer = await tracerTo(server.endpoint);
    tracer.start("x").end();
    await tracer.close();
    assert.equal(server.received.length, 2);
  });
}

for (const status of [400, 401, 404, 500, 302]) {
  test(`otlp drops and counts after ${status}, without trying again`, async () => {
    await using server = await collector([{ status, headers: { location: "/elsewhere" } }]);
    const logger = testLogger();
    const metrics = await registryOf();
    const tracer = await tracerTo(server.endpoint, {}, { logger, metrics });
    tracer.start("x").end();
    await tracer.flush();
    assert.equal(server.received.length, 1);
    logger.expect({ level: "warn", message: "Cannot export spans" });
    assert.deepEqual(await counters(metrics), [
      "cqi_tracing_spans_exported_total 0",
      'cqi_tracing_spans_dropped_total{reason="export_failed"} 1',
    ]);
    await tracer.close();
  });
}

test("otlp waits as long as Retry-After says", async () => {
  await using server = await collector([{ status: 503, headers: { "retry-after": "3" } }]);
  const inner = fakeClock();
  const waits: number[] = [];
  const clock: Clock = {
    ...inner,
    timer(callback, delayMs) {
      waits.push(delayMs);
      return inner.timer(callback, delayMs);
    },
  };
  const tracer = await tracerTo(server.endpoint, {}, { clock });
  tracer.start("x").end();
  const flushed = tracer.flush();
  await until(() => waits.includes(3000), "a wait of 3 s");
  // Each try begins with a timer of its own for its deadline.
  const before = waits.length;
  await inner.advance(2999);
  assert.equal(waits.length, before);
  await inner.advance(1);
  await flushed;
  assert.equal(server.received.length, 2);
  await tracer.close();
});

test("otlp counts spans that the collector refuses", async () => {
  await using server = await collector([{
    status: 200,
    body: '{"partialSuccess":{"rejectedSpans":1}}',
  }]);
  const metrics = await registryOf();
  const tracer = await tracerTo(server.endpoint, {}, { metrics });
  tracer.start("x").end();
  tracer.start("y").end();
  await tracer.close();
  assert.deepEqual(await counters(metrics), [
    "cqi_tracing_spans_exported_total 1",
    'cqi_tracing_spans_dropped_total{reason="refused"} 1',
  ]);
});

// On a clock that stands still whatever waited would wait for ever.
test("otlp starts, works and closes without waiting for a collector that is not there, and counts what is lost", async () => {
  const metrics = await registryOf();
  const clock = fakeClock();
  const section = { maxQueueSize: 10, maxBatchSize: 10 };
  const tracer = await tracerTo("http://127.0.0.1:9", section, { metrics, clock });
  for (let i = 0; i < 1000; i++) tracer.start("x").end();
  const controller = new AbortController();
  const closed = tracer.close({ signal: controller.signal });
  controller.abort();
  await closed;
  assert.equal(clock.pending, 0);
  const lines = await counters(metrics);
  const lost = lines.slice(1).map((line) => Number(line.split(" ")[1])).reduce((a, b) => a + b);
  assert.equal(lost, 1000);
});

test("otlp gives a collector that hangs up after 5 s of closing", async () => {
  await using server = await collector(["hang"]);
  const clock = fakeClock();
  const metrics = await registryOf();
  const tracer = await tracerTo(server.endpoint, {}, { clock, metrics });
  tracer.start("x").end();
  const closed = tracer.close();
  await until(() => server.received.length > 0, "the request");
  await clock.advance(5000);
  await closed;
  assert.equal(clock.pending, 0);
  assert.match((await counters(metrics)).join("\n"), /export_failed"} 1/);
});

test("otlp flush ends with its signal", async () => {
  await using server = await collector(["hang"]);
  const tracer = await tracerTo(server.endpoint);
  tracer.start("x").end();
  const controller = new AbortController();
  const flushed = tracer.flush({ signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(flushed, /enough/);
  await tracer.close({ signal: AbortSignal.abort() });
});

test("otlp counts spans that end after closing", async () => {
  await using server = await collector();
  const metrics = await registryOf();
  const tracer = await tracerTo(server.endpoint, {}, { metrics });
  const span = tracer.start("late");
  await tracer.close();
  span.end();
  assert.match((await counters(metrics)).join("\n"), /closed"} 1/);
});

test("otlp reads no more of an endless answer than it needs", async () => {
  await using server = await collector([{ status: 200, body: "x".repeat(5_000_000) }]);
  const tracer = await tracerTo(server.endpoint);
  tracer.start("x").end();
  await tracer.close();
  assert.equal(server.received.length, 1);
});

test("otlp refuses a password in the endpoint without showing it", async () => {
  await assert.rejects(tracerTo("http://user:hunter2@127.0.0.1:9"), (error: Error) => {
    assert.match(error.message, /endpoint/);
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
});

test("otlp refuses headers whose secrets nobody finds, and TLS settings", async () => {
  const headers = { authorization: { valueSource: { case: "env", value: "X" } } };
  await assert.rejects(tracerTo("http://127.0.0.1:9", { otlp: { headers } } as TracingConfigInit), {
    code: "CQI_OPTION_INVALID",
  });
  await assert.rejects(tracerTo("http://127.0.0.1:9", { otlp: { tls: {} } } as TracingConfigInit), {
    code: "CQI_FEATURE_UNSUPPORTED",
  });
});
