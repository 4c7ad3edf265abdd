import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../../testing/fake_clock.ts";
import { openService, recordingSink } from "./_kit.ts";

const LOCAL = { host: "127.0.0.1", httpPort: 0 };

/** A body whose length nobody knows beforehand. */
function streamOf(...chunks: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
}

async function post(url: string, body: BodyInit): Promise<[number, string]> {
  const init: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
  const response = await fetch(url, init);
  return [response.status, await response.text()];
}

test("server.max_body_bytes lets a body of exactly that size through and refuses one byte more", async () => {
  await using app = await openService([], { server: { ...LOCAL, maxBodyBytes: 8n } });
  const { url } = await app.serve(async (request) => new Response(await request.text()));
  assert.deepEqual(await post(url, "12345678"), [200, "12345678"]);
  const [status, body] = await post(url, "123456789");
  assert.equal(status, 413);
  assert.equal(JSON.parse(body).code, "CQI_REQUEST_TOO_LARGE");
  assert.match(JSON.parse(body).request_id, /^[0-9a-f-]{36}$/);
});

test("server.max_body_bytes cuts a stream that does not say its length", async () => {
  await using app = await openService([], { server: { ...LOCAL, maxBodyBytes: 8n } });
  const { url } = await app.serve(async (request) => new Response(await request.text()));
  assert.deepEqual(await post(url, streamOf("1234", "5678")), [200, "12345678"]);
  assert.equal((await post(url, streamOf("1234", "56789")))[0], 413);
});

test("server.max_body_bytes holds whatever a handler makes of the error that it reads", async () => {
  await using app = await openService([], { server: { ...LOCAL, maxBodyBytes: 8n } });
  let code = "";
  const { url } = await app.serve(async (request) => {
    await request.text().catch((error) => (code = error.code));
    return new Response("swallowed");
  });
  assert.equal((await post(url, streamOf("123456789")))[0], 413);
  assert.equal(code, "CQI_REQUEST_TOO_LARGE");
});

test("server.max_body_bytes is 1 MiB unless it is set, and a refused body is logged as any answer", async () => {
  const sink = recordingSink();
  await using app = await openService([], {}, { sink });
  const { url } = await app.serve(async (request) => {
    return new Response(String((await request.text()).length));
  });
  assert.deepEqual(await post(url, "x".repeat(1_048_576)), [200, "1048576"]);
  assert.equal((await post(url, "x".repeat(1_048_577)))[0], 413);
  await app.close();
  assert.ok(sink.lines.some((line) => line.status_code === 413));
});

test("server.request_timeout answers 504 and aborts the context's signal", async () => {
  const clock = fakeClock();
  await using app = await openService([], {
    server: { ...LOCAL, requestTimeout: { seconds: 2n } },
  }, { clock });
  const begun = Promise.withResolvers<AbortSignal>();
  const { url } = await app.serve((_request, { signal }) => {
    begun.resolve(signal);
    return new Promise<Response>(() => {});
  });
  const answer = fetch(url);
  const signal = await begun.promise;
  await clock.advance(1999);
  assert.equal(signal.aborted, false);
  await clock.advance(1);
  const response = await answer;
  assert.equal(response.status, 504);
  assert.equal((await response.json()).code, "CQI_DEADLINE_EXCEEDED");
  assert.equal((signal.reason as { code?: string }).code, "CQI_DEADLINE_EXCEEDED");
});

test("server.request_timeout does not cut an answer that streams", async () => {
  const clock = fakeClock();
  await using app = await openService([], {
    server: { ...LOCAL, requestTimeout: { seconds: 2n } },
  }, { clock });
  const gate = Promise.withResolvers<void>();
  const { url } = await app.serve((_request, { signal }) => {
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode("first "));
        await gate.promise;
        controller.enqueue(new TextEncoder().encode(signal.aborted ? "aborted" : "last"));
        controller.close();
      },
    });
    return new Response(body);
  });
  const response = await fetch(url);
  await clock.advance(10_000);
  gate.resolve();
  assert.equal(await response.text(), "first last");
});

test("server.drain_delay keeps serving with readiness red before it closes", async () => {
  const clock = fakeClock();
  const app = await openService([], {
    server: { ...LOCAL, drainDelay: { seconds: 3n } },
  }, { clock });
  const { url } = await app.serve(() => new Response("still here"));
  const closing = app.close();
  assert.equal((await fetch(`${url}/health/ready`)).status, 503);
  assert.equal(await (await fetch(url)).text(), "still here");
  await clock.advance(3000);
  await closing;
  await assert.rejects(fetch(url));
});

test("close() does not drain a service that serves nobody", async () => {
  const app = await openService([], { server: { drainDelay: { seconds: 20n } } }, {
    clock: fakeClock(),
  });
  await app.close();
});

test("server.drain_delay that leaves no time to close is refused", async () => {
  await assert.rejects(
    openService([], { server: { drainDelay: { seconds: 5n }, shutdownTimeout: { seconds: 5n } } }),
    { code: "CQI_OPTION_INVALID", message: /server\.drain_delay.*below.*5000 ms/ },
  );
});
