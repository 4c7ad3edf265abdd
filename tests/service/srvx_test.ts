import assert from "node:assert/strict";
import { test } from "node:test";
import { serve } from "../../service/drivers/srvx.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

test("serve() answers on the address it names, with method, headers, body and status", async () => {
  await using server = await serve(
    async (request) =>
      new Response(`${request.method} ${await request.text()}`, {
        status: 201,
        headers: { "x-echo": request.headers.get("x-ask") ?? "" },
      }),
    LOOPBACK,
  );
  const response = await fetch(server.url, {
    method: "POST",
    body: "hello",
    headers: { "x-ask": "1" },
  });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("x-echo"), "1");
  assert.equal(await response.text(), "POST hello");
});

test("serve() refuses a port that is taken", async () => {
  await using first = await serve(() => Promise.resolve(new Response("first")), LOOPBACK);
  const port = Number(new URL(first.url).port);
  await assert.rejects(serve(() => Promise.resolve(new Response("second")), { ...LOOPBACK, port }));
});

test("close() lets a request that is under way finish, takes no more, and may be called twice", async () => {
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const server = await serve(async () => {
    begun.resolve();
    await gate.promise;
    return new Response("finished");
  }, LOOPBACK);
  const answer = fetch(server.url, { headers: { connection: "close" } }).then((response) =>
    response.text()
  );
  await begun.promise;
  const closing = Promise.all([server.close(), server.close()]);
  gate.resolve();
  assert.equal(await answer, "finished");
  await closing;
  await assert.rejects(fetch(server.url));
});

test("the context's signal aborts when the client goes away, and not when it was answered", async () => {
  const signals: AbortSignal[] = [];
  const begun = Promise.withResolvers<void>();
  await using server = await serve(async (request, context) => {
    signals.push(context!.signal!);
    if (!request.url.endsWith("/slow")) return new Response("quick");
    begun.resolve();
    await new Promise((resolve) => context!.signal!.addEventListener("abort", resolve));
    return new Response("late");
  }, LOOPBACK);
  await (await fetch(server.url)).text();
  const leaving = new AbortController();
  const slow = fetch(`${server.url}/slow`, { signal: leaving.signal });
  slow.catch(() => {});
  await begun.promise;
  leaving.abort();
  await assert.rejects(slow);
  const gone = signals[1]!;
  if (!gone.aborted) await new Promise((resolve) => gone.addEventListener("abort", resolve));
  assert.equal(signals[0]!.aborted, false);
});
