/**
 * A service in a few lines: logger, metrics, tracer and health, the parts it asks for, HTTP with
 * the standard layers, signals, drain and exit code.
 *
 * @example
 * ```ts
 * import { service } from "@cq/cqi";
 * import assert from "node:assert/strict";
 *
 * await using app = await service.open({
 *   service: { name: "hello", version: "1.0.0", environment: "test" },
 *   server: { host: "127.0.0.1", httpPort: 0 },
 *   log: { level: "off" },
 * }, { uses: ["cache"] });
 * const server = await app.serve(() => new Response("hello"));
 *
 * assert.equal(await (await fetch(server.url)).text(), "hello");
 * assert.equal((await fetch(`${server.url}/health/ready`)).status, 200);
 * ```
 *
 * @module
 */
export { open } from "./open.ts";
export { recover, requestId, standard } from "./_http.ts";
export type {
  Core,
  HttpDriverModule,
  HttpServer,
  ListenOptions,
  OpenOptions,
  PartName,
  Parts,
  ServeOptions,
  Service,
  ServiceConfigInit,
  ServiceDrivers,
  ServiceServer,
} from "./types.ts";
