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
  const delay = fieldsOf(bytes)?.get(1);
  if (!(delay instanceof Uint8Array)) return undefined;
  const parts = fieldsOf(delay);
  return parts && Number(parts.get(1) ?? 0) * 1000 + Number(parts.get(2) ?? 0) / 1e6;
}

/**
 * The fields of a message of varints and nested messages (protobuf encoding, "Message Structure"),
 * or undefined when it is malformed or has others. By hand, since a whole decoder would be half of
 * this module's size in a bundle.
 */
function fieldsOf(bytes: Uint8Array): Map<number, number | Uint8Array> | undefined {
  const fields = new Map<number, number | Uint8Array>();
  let position = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; position < bytes.length; scale *= 128) {
      const byte = bytes[position++]!;
      value += (byte & 127) * scale;
      // Beyond 2^53 it is no delay: a negative number, which takes ten bytes, among them.
      if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : NaN;
    }
    return NaN;
  };
  while (position < bytes.length) {
    const tag = varint();
    const value = varint();
    if (Number.isNaN(tag) || Number.isNaN(value)) return undefined;
    if (tag % 8 === 0) fields.set(tag >> 3, value);
    else if (tag % 8 === 2 && position + value <= bytes.length) {
      fields.set(tag >> 3, bytes.subarray(position, position += value));
    } else return undefined;
  }
  return fields;
}
