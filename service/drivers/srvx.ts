/**
 * HTTP for services, by srvx: the runtime's own server on Deno and Bun, node:http on Node.
 *
 * @example
 * ```ts
 * import { serve } from "@cq/cqi/service/srvx";
 * import assert from "node:assert/strict";
 *
 * await using server = await serve(async () => new Response("hello"), { host: "127.0.0.1", port: 0 });
 * assert.equal(await (await fetch(server.url)).text(), "hello");
 * ```
 *
 * @module
 */
import { serve as listen, type ServerRequest } from "srvx";
import type { FetchHandler } from "../../core/mod.ts";
import type { HttpServer, ListenOptions } from "../types.ts";

// Bun refuses 128 MiB and more by itself. The limit that holds is the service's own, at most 1 GiB.
const MAX_BODY_BYTES = 2 ** 30 + 1;

/**
 * Starts to listen.
 *
 * @param handler Answers requests.
 * @param options Where to listen.
 */
export async function serve(handler: FetchHandler, options: ListenOptions): Promise<HttpServer> {
  const server = listen({
    fetch: (request) => answer(request, handler),
    hostname: options.host,
    port: options.port,
    silent: true,
    bun: { maxRequestBodySize: MAX_BODY_BYTES },
    // Signals are the service's business.
    gracefulShutdown: false,
  });
  await server.ready();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => closing ??= server.close();
  const url = (server.url ?? `http://${options.host}:${options.port}`).replace(/\/$/, "");
  return { url, close, [Symbol.asyncDispose]: close };
}

// On Deno a request's own signal also aborts once the answer has been sent, which elsewhere it does
// not. There it counts while the handler is at work, and what breaks off the answer after that.
async function answer(request: ServerRequest, handler: FetchHandler): Promise<Response> {
  const info: { readonly completed?: Promise<unknown> } | undefined = request.runtime?.deno?.info;
  if (info?.completed === undefined) return await handler(request, { signal: request.signal });
  const gone = new AbortController();
  const onAbort = (): void => gone.abort(request.signal.reason);
  request.signal.addEventListener("abort", onAbort);
  info.completed.catch((reason) => gone.abort(reason));
  try {
    return await handler(request, { signal: gone.signal });
  } finally {
    request.signal.removeEventListener("abort", onAbort);
  }
}
