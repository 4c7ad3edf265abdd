/**
 * Errors: one class with a stable code, a canonical gRPC status, and an answer to "can trying
 * again help". Recognised by brand, so two copies of the package agree.
 *
 * @example Turn what was caught into ours, and decide
 * ```ts
 * import { CqiError, isRetryable } from "@cq/cqi/errors";
 * import assert from "node:assert/strict";
 *
 * const error = CqiError.from(new Error("socket closed"), "CQI_UNAVAILABLE");
 * assert.equal(error.status, "UNAVAILABLE");
 * assert(isRetryable(error));
 * ```
 *
 * @module
 */
export { type CqiErrorCode, ERROR_CODES, type ErrorCodeInfo, type StatusCode } from "./codes.ts";
export { CqiError, type CqiErrorOptions, isCqiError, isRetryable, messageOf } from "./error.ts";
export { grpcStatusOf, httpStatusOf, type ProblemOptions, problemResponse } from "./status.ts";
