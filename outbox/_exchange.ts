// Requests and responses as idempotency sees them.

import { hex } from "../internal/ids.ts";

/** What is kept of a response. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly bytes: Uint8Array;
}

const KEY_REGEXP = /^[\x21-\x7e]{1,255}$/;
const QUOTED_REGEXP = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,510})"$/;
const MAX_HEADER = 600;

/**
 * Reads an idempotency key: a string of Structured Fields (RFC 8941, section 3.3.3), as the draft has
 * it, or bare, as most callers send it.
 */
export function keyOf(header: string | null): string | undefined {
  if (header === null || header.length > MAX_HEADER) return undefined;
  const quoted = QUOTED_REGEXP.exec(header)?.[1]?.replace(/\\(["\\])/g, "$1");
  if (quoted !== undefined) return quoted.length <= 255 ? quoted : undefined;
  return !header.startsWith('"') && KEY_REGEXP.test(header) ? header : undefined;
}

/** The body of a request; undefined when it is longer than it may be. */
export async function bodyOf(
  request: Request,
  most: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (request.body === null) return new Uint8Array();
  if (Number(request.headers.get("content-length") ?? 0) > most) return undefined;
  const { chunks, rest } = await take(request.body, most);
  if (rest === undefined) return joined(chunks);
  await rest.cancel();
  return undefined;
}

/** What a request is, apart from its key: method, path, query, type and body, hashed. */
export async function fingerprintOf(request: Request, body: Uint8Array): Promise<string> {
  const { pathname, search } = new URL(request.url);
  const type = request.headers.get("content-type") ?? "";
  const head = new TextEncoder().encode(
    JSON.stringify([request.method, `${pathname}${search}`, type]),
  );
  const digest = await crypto.subtle.digest("SHA-256", joined([head, body]));
  return hex(new Uint8Array(digest));
}

// Answers that say "not now" or "not you" rather than what became of the request.
const PASSING: ReadonlySet<number> = new Set([401, 403, 408, 409, 421, 425, 429]);

/** Whether a response of this status is the request's outcome. */
export function isKept(status: number): boolean {
  return status >= 200 && status < 500 && !PASSING.has(status);
}

// Of one connection or one moment, or a secret.
const DROPPED: ReadonlySet<string> = new Set([
  "age",
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "proxy-authenticate",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-request-id",
]);

/** A response as it is sent, and what of it is kept: nothing when it is too long. */
export async function split(
  response: Response,
  most: number,
): Promise<{ readonly sent: Response; readonly answer: Answer | undefined }> {
  const { status, statusText } = response;
  const headers = [...response.headers].filter(([name]) => !DROPPED.has(name));
  const isEndless = /^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
  if (isEndless) return { sent: response, answer: undefined };
  if (response.body === null) {
    return { sent: response, answer: { status, headers, bytes: new Uint8Array() } };
  }
  const { chunks, rest } = await take(response.body, most);
  const init = { status, statusText, headers: response.headers };
  if (rest === undefined) {
    const bytes = joined(chunks);
    const sent = new Response(bytes.length === 0 ? null : bytes.slice(), init);
    return { sent, answer: { status, headers, bytes } };
  }
  return { sent: new Response(resumed(chunks, rest), init), answer: undefined };
}

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

/** Reads a stream to its end, or until it has given more than it may; then there is a rest. */
async function take(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  most: number,
): Promise<{ readonly chunks: Uint8Array[]; readonly rest: Reader | undefined }> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  for (let size = 0;;) {
    const { done, value } = await reader.read();
    if (done) return { chunks, rest: undefined };
    chunks.push(value);
    size += value.length;
    if (size > most) return { chunks, rest: reader };
  }
}

/** A stream that goes on where `take` has stopped. */
function resumed(chunks: readonly Uint8Array[], rest: Reader): ReadableStream<Uint8Array> {
  const ahead = [...chunks];
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = ahead.shift();
      if (chunk !== undefined) return controller.enqueue(chunk);
      const { done, value } = await rest.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => rest.cancel(reason),
  });
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
