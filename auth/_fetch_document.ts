import { unusable } from "./_failure.ts";
import type { FetchLike } from "./types.ts";

// Largest JWK set that is read. Real ones are 1 to 20 kB.
const MAX_DOCUMENT_BYTES = 512 * 1024;

const MAX_REDIRECTS = 3;
const JSON_TYPE_REGEXP = /^application\/(?:[a-z0-9.-]{1,64}\+)?json *(?:;|$)/i;

async function readBody(response: Response, signal: AbortSignal): Promise<Uint8Array> {
  if (Number(response.headers.get("content-length")) > MAX_DOCUMENT_BYTES) {
    await response.body?.cancel();
    throw unusable(`the document is over ${MAX_DOCUMENT_BYTES} bytes`);
  }
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  const onAbort = (): void => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", onAbort, { once: true });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      size += part.value.length;
      if (size > MAX_DOCUMENT_BYTES) {
        await reader.cancel();
        throw unusable(`the document is over ${MAX_DOCUMENT_BYTES} bytes`);
      }
      chunks.push(part.value);
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  signal.throwIfAborted();
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * Gets a JSON document of bounded size. Redirects are followed within the origin and no further:
 * whoever controls one must not point us elsewhere.
 *
 * @param url Where it is.
 * @param fetchLike How to get it.
 * @param signal Ends the transfer.
 * @throws {CqiError} `CQI_AUTH_UNAVAILABLE`; the caller decides what that means.
 */
export async function fetchDocument(
  url: URL,
  fetchLike: FetchLike,
  signal: AbortSignal,
): Promise<Uint8Array> {
  let target = url;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const headers = { accept: "application/jwk-set+json, application/json" };
    const request = new Request(target, { headers, redirect: "manual", signal });
    const response = await fetchLike(request);
    const location = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      target = new URL(location, target);
      if (target.origin !== url.origin) throw unusable("the answer redirects to another origin");
      continue;
    }
    if (response.status !== 200 || !JSON_TYPE_REGEXP.test(typeOf(response))) {
      await response.body?.cancel();
      throw unusable(
        `the answer is no JSON document of status 200, its status is ${response.status}`,
      );
    }
    return await readBody(response, signal);
  }
  throw unusable(`the answer redirects over ${MAX_REDIRECTS} times`);
}

function typeOf(response: Response): string {
  return response.headers.get("content-type")?.slice(0, 200) ?? "";
}
