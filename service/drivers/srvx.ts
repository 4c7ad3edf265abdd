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
import { serve as listen } from "srvx";
import type { FetchHandler } from "../../core/mod.ts";
import type { HttpServer, ListenOptions } from "../types.ts";

/**
 * Starts to listen.
 *
 * @param handler Answers requests.
 * @param options Where to listen.
 */
export async function serve(handler: FetchHandler, options: ListenOptions): Promise<HttpServer> {
  const server = listen({
    fetch: handler,
    hostname: options.host,
    port: options.port,
    silent: true,
    // Signals are the service's business.
    gracefulShutdown: false,
  });
  await server.ready();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => closing ??= server.close();
  const url = (server.url ?? `http://${options.host}:${options.port}`).replace(/\/$/, "");
  return { url, close, [Symbol.asyncDispose]: close };
}
