/**
 * The library wired for servers: each namespace is its module, with `open` given the drivers that
 * run on Deno, Node and Bun.
 *
 * @module
 */
export * as auth from "./server/auth.ts";
export * as bus from "./server/bus.ts";
export * as cache from "./server/cache.ts";
export * as config from "../config/mod.ts";
export * as contracts from "../contracts/mod.ts";
export * as core from "../core/mod.ts";
export * as database from "./server/database.ts";
export * as errors from "../errors/mod.ts";
export * as health from "../health/mod.ts";
export * as logging from "./server/logging.ts";
export * as metrics from "./server/metrics.ts";
export * as outbox from "../outbox/mod.ts";
export * as retry from "../retry/mod.ts";
export * as service from "./server/service.ts";
export * as tracing from "./server/tracing.ts";
