import { type CqiErrorCode, ERROR_CODES, type StatusCode } from "./codes.ts";

// A registered symbol, so that copies of this package (one from JSR, one from npm) know each
// other's errors.
const BRAND = Symbol.for("@cq/cqi/error");

/** What a {@linkcode CqiError} is made of besides its code and message. */
export interface CqiErrorOptions {
  /** What was caught; kept for logs, never sent to a client. */
  readonly cause?: unknown;
  /** Overrides the table's answer to "can trying again help". */
  readonly retryable?: boolean;
  /** How long to wait before trying again, in milliseconds; absent when nobody said. */
  readonly retryAfterMs?: number;
  /** Facts for programs (field paths, rules, names); never secrets. @default {{}} */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * The one error class of this library. Told apart by `code`, never by its message.
 *
 * @example Tell errors apart by code
 * ```ts
 * import { CqiError, isCqiError } from "@cq/cqi/errors";
 * import assert from "node:assert/strict";
 *
 * const error: unknown = new CqiError("CQI_NOT_FOUND", "Cannot find market 'm-1'");
 * assert(isCqiError(error, "CQI_NOT_FOUND"));
 * assert.equal(error.status, "NOT_FOUND");
 * assert.equal(error.retryable, false);
 * ```
 */
export class CqiError extends Error {
  /** Always `CqiError`. */
  override readonly name: string = "CqiError";
  /** Stable code, the thing to switch on. */
  readonly code: CqiErrorCode;
  /** Canonical gRPC status of the code. */
  readonly status: StatusCode;
  /** True when the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
  /** How long to wait before trying again, in milliseconds; undefined when nobody said. */
  readonly retryAfterMs: number | undefined;
  /** Facts for programs: field paths, rules, names. */
  readonly details: Readonly<Record<string, unknown>>;

  /**
   * Makes an error; what it leaves out comes from {@linkcode ERROR_CODES}.
   *
   * @param code One of the stable codes.
   * @param message Names the action, the current value's shape and what was wanted.
   * @param options Cause, details, and an own answer to "can trying again help".
   */
  constructor(code: CqiErrorCode, message: string, options: CqiErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    const info = ERROR_CODES[code];
    this.code = code;
    this.status = info.status;
    this.retryable = options.retryable ?? info.retryable;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }

  /**
   * Turns anything caught into a `CqiError`: ours unchanged, an abort into `CQI_ABORTED`, a
   * timeout into `CQI_DEADLINE_EXCEEDED`, all else into `fallback` with the original as cause.
   *
   * @param value What was caught.
   * @param fallback Code for what is not recognised. @default {"CQI_INTERNAL"}
   */
  static from(value: unknown, fallback: CqiErrorCode = "CQI_INTERNAL"): CqiError {
    if (isCqiError(value)) return value;
    const name = read(value, "name");
    if (name === "AbortError") return new CqiError("CQI_ABORTED", "Aborted", { cause: value });
    if (name === "TimeoutError") {
      return new CqiError("CQI_DEADLINE_EXCEEDED", "Timed out", { cause: value });
    }
    return new CqiError(fallback, messageOf(value), { cause: value });
  }
}

// Anything can be thrown: a proxy or a getter may throw in turn when it is looked at.
function read(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return (value as Record<PropertyKey, unknown>)[key];
  } catch {
    return undefined;
  }
}

/**
 * The message of anything that can be thrown, without ever throwing itself.
 *
 * @param value What was caught.
 */
export function messageOf(value: unknown): string {
  const message = typeof value === "string" ? value : read(value, "message");
  if (typeof message === "string") return message;
  return `Thrown value of type ${value === null ? "null" : typeof value}`;
}

/**
 * Whether a value is a `CqiError`, of this copy of the package or another, and of one of the
 * given codes if any are given.
 *
 * @param value Anything, usually what was caught.
 * @param codes Codes to accept; none means all.
 */
export function isCqiError(value: unknown, ...codes: CqiErrorCode[]): value is CqiError {
  if (read(value, BRAND) !== true) return false;
  return codes.length === 0 || codes.includes((value as CqiError).code);
}

/**
 * Whether trying again can help. What is not a `CqiError` counts as retryable unless it is an
 * abort: an unknown failure may be passing, and every retry here is bounded.
 *
 * @param value What was caught.
 */
export function isRetryable(value: unknown): boolean {
  return isCqiError(value) ? value.retryable : read(value, "name") !== "AbortError";
}
