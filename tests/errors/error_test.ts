import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  CqiError,
  ERROR_CODES,
  grpcStatusOf,
  isCqiError,
  isRetryable,
  messageOf,
} from "../../errors/mod.ts";

type Errors = typeof import("../../errors/error.ts");

// Another copy of the module: what an application has that gets one from JSR and one from npm.
async function otherCopy(): Promise<Errors> {
  const folder = await mkdtemp(join(tmpdir(), "cqi-errors-"));
  try {
    await cp(fileURLToPath(new URL("../../errors", import.meta.url)), folder, { recursive: true });
    return await import(pathToFileURL(join(folder, "error.ts")).href) as Errors;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Everything that can be thrown and is neither ours nor an abort. */
const THROWN: Readonly<Record<string, () => unknown>> = {
  "undefined": () => undefined,
  "null": () => null,
  "a number": () => 42,
  "a symbol": () => Symbol("s"),
  "a bigint": () => 10n,
  "a function": () => () => {},
  "a text": () => "broken",
  "an empty text": () => "",
  "an error": () => new TypeError("broken"),
  "a frozen error": () => Object.freeze(new Error("broken")),
  "a frozen object": () => Object.freeze({}),
  "an object without prototype": () => Object.create(null),
  "an error whose message is no text": () => Object.assign(new Error(), { message: Symbol("m") }),
  "an error whose message throws": () =>
    Object.defineProperty(new Error(), "message", { get: () => assert.fail("read") }),
  "an error whose name throws": () =>
    Object.defineProperty(new Error(), "name", { get: () => assert.fail("read") }),
  "a proxy that throws": () =>
    new Proxy({}, {
      get: () => assert.fail("get"),
      has: () => assert.fail("has"),
      getPrototypeOf: () => assert.fail("getPrototypeOf"),
    }),
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  "an error that is its own cause": () => {
    const error = new Error("broken");
    error.cause = error;
    return error;
  },
};

for (const [name, make] of Object.entries(THROWN)) {
  test(`CqiError.from() wraps ${name} with the fallback code and keeps it as cause`, () => {
    const value = make();
    const error = CqiError.from(value, "CQI_UNAVAILABLE");
    assert.equal(error.code, "CQI_UNAVAILABLE");
    assert.equal(typeof error.message, "string");
    assert.ok(Object.is(error.cause, value));
  });

  test(`isCqiError(), isRetryable() and messageOf() take ${name}`, () => {
    const value = make();
    assert.equal(isCqiError(value), false);
    assert.equal(isRetryable(value), true);
    assert.equal(typeof messageOf(value), "string");
  });
}

test("CqiError.from() falls back to CQI_INTERNAL", () => {
  assert.equal(CqiError.from(new Error("broken")).code, "CQI_INTERNAL");
});

test("CqiError.from() gives a CqiError back as it is", () => {
  const error = new CqiError("CQI_NOT_FOUND", "Cannot find it");
  assert.equal(CqiError.from(error, "CQI_UNAVAILABLE"), error);
});

test("CqiError.from() knows an abort, of a controller and of a driver", () => {
  const controller = new AbortController();
  controller.abort();
  const named = Object.assign(new Error("stop"), { name: "AbortError" });
  for (const value of [controller.signal.reason, named, { name: "AbortError" }]) {
    const error = CqiError.from(value, "CQI_UNAVAILABLE");
    assert.equal(error.code, "CQI_ABORTED");
    assert.equal(error.retryable, false);
    assert.equal(error.cause, value);
  }
});

test("CqiError.from() knows a timeout", () => {
  const value = new DOMException("The operation timed out", "TimeoutError");
  const error = CqiError.from(value);
  assert.equal(error.code, "CQI_DEADLINE_EXCEEDED");
  assert.equal(error.retryable, true);
});

test("CqiError.from() takes another DOMException for an unknown error", () => {
  const error = CqiError.from(new DOMException("no room", "QuotaExceededError"));
  assert.equal(error.code, "CQI_INTERNAL");
  assert.equal(error.message, "no room");
});

test("CqiError keeps a chain of causes whole", () => {
  const root = new Error("root");
  const middle = new Error("middle", { cause: root });
  const error = CqiError.from(middle);
  assert.equal((error.cause as Error).cause, root);
});

test("CqiError tells a cause that is undefined from none", () => {
  assert.ok("cause" in new CqiError("CQI_INTERNAL", "Broken", { cause: undefined }));
  assert.ok(!("cause" in new CqiError("CQI_INTERNAL", "Broken")));
});

test("CqiError is an Error with name and stack", () => {
  const error = new CqiError("CQI_INTERNAL", "Broken");
  assert.ok(error instanceof Error);
  assert.equal(String(error), "CqiError: Broken");
  assert.match(error.stack ?? "", /error_test/);
});

test("CqiError takes status and retryable from the table, unless told otherwise", () => {
  const plain = new CqiError("CQI_UNAVAILABLE", "Down");
  assert.deepEqual([plain.status, plain.retryable], ["UNAVAILABLE", true]);
  assert.deepEqual([plain.retryAfterMs, plain.details], [undefined, {}]);
  const told = new CqiError("CQI_UNAVAILABLE", "Down", { retryable: false, retryAfterMs: 0 });
  assert.deepEqual([told.retryable, told.retryAfterMs], [false, 0]);
});

test("CqiError of another copy of the package is known by its brand", async () => {
  const copy = await otherCopy();
  const error = new copy.CqiError("CQI_UNAVAILABLE", "Down");
  assert.ok(!(error instanceof CqiError), "the copy must be another one");
  assert.ok(isCqiError(error, "CQI_UNAVAILABLE"));
  assert.equal(CqiError.from(error), error);
  assert.ok(copy.isCqiError(new CqiError("CQI_INTERNAL", "Broken")));
});

test("CqiError of a subclass is known by its brand", () => {
  class OwnError extends CqiError {}
  assert.ok(isCqiError(new OwnError("CQI_INTERNAL", "Broken"), "CQI_INTERNAL"));
});

test("CqiError shows its brand neither in JSON nor in its keys", () => {
  const error = new CqiError("CQI_INTERNAL", "Broken");
  assert.ok(!JSON.stringify(error).includes("@cq/cqi"));
  assert.deepEqual(Object.getOwnPropertySymbols({ ...error }), []);
});

test("isCqiError() goes by the brand, not by the shape", () => {
  const alike = { name: "CqiError", code: "CQI_INTERNAL", message: "Broken", retryable: true };
  assert.equal(isCqiError(alike), false);
  assert.equal(isCqiError(JSON.parse(JSON.stringify(new CqiError("CQI_INTERNAL", "B")))), false);
});

test("isCqiError() with codes wants one of them", () => {
  const error = new CqiError("CQI_CLOSED", "Closed");
  assert.equal(isCqiError(error, "CQI_INTERNAL", "CQI_CLOSED"), true);
  assert.equal(isCqiError(error, "CQI_INTERNAL"), false);
});

test("isRetryable() tries all but aborts and what says no", () => {
  assert.equal(isRetryable(new Error("socket closed")), true);
  assert.equal(isRetryable(new DOMException("stop", "AbortError")), false);
  assert.equal(isRetryable(new CqiError("CQI_CLOSED", "Closed")), false);
  assert.equal(isRetryable(new CqiError("CQI_CLOSED", "Closed", { retryable: true })), true);
});

test("ERROR_CODES have names of the library, and a canonical status", () => {
  for (const [code, { status, retryable }] of Object.entries(ERROR_CODES)) {
    assert.match(code, /^CQI_[A-Z]+(?:_[A-Z]+)*$/);
    assert.ok(grpcStatusOf(status) >= 1 && grpcStatusOf(status) <= 16, code);
    assert.equal(typeof retryable, "boolean");
  }
});

test("ERROR_CODES call no failure of the caller's own retryable", () => {
  const callers = ["INVALID_ARGUMENT", "UNIMPLEMENTED", "UNAUTHENTICATED", "PERMISSION_DENIED"];
  for (const [code, { status, retryable }] of Object.entries(ERROR_CODES)) {
    if (callers.includes(status)) assert.equal(retryable, false, code);
  }
});
