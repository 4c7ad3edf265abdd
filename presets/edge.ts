/**
 * The library wired for edge workers: the namespaces of `@cq/cqi`, with what runs without sockets,
 * files and a process.
 *
 * @example
 * ```ts
 * import { bus } from "@cq/cqi/edge";
 * import assert from "node:assert/strict";
 *
 * await using events = await bus.open({});
 * assert.equal((await events.check()).status, "ok");
 * ```
 *
 * @module
 */
export * as auth from "../auth/mod.ts";
export * as bus from "./edge/bus.ts";
export * as cache from "./edge/cache.ts";
export * as config from "../config/mod.ts";
export * as contracts from "../contracts/mod.ts";
export * as core from "../core/mod.ts";
export * as database from "./edge/database.ts";
export * as errors from "../errors/mod.ts";
export * as health from "../health/mod.ts";
export * as logging from "../logging/mod.ts";
export * as metrics from "./edge/metrics.ts";
export * as outbox from "../outbox/mod.ts";
export * as retry from "../retry/mod.ts";
export * as tracing from "./edge/tracing.ts";
