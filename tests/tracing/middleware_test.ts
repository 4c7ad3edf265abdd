import assert from "node:assert/strict";
import { test } from "node:test";
import { activeSpan, type HttpContext } from "../../core/mod.ts";
import { activeBaggage, middleware, type TracingMiddlewareOptions } from "../../tracing/mod.ts";
import { memoryTracer } from "./_tracer.ts";

const signal = new AbortController().signal;
const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

interface Call {
  readonly headers?: Record<string, string>;
  readonly context?: Partial<HttpContext>;
  readonly options?: TracingMiddlewareOptions;
  readonly answer?: () => Response;
  readonly ratio?: number;
}

async function call({ headers = {}, context = {}, options = {}, answer, ratio }: Call = {}) {
  const tracer = await memoryTracer(ratio === undefined ? {} : { sampleRatio: ratio });
  const layer = middleware(tracer, options);
  const request = new Request("https://h.example:8443/positions/7?token=hunter2", { headers });
  await Promise.resolve(layer(request, { signal, ...context }, async () => {
    await Promise.resolve();
    return answer?.() ?? new Response("x");
  })).catch(() => {});
  return tracer.spans();
}

test("middleware makes the golden server span", async () => {
  const [span] = await call({
    headers: { traceparent: PARENT, "user-agent": "t" },
    context: { route: "/positions/:id" },
  });
  assert.equal(span?.name, "GET /positions/:id");
  assert.equal(span?.kind, "server");
  assert.equal(span?.parentSpanId, "00f067aa0ba902b7");
  assert.deepEqual(span?.attributes, {
    "http.request.method": "GET",
    "http.route": "/positions/:id",
    "url.scheme": "https",
    "url.path": "/positions/7",
    "server.address": "h.example",
    "server.port": 8443,
    "user_agent.original": "t",
    "http.response.status_code": 200,
  });
});

test("middleware names a span without a route by its method", async () => {
  assert.equal((await call())[0]?.name, "GET");
});

test("middleware marks an answer of 500 and above, and what throws, as failed", async () => {
  const [bad] = await call({ answer: () => new Response(null, { status: 503 }) });
  assert.deepEqual([bad?.failed, bad?.attributes["error.type"]], [true, "503"]);
  const [thrown] = await call({
    answer: () => {
      throw new TypeError("x");
    },
  });
  assert.deepEqual([thrown?.failed, thrown?.attributes["error.type"]], [true, "TypeError"]);
  const [client] = await call({ answer: () => new Response(null, { status: 404 }) });
  assert.equal(client?.failed, false);
});

test("middleware starts a new trace for a bad header", async () => {
  const [span] = await call({ headers: { traceparent: "00-bad" } });
  assert.equal(span?.parentSpanId, undefined);
});

test("middleware links to a stranger's span, or ignores it, when told to", async () => {
  const headers = { traceparent: PARENT.replace(/01$/, "00") };
  const [linked] = await call({ headers, options: { incoming: "link" } });
  assert.equal(linked?.parentSpanId, undefined);
  assert.equal(linked?.links[0]?.spanId, "00f067aa0ba902b7");
  const [ignored] = await call({ headers, options: { incoming: "ignore" } });
  assert.deepEqual([ignored?.parentSpanId, ignored?.links], [undefined, []]);
});

test("middleware keeps a trace that the baggage asks for, only when told to", async () => {
  const headers = { traceparent: PARENT.replace(/01$/, "00"), baggage: "debug=1" };
  assert.equal((await call({ headers, ratio: 0 })).length, 0);
  assert.equal((await call({ headers, ratio: 0, options: { debugKey: "debug" } })).length, 1);
  const link = { debugKey: "debug", incoming: "link" } as const;
  assert.equal((await call({ headers, ratio: 0, options: link })).length, 0);
});

test("middleware gives the work its span and the baggage, and echoes nothing", async () => {
  const tracer = await memoryTracer();
  const request = new Request("http://h/", { headers: { traceparent: PARENT, baggage: "k=v" } });
  const response = await middleware(tracer)(request, { signal }, async () => {
    await Promise.resolve();
    assert.equal(activeSpan()?.traceId, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert.equal(activeBaggage().get("k"), "v");
    return new Response();
  });
  assert.deepEqual([...response.headers], []);
});
