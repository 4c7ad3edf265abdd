import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import assert from "node:assert/strict";
import { test } from "node:test";
import { CqiError } from "../../errors/mod.ts";
import { askedDelayMs, responseError, retryAfterMs } from "../../retry/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

const headers = (value: string, date?: string): Headers =>
  new Headers({ "retry-after": value, ...(date === undefined ? {} : { date }) });

test("retryAfterMs reads seconds", () => {
  assert.equal(retryAfterMs(headers("0")), 0);
  assert.equal(retryAfterMs(headers("120")), 120_000);
  assert.equal(retryAfterMs(headers(" 2 ")), 2000);
});

test("retryAfterMs reads a date against the clock, and a past one as 0", () => {
  const clock = fakeClock(Date.UTC(2026, 0, 1));
  assert.equal(retryAfterMs(headers("Thu, 01 Jan 2026 00:00:07 GMT"), clock), 7000);
  assert.equal(retryAfterMs(headers("Wed, 31 Dec 2025 23:59:59 GMT"), clock), 0);
});

test("retryAfterMs reads a date against the answer's own date when there is one", () => {
  const clock = fakeClock(Date.UTC(2030, 0, 1));
  const value = headers("Thu, 01 Jan 2026 00:00:07 GMT", "Thu, 01 Jan 2026 00:00:04 GMT");
  assert.equal(retryAfterMs(value, clock), 3000);
});

test("retryAfterMs takes a broken header for none", () => {
  const table = ["", "-1", "1.5", "2s", "99999999999", "0x10", "soon", "2026-01-01T00:00:00Z"];
  for (const value of [...table, "Thu, 99 Jan 2026 00:00:00 GMT", "1".repeat(100_000)]) {
    assert.equal(retryAfterMs(headers(value)), undefined, value.slice(0, 40));
  }
  assert.equal(retryAfterMs(new Headers()), undefined);
});

test("responseError calls 408, 425, 429 and 5xx but 501 worth another try, and no other 4xx (X2)", () => {
  for (let status = 400; status < 600; status++) {
    const error = responseError(new Response(null, { status }));
    const again = [408, 425, 429].includes(status) || (status >= 500 && status !== 501);
    assert.equal(error?.retryable, again, `status ${status}`);
  }
});

test("responseError has nothing to say about an answer below 400", () => {
  for (const status of [200, 204, 302]) {
    assert.equal(responseError(new Response(null, { status })), undefined);
  }
});

test("responseError carries what Retry-After asks", () => {
  const error = responseError(new Response(null, { status: 429, headers: headers("2") }));
  assert.equal(error?.code, "CQI_RATE_LIMITED");
  assert.equal(error?.retryAfterMs, 2000);
});

function retryInfo(seconds: number, nanos: number): Uint8Array {
  const delay = new BinaryWriter().tag(1, WireType.Varint).int64(seconds)
    .tag(2, WireType.Varint).int32(nanos).finish();
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(delay).finish();
}

test("askedDelayMs reads RetryInfo among the details of an RPC error", () => {
  const error = Object.assign(new Error("busy"), {
    details: [
      { type: "google.rpc.ErrorInfo", value: new Uint8Array([10, 0]) },
      { type: "google.rpc.RetryInfo", value: retryInfo(1, 500_000_000) },
    ],
  });
  assert.equal(askedDelayMs(error), 1500);
});

test("askedDelayMs takes a broken RetryInfo for none", () => {
  const broken = [new Uint8Array([10, 255]), new Uint8Array([255]), retryInfo(-5, 0), "text", null];
  for (const value of broken) {
    const details = [{ type: "google.rpc.RetryInfo", value }];
    assert.equal(askedDelayMs(Object.assign(new Error("busy"), { details })), undefined);
  }
  for (const error of [null, undefined, 1, "text", { details: [null, 1] }]) {
    assert.equal(askedDelayMs(error), undefined);
  }
});

test("askedDelayMs takes a delay that is no delay for none", () => {
  for (const retryAfterMs of [-1, NaN, Infinity]) {
    assert.equal(
      askedDelayMs(new CqiError("CQI_UNAVAILABLE", "Down", { retryAfterMs })),
      undefined,
    );
  }
});
