/**
 * Infrastructure for the services of a crypto quant platform: event bus, database, cache, logging,
 * metrics, tracing, configuration, auth, health and retry behind interfaces that are the same on
 * Deno, Node and Bun, with drivers chosen by configuration.
 *
 * @example
 * ```ts
 * import { cache } from "@cq/cqi";
 * import { PriceSchema } from "@cq/cqi/cqc/markets/v1";
 * import { create } from "@bufbuild/protobuf";
 * import assert from "node:assert/strict";
 *
 * await using store = await cache.open({});
 * const prices = store.keyspace(PriceSchema, { name: "price", ttl: "5m" });
 * await prices.set("btc-usd", create(PriceSchema, { price: "64250.10" }));
 * assert.equal((await prices.get("btc-usd"))?.price, "64250.10");
 * ```
 *
 * @module
 */
export {
  auth,
  bus,
  cache,
  config,
  contracts,
  core,
  database,
  errors,
  health,
  logging,
  metrics,
  outbox,
  retry,
  service,
  tracing,
} from "./presets/server.ts";
