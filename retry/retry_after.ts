import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type Clock, systemClock } from "../core/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";

const SECONDS_REGEXP = /^\d{1,10}$/;
// IMF-fixdate, the one form that senders must use (RFC 9110 section 5.6.7).
const DATE_REGEXP =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/;

function parseHttpDate(text: string | null): number | undefined {
  if (text === null || !DATE_REGEXP.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/**
 * Reads `Retry-After` (RFC 9110 section 10.2.3), as seconds or as a date. A date is taken against
 * the answer's own `Date` header where it has one, so that a clock that is off does not matter.
 *
 * @param headers Headers of the answer.
 * @param clock Tells the time when the answer does not.
 * @returns Milliseconds, 0 for a date that is past; undefined when the header is absent or broken.
 *
 * @example
 * ```ts
 * import { retryAfterMs } from "@cq/cqi/retry";
 * import assert from "node:assert/strict";
 *
 * assert.equal(retryAfterMs(new Headers({ "retry-after": "2" })), 2000);
 * assert.equal(retryAfterMs(new Headers({ "retry-after": "soon" })), undefined);
 * ```
 */
export function retryAfterMs(headers: Headers, clock: Clock = systemClock): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined) return undefined;
  if (SECONDS_REGEXP.test(value)) return Number(value) * 1000;
  const at = parseHttpDate(value);
  if (at === undefined) return undefined;
  return Math.max(0, at - (parseHttpDate(headers.get("date")) ?? clock.now()));
}

/**
 * Turns an HTTP answer that means failure into an error that {@linkcode retry} understands. Of
 * the 4xx only 408, 425 and 429 are worth another try; of the 5xx all but 501 are.
 *
 * @param response The answer; its body is not read.
 * @param clock Tells the time for a `Retry-After` with a date.
 * @returns The error, or undefined for an answer below 400.
 */
export function responseError(
  response: Response,
  clock: Clock = systemClock,
): CqiError | undefined {
  const { status } = response;
  if (status < 400) return undefined;
  const again = status >= 500 ? status !== 501 : [408, 425, 429].includes(status);
  const waitMs = again ? retryAfterMs(response.headers, clock) : undefined;
  return new CqiError(
    status === 429 ? "CQI_RATE_LIMITED" : "CQI_UNAVAILABLE",
    `Cannot use the answer: HTTP status is ${status}, wanted one below 400`,
    {
      retryable: again,
      details: { status },
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    },
  );
}

interface RpcDetail {
  readonly type?: unknown;
  readonly value?: unknown;
}

/**
 * How long an error asks to be left alone: `retryAfterMs` of a `CqiError`, or the
 * `google.rpc.RetryInfo` among the details of an RPC error (google/rpc/error_details.proto).
 *
 * @param error What was caught.
 * @returns Milliseconds; undefined when the error does not say, or says it in a broken way.
 */
export function askedDelayMs(error: unknown): number | undefined {
  if (isCqiError(error)) return sane(error.retryAfterMs);
  const details = (error as { details?: unknown } | null | undefined)?.details;
  if (!Array.isArray(details)) return undefined;
  for (const detail of details as (RpcDetail | null)[]) {
    if (detail?.type === "google.rpc.RetryInfo" && detail.value instanceof Uint8Array) {
      return sane(retryInfoMs(detail.value));
    }
  }
  return undefined;
}

function sane(ms: number | undefined): number | undefined {
  return ms !== undefined && ms >= 0 && ms < Infinity ? ms : undefined;
}

// RetryInfo { google.protobuf.Duration retry_delay = 1; }, Duration { int64 seconds = 1; int32 nanos = 2; }
function retryInfoMs(bytes: Uint8Array): number | undefined {
  try {
    const delay = fieldsOf(bytes).get(1);
    if (!(delay instanceof Uint8Array)) return undefined;
    const parts = fieldsOf(delay);
    return Number(parts.get(1) ?? 0) * 1000 + Number(parts.get(2) ?? 0) / 1e6;
  } catch {
    // What a peer sent and nobody can read says nothing; the usual back-off holds.
    return undefined;
  }
}

function fieldsOf(bytes: Uint8Array): Map<number, bigint | string | Uint8Array> {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, bigint | string | Uint8Array>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.LengthDelimited) fields.set(field, reader.bytes());
    else if (type === WireType.Varint) fields.set(field, reader.int64());
    else reader.skip(type, field);
  }
  return fields;
}
