import type { CqiErrorCode, StatusCode } from "./codes.ts";
import { CqiError } from "./error.ts";

interface StatusRow {
  readonly http: number;
  readonly grpc: number;
}

// HTTP column: google/rpc/code.proto. 499 is what proxies log for a client that went away.
const STATUS: Readonly<Record<StatusCode, StatusRow>> = {
  CANCELLED: { http: 499, grpc: 1 },
  UNKNOWN: { http: 500, grpc: 2 },
  INVALID_ARGUMENT: { http: 400, grpc: 3 },
  DEADLINE_EXCEEDED: { http: 504, grpc: 4 },
  NOT_FOUND: { http: 404, grpc: 5 },
  ALREADY_EXISTS: { http: 409, grpc: 6 },
  PERMISSION_DENIED: { http: 403, grpc: 7 },
  RESOURCE_EXHAUSTED: { http: 429, grpc: 8 },
  FAILED_PRECONDITION: { http: 400, grpc: 9 },
  ABORTED: { http: 409, grpc: 10 },
  OUT_OF_RANGE: { http: 400, grpc: 11 },
  UNIMPLEMENTED: { http: 501, grpc: 12 },
  INTERNAL: { http: 500, grpc: 13 },
  UNAVAILABLE: { http: 503, grpc: 14 },
  DATA_LOSS: { http: 500, grpc: 15 },
  UNAUTHENTICATED: { http: 401, grpc: 16 },
};

/**
 * HTTP status for a canonical status, as google/rpc/code.proto maps them.
 *
 * @param status Canonical gRPC status.
 */
export function httpStatusOf(status: StatusCode): number {
  return STATUS[status].http;
}

/**
 * Number of a canonical status on the gRPC wire, 1 to 16.
 *
 * @param status Canonical gRPC status.
 */
export function grpcStatusOf(status: StatusCode): number {
  return STATUS[status].grpc;
}

// Codes that speak of the request itself. Any other error below 500 is a mistake of the service, as
// a query that the database refuses: the client could not mend it and is told 500.
const CALLERS_OWN: ReadonlySet<CqiErrorCode> = new Set<CqiErrorCode>([
  "CQI_ABORTED",
  "CQI_CONFLICT",
  "CQI_CONTRACT_DECODE",
  "CQI_CONTRACT_INVALID",
  "CQI_CONTRACT_UNKNOWN",
  "CQI_DECIMAL_INVALID",
  "CQI_FORBIDDEN",
  "CQI_NOT_FOUND",
  "CQI_RATE_LIMITED",
  "CQI_UNAUTHENTICATED",
]);

function answerable(error: unknown): CqiError {
  const known = CqiError.from(error);
  if (httpStatusOf(known.status) >= 500 || CALLERS_OWN.has(known.code)) return known;
  return new CqiError("CQI_INTERNAL", "Mistake of the service", { cause: known });
}

/** What a client is told of an error: nothing that it did not know already. */
export interface ProblemOptions {
  /** Id under which the operator finds the request in the logs. */
  readonly requestId?: string;
  /** Further response headers, such as `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Answers with an RFC 9457 problem document: status, code and request id. Message, cause and
 * stack stay in the log. A rule violation of the caller's own input is the exception: the paths
 * and rules are sent, since the caller has to mend them. Errors that say nothing of the request,
 * such as `CQI_DATABASE_QUERY`, are answered as `CQI_INTERNAL`.
 *
 * @param error What was caught; anything.
 * @param options Request id and further headers.
 *
 * @example
 * ```ts
 * import { problemResponse } from "@cq/cqi/errors";
 * import assert from "node:assert/strict";
 *
 * const response = problemResponse(new TypeError("secret detail"), { requestId: "r-1" });
 * assert.equal(response.status, 500);
 * assert.deepEqual(await response.json(), {
 *   type: "about:blank",
 *   title: "INTERNAL",
 *   status: 500,
 *   code: "CQI_INTERNAL",
 *   request_id: "r-1",
 * });
 * ```
 */
export function problemResponse(error: unknown, options: ProblemOptions = {}): Response {
  const known = answerable(error);
  const status = httpStatusOf(known.status);
  const headers = new Headers(options.headers);
  headers.set("content-type", "application/problem+json");
  const { retryAfterMs } = known;
  if (retryAfterMs !== undefined && Number.isFinite(retryAfterMs)) {
    // Whole seconds (RFC 9110 section 10.2.3), never sooner than was said.
    headers.set("retry-after", String(Math.max(0, Math.ceil(retryAfterMs / 1000))));
  }
  const body = {
    type: "about:blank",
    title: known.status,
    status,
    code: known.code,
    ...(options.requestId === undefined ? {} : { request_id: options.requestId }),
    ...(known.code === "CQI_CONTRACT_INVALID" ? violationsOf(known.details) : {}),
  };
  return new Response(JSON.stringify(body), { status, headers });
}

// Paths, rules and what they want; whatever else stands beside them stays here.
function violationsOf(
  details: Readonly<Record<string, unknown>>,
): { readonly violations?: readonly unknown[] } {
  if (!Array.isArray(details.violations)) return {};
  const violations = details.violations.map((one: Readonly<Record<string, unknown>> | undefined) =>
    Object.fromEntries(
      ["field", "rule", "message"].filter((key) => typeof one?.[key] === "string")
        .map((key) => [key, one?.[key]]),
    )
  );
  return { violations };
}
