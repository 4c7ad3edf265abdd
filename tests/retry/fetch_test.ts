import assert from "node:assert/strict";
import { test } from "node:test";
import { isIdempotent, retryFetch } from "../../retry/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

const URL_TEXT = "https://venue.example/orders";

interface Seen {
  readonly key: string | null;
  readonly body: string;
}

function venue(
  answers: (Response | Error)[],
): { seen: Seen[]; fetch: (request: Request) => Promise<Response> } {
  const seen: Seen[] = [];
  return {
    seen,
    fetch: async (request) => {
      seen.push({ key: request.headers.get("idempotency-key"), body: await request.text() });
      const answer = answers[Math.min(seen.length, answers.length) - 1]!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

const answer = (status: number, headers?: HeadersInit): Response =>
  new Response(`status ${status}`, { status, ...(headers ? { headers } : {}) });

test("retryFetch sends a POST without a key once", async () => {
  const { seen, fetch } = venue([answer(503), answer(200)]);
  const request = new Request(URL_TEXT, { method: "POST", body: "{}" });
  const response = await retryFetch(request, { fetch, initialDelay: 0 });
  assert.equal(response.status, 503);
  assert.equal(seen.length, 1);
});

test("retryFetch sends a POST with an Idempotency-Key again, with the same key and body", async () => {
  const { seen, fetch } = venue([answer(503), new TypeError("reset"), answer(200)]);
  const request = new Request(URL_TEXT, {
    method: "POST",
    body: '{"quantity":"1"}',
    headers: { "idempotency-key": "k-1" },
  });
  const response = await retryFetch(request, { fetch, initialDelay: 0 });
  assert.equal(response.status, 200);
  assert.deepEqual(seen, Array(3).fill({ key: "k-1", body: '{"quantity":"1"}' }));
});

test("retryFetch gives the last answer, unread, when attempts run out", async () => {
  const { seen, fetch } = venue([answer(503), answer(502), answer(429)]);
  const response = await retryFetch(new Request(URL_TEXT), { fetch, initialDelay: 0 });
  assert.equal(response.status, 429);
  assert.equal(await response.text(), "status 429");
  assert.equal(seen.length, 3);
});

test("retryFetch throws CQI_RETRY_EXHAUSTED when the last attempt brought no answer", async () => {
  const { fetch } = venue([answer(503), answer(503), new TypeError("reset")]);
  const response = retryFetch(new Request(URL_TEXT), { fetch, initialDelay: 0 });
  await assert.rejects(response, { code: "CQI_RETRY_EXHAUSTED" });
});

test("retryFetch gives an answer that another try would not change at once", async () => {
  for (const status of [200, 304, 400, 401, 404, 409, 422, 501]) {
    const empty = [304].includes(status);
    const { seen, fetch } = venue([empty ? new Response(null, { status }) : answer(status)]);
    const response = await retryFetch(new Request(URL_TEXT), { fetch });
    assert.equal(response.status, status);
    assert.equal(seen.length, 1);
  }
});

test("retryFetch waits as long as Retry-After asks", async () => {
  const clock = fakeClock();
  const { seen, fetch } = venue([answer(429, { "retry-after": "2" }), answer(200)]);
  const response = retryFetch(new Request(URL_TEXT), { fetch, clock });
  await clock.advance(1999);
  assert.equal(seen.length, 1);
  await clock.advance(101);
  assert.equal((await response).status, 200);
});

test("retryFetch gives the answer that asks for too long a wait", async () => {
  const { seen, fetch } = venue([answer(429, { "retry-after": "3600" })]);
  const response = await retryFetch(new Request(URL_TEXT), { fetch });
  assert.equal(response.status, 429);
  assert.equal(seen.length, 1);
});

test("retryFetch ends a wait at once when the request's own signal aborts", async () => {
  const clock = fakeClock();
  const controller = new AbortController();
  const { seen, fetch } = venue([answer(503)]);
  const request = new Request(URL_TEXT, { signal: controller.signal });
  const response = retryFetch(request, { fetch, clock, initialDelay: "1h" });
  response.catch(() => {});
  await clock.advance(1);
  controller.abort(new Error("gone"));
  await assert.rejects(response, { message: "gone" });
  assert.equal(seen.length, 1);
  assert.equal(clock.pending, 0);
});

test("isIdempotent goes by method or by key", () => {
  for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]) {
    assert.equal(isIdempotent(new Request(URL_TEXT, { method })), true, method);
  }
  for (const method of ["POST", "PATCH"]) {
    assert.equal(isIdempotent(new Request(URL_TEXT, { method })), false, method);
    const headers = { "idempotency-key": "k" };
    assert.equal(isIdempotent(new Request(URL_TEXT, { method, headers })), true, method);
  }
});
