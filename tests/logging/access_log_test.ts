import assert from "node:assert/strict";
import { test } from "node:test";
import { compose, type HttpContext } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { accessLog, type AccessLogOptions } from "../../logging/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";

const signal = new AbortController().signal;

async function call(
  answer: () => Response | Promise<Response>,
  context: Partial<HttpContext> = {},
  options: AccessLogOptions = {},
  request: Request = new Request("http://h/positions/7?token=abc"),
) {
  const logger = testLogger();
  const layer = accessLog(logger, options);
  const result = await Promise.resolve(
    layer(request, { signal, ...context }, async () => await answer()),
  ).catch((error) => error);
  return { logger, result };
}

test("accessLog writes one line with the route template, never the raw path", async () => {
  const clock = fakeClock();
  const { logger } = await call(
    async () => {
      await clock.advance(12);
      return new Response("hello", { headers: { "content-length": "5" } });
    },
    { route: "/positions/:id", requestId: "r-1" },
    { clock },
  );
  assert.equal(logger.entries.length, 1);
  const { level, message, fields } = logger.entries[0]!;
  assert.deepEqual({ level, message, ...fields }, {
    level: "info",
    message: "Request answered",
    request_id: "r-1",
    user_id: undefined,
    method: "GET",
    path: "/positions/:id",
    status_code: 200,
    duration_ms: 12,
    request_bytes: undefined,
    response_bytes: 5,
  });
});

test("accessLog says other where there is no route", async () => {
  const { logger } = await call(() => new Response());
  assert.equal(logger.entries[0]!.fields.path, "other");
});

test("accessLog writes answers of 500 and above at error, and those below at info", async () => {
  for (
    const [status, level] of [[200, "info"], [404, "info"], [500, "error"], [503, "error"]] as const
  ) {
    const { logger } = await call(() => new Response(null, { status }));
    assert.equal(logger.entries[0]!.level, level);
  }
});

test("accessLog writes what throws with its status, and throws it on", async () => {
  const error = new CqiError("CQI_UNAVAILABLE", "Cannot reach it");
  const { logger, result } = await call(() => Promise.reject(error));
  assert.equal(result, error);
  logger.expect({ level: "error", fields: { status_code: 503 } });
});

test("accessLog keeps health probes silent unless they fail", async () => {
  for (const path of ["/health/ready", "/healthz", "/livez", "/metrics"]) {
    const request = new Request(`http://h${path}`);
    assert.equal((await call(() => new Response(), {}, {}, request)).logger.entries.length, 0);
    const failed = await call(() => new Response(null, { status: 503 }), {}, {}, request);
    assert.equal(failed.logger.entries.length, 1);
  }
});

test("accessLog samples success and nothing else", async () => {
  const random = { bytes: (n: number) => new Uint8Array(n), next: () => 0.5 };
  const options = { sampleRatio: 0.5, random };
  assert.equal((await call(() => new Response(), {}, options)).logger.entries.length, 0);
  const failed = await call(() => new Response(null, { status: 404 }), {}, options);
  assert.equal(failed.logger.entries.length, 1);
});

test("accessLog gives lines within the request its id", async () => {
  const logger = testLogger();
  const layer = accessLog(logger);
  const inner = (id: string) =>
    layer(new Request("http://h/"), { signal, requestId: id }, async () => {
      await Promise.resolve();
      logger.info("inner", { id });
      return new Response();
    });
  await Promise.all([inner("a"), inner("b")]);
  for (const { message, fields } of logger.entries) {
    if (message === "inner") assert.equal(fields.request_id, fields.id);
  }
  assert.equal(logger.entries.length, 4);
});

test("accessLog works in compose", async () => {
  const logger = testLogger();
  const handler = compose(accessLog(logger))(() => new Response("x"));
  assert.equal(await (await handler(new Request("http://h/"))).text(), "x");
  logger.expect({ fields: { method: "GET" } });
});
