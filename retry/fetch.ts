import { type Clock, systemClock } from "../core/mod.ts";
import { responseError } from "./retry_after.ts";
import { retry } from "./retry.ts";
import type { RetryOptions } from "./types.ts";

/** How {@linkcode retryFetch} goes about it. */
export interface RetryFetchOptions extends RetryOptions {
  /** Sends one request. @default {the runtime's fetch} */
  readonly fetch?: (request: Request) => Promise<Response>;
}

// RFC 9110 section 9.2.2.
const IDEMPOTENT_METHODS: readonly string[] = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];

/**
 * Whether sending a request twice does no more than sending it once: its method says so
 * (RFC 9110 section 9.2.2), or it carries an `Idempotency-Key`.
 *
 * @param request The request.
 */
export function isIdempotent(request: Request): boolean {
  return IDEMPOTENT_METHODS.includes(request.method) || request.headers.has("idempotency-key");
}

/**
 * Fetches, and tries again after network errors and after 408, 425, 429 and 5xx (but 501), waiting
 * as long as `Retry-After` asks. A request that is not idempotent is sent once. Like `fetch`, it
 * gives the last answer whatever its status, and throws when there is none.
 *
 * @param request What to send; its body is kept in memory for further attempts.
 * @param options As `retry` takes them; attempts are counted under `name`.
 *
 * @example
 * ```ts
 * import { retryFetch } from "@cq/cqi/retry";
 * import assert from "node:assert/strict";
 *
 * const statuses = [503, 200];
 * const response = await retryFetch(new Request("https://venue.example/time"), {
 *   initialDelay: "1ms",
 *   fetch: () => Promise.resolve(new Response(null, { status: statuses.shift()! })),
 * });
 * assert.equal(response.status, 200);
 * ```
 */
export async function retryFetch(
  request: Request,
  options: RetryFetchOptions = {},
): Promise<Response> {
  const send = options.fetch ?? ((each: Request) => fetch(each));
  const clock: Clock = options.clock ?? systemClock;
  const attempts = isIdempotent(request) ? options.attempts ?? 3 : 1;
  const outer = AbortSignal.any([request.signal, ...(options.signal ? [options.signal] : [])]);
  // Set after an attempt that brought an answer which may be tried again.
  let last: { readonly response: Response; readonly error: unknown } | undefined;
  try {
    return await retry(async ({ signal, number }) => {
      await last?.response.body?.cancel();
      last = undefined;
      const each = number < attempts ? request.clone() : request;
      // The outer signal too, since the body is read after the attempt has ended.
      const response = await send(new Request(each, { signal: AbortSignal.any([signal, outer]) }));
      const error = responseError(response, clock);
      if (error === undefined || !error.retryable) return response;
      last = { response, error };
      throw error;
    }, { ...options, attempts, signal: outer });
  } catch (error) {
    // Read through a function: the assignments happen in a callback that the checker cannot follow.
    const kept = ((): typeof last => last)();
    const over = error === kept?.error ||
      (error as { cause?: unknown } | null)?.cause === kept?.error;
    if (kept !== undefined && over) return kept.response;
    await kept?.response.body?.cancel();
    throw error;
  }
}
