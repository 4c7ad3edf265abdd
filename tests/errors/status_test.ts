import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CqiError,
  type CqiErrorOptions,
  grpcStatusOf,
  httpStatusOf,
  problemResponse,
  type StatusCode,
} from "../../errors/mod.ts";

// google/rpc/code.proto, by hand: name, number, HTTP mapping.
const CODES: readonly (readonly [StatusCode, number, number])[] = [
  ["CANCELLED", 1, 499],
  ["UNKNOWN", 2, 500],
  ["INVALID_ARGUMENT", 3, 400],
  ["DEADLINE_EXCEEDED", 4, 504],
  ["NOT_FOUND", 5, 404],
  ["ALREADY_EXISTS", 6, 409],
  ["PERMISSION_DENIED", 7, 403],
  ["RESOURCE_EXHAUSTED", 8, 429],
  ["FAILED_PRECONDITION", 9, 400],
  ["ABORTED", 10, 409],
  ["OUT_OF_RANGE", 11, 400],
  ["UNIMPLEMENTED", 12, 501],
  ["INTERNAL", 13, 500],
  ["UNAVAILABLE", 14, 503],
  ["DATA_LOSS", 15, 500],
  ["UNAUTHENTICATED", 16, 401],
];

for (const [status, grpc, http] of CODES) {
  test(`${status} is ${grpc} on the gRPC wire and ${http} in HTTP`, () => {
    assert.deepEqual([grpcStatusOf(status), httpStatusOf(status)], [grpc, http]);
  });
}

const unavailable = (options: CqiErrorOptions): Response =>
  problemResponse(new CqiError("CQI_UNAVAILABLE", "Down", options));

test("problemResponse() says status, code and request id, and no more", async () => {
  const error = new CqiError("CQI_NOT_FOUND", "Cannot find market 'm-1' of account 7");
  const response = problemResponse(error, { requestId: "r-1" });
  assert.equal(response.status, 404);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.deepEqual(await response.json(), {
    type: "about:blank",
    title: "NOT_FOUND",
    status: 404,
    code: "CQI_NOT_FOUND",
    request_id: "r-1",
  });
});

test("problemResponse() leaks neither message, cause, details nor stack", async () => {
  const cause = new Error("hunter2 in the cause", { cause: "hunter2 deeper" });
  const details = { password: "hunter2", violations: ["hunter2"] };
  const errors: unknown[] = [
    new CqiError("CQI_UNAVAILABLE", "Cannot reach postgres://u:hunter2@db", { cause, details }),
    Object.assign(new Error("hunter2"), { status: 418, code: "hunter2", details, cause }),
    "hunter2",
    { message: "hunter2", toJSON: () => "hunter2" },
  ];
  for (const error of errors) {
    const response = problemResponse(error);
    const text = await response.text() + JSON.stringify([...response.headers]);
    assert.doesNotMatch(text, /hunter2|error\.ts|status_test|\bat \//);
    assert.ok(response.status === 503 || response.status === 500);
  }
});

test("problemResponse() answers whatever is thrown", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const value of [undefined, null, 0, Symbol("s"), proxy]) {
    assert.equal(problemResponse(value).status, 500);
  }
});

test("problemResponse() lists the violations of the caller's input", async () => {
  const violations = [{ field: "price.price", rule: "string.pattern", message: "must be decimal" }];
  const error = new CqiError("CQI_CONTRACT_INVALID", "Invalid", { details: { violations } });
  const response = problemResponse(error);
  assert.equal(response.status, 400);
  assert.deepEqual((await response.json()).violations, violations);
});

test("problemResponse() sends of a violation what is meant for the caller alone", async () => {
  const violations = [{ field: "f", rule: "r", message: "m", value: "hunter2", count: 1n }, null];
  const error = new CqiError("CQI_CONTRACT_INVALID", "Invalid", { details: { violations } });
  const body = await problemResponse(error).json();
  assert.deepEqual(body.violations, [{ field: "f", rule: "r", message: "m" }, {}]);
});

test("problemResponse() leaves violations out that are no list", async () => {
  const error = new CqiError("CQI_CONTRACT_INVALID", "Invalid", { details: { violations: "f" } });
  assert.ok(!("violations" in await problemResponse(error).json()));
});

test("problemResponse() rounds Retry-After up to whole seconds", () => {
  const wanted = [[0, "0"], [1, "1"], [999, "1"], [1000, "1"], [1001, "2"], [
    90_500,
    "91",
  ]] as const;
  for (const [retryAfterMs, seconds] of wanted) {
    assert.equal(unavailable({ retryAfterMs }).headers.get("retry-after"), seconds);
  }
});

test("problemResponse() sends no Retry-After that no client could read", () => {
  assert.equal(unavailable({}).headers.get("retry-after"), null);
  assert.equal(unavailable({ retryAfterMs: NaN }).headers.get("retry-after"), null);
  assert.equal(unavailable({ retryAfterMs: Infinity }).headers.get("retry-after"), null);
  assert.equal(unavailable({ retryAfterMs: -5000 }).headers.get("retry-after"), "0");
});

test("problemResponse() adds headers, but keeps its own content type", () => {
  const headers = { "WWW-Authenticate": "Bearer", "Content-Type": "text/html" };
  const response = problemResponse(new CqiError("CQI_UNAUTHENTICATED", "No"), { headers });
  assert.equal(response.headers.get("www-authenticate"), "Bearer");
  assert.equal(response.headers.get("content-type"), "application/problem+json");
});

test("problemResponse() escapes a hostile request id", async () => {
  const requestId = '"},"code":"x\u2028</script>';
  const body = await problemResponse(new Error("x"), { requestId }).json();
  assert.deepEqual([body.request_id, body.code], [requestId, "CQI_INTERNAL"]);
});

test("problemResponse() answers a mistake of the service with 500, whatever its own status is", async () => {
  for (
    const code of ["CQI_DATABASE_QUERY", "CQI_OPTION_INVALID", "CQI_BUS_TOPIC_INVALID"] as const
  ) {
    const response = problemResponse(new CqiError(code, "Ours"));
    assert.equal(response.status, 500);
    assert.equal((await response.json()).code, "CQI_INTERNAL");
  }
  assert.equal(problemResponse(new CqiError("CQI_CONFLICT", "Theirs")).status, 409);
});
