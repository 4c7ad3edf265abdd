import { type Clock, type HttpMiddleware, withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";

/**
 * Gives what comes after it a time to answer. At the limit `context.signal` aborts and the request
 * fails with `CQI_DEADLINE_EXCEEDED`, which is answered as 504; an answer that has begun to stream
 * is not cut.
 *
 * @param clock Measures.
 * @param limitMs Milliseconds.
 */
export function requestDeadline(clock: Clock, limitMs: number): HttpMiddleware {
  return (request, context, next) => {
    const expired = new AbortController();
    // The client's own leaving is still told once the answer streams.
    const signal = AbortSignal.any([context.signal, expired.signal]);
    return withDeadline(clock, limitMs, (limit) => {
      limit.addEventListener("abort", () => expired.abort(limit.reason), { once: true });
      return next(request, { ...context, signal });
    }, { action: "the request" });
  };
}

/**
 * Refuses bodies above a limit with 413 (RFC 9110 section 15.5.14): at once when `Content-Length`
 * says so, else where the stream crosses it, whatever the handler makes of the error that it reads.
 *
 * @param maxBytes Bytes that a body may have.
 */
export function bodyLimit(maxBytes: number): HttpMiddleware {
  return async (request, context, next) => {
    const length = declaredLength(request.headers);
    if (length !== undefined && length > maxBytes) {
      return tooLarge(context.requestId);
    }
    // What is declared is held by the framing of HTTP itself.
    if (length !== undefined || request.body === null) return await next(request, context);
    let isExceeded = false;
    let size = 0;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.byteLength;
        if (size <= maxBytes) return controller.enqueue(chunk);
        isExceeded = true;
        controller.error(
          new CqiError(
            "CQI_REQUEST_TOO_LARGE",
            `Cannot read the body of the request: it is above ${maxBytes} bytes`,
          ),
        );
      },
    });
    const init: RequestInit & { readonly duplex: "half" } = {
      method: request.method,
      headers: request.headers,
      body: request.body.pipeThrough(cut),
      signal: request.signal,
      duplex: "half",
    };
    try {
      const response = await next(new Request(request.url, init), context);
      if (!isExceeded) return response;
      await response.body?.cancel();
    } catch (error) {
      if (!isExceeded) throw error;
    }
    return tooLarge(context.requestId);
  };
}

function declaredLength(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  // RFC 9112 section 6.3: a transfer coding overrides the length.
  if (length === null || headers.has("transfer-encoding")) return undefined;
  return /^\d+$/.test(length) ? Number(length) : undefined;
}

// No canonical status maps to 413, so this answer is not `problemResponse`'s. The connection ends with
// it: what the client still sends is not read, and Bun would wait for it when it closes.
function tooLarge(requestId: string | undefined): Response {
  const body = {
    type: "about:blank",
    title: "OUT_OF_RANGE",
    status: 413,
    code: "CQI_REQUEST_TOO_LARGE",
    ...requestId !== undefined && { request_id: requestId },
  };
  const headers = { "content-type": "application/problem+json", connection: "close" };
  return new Response(JSON.stringify(body), { status: 413, headers });
}
