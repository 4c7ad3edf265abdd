/**
 * Cache: typed keyspaces over a driver that configuration names. Get-or-load with one load for each
 * key, values served past their time when a loader fails, times that are spread, and reads that
 * never fail because the backend does.
 *
 * @example
 * ```ts
 * import { open } from "@cq/cqi/cache";
 * import { PositionSchema } from "@cq/cqi/cqc/portfolio/v1";
 * import assert from "node:assert/strict";
 *
 * await using cache = await open({}, {
 *   drivers: { memory: () => import("@cq/cqi/cache/memory") },
 * });
 * const positions = cache.keyspace(PositionSchema, { name: "position", ttl: "5m" });
 *
 * let loads = 0;
 * const load = () => {
 *   loads++;
 *   return { quantity: "1.5" };
 * };
 * await positions.getOrLoad(["account-1", "btc"], load);
 * const position = await positions.getOrLoad(["account-1", "btc"], load);
 * assert.equal(position?.quantity, "1.5");
 * assert.equal(loads, 1);
 * ```
 *
 * @module
 */
export type { BytesOptions, Cache } from "./cache.ts";
export type {
  BytesKeyspace,
  BytesSwap,
  CommitHooks,
  Counters,
  CountersOptions,
  Keyspace,
  KeyspaceOptions,
  Loader,
  LoadOptions,
  Lookup,
  SetOptions,
} from "./keyspace.ts";
export { type CacheConfigInit, open } from "./open.ts";
export type {
  Answer,
  CacheClaim,
  CacheDriver,
  CacheDriverModule,
  CacheEntry,
  CacheFeatures,
  CacheHold,
  CacheIncrement,
  CacheKey,
  CacheLease,
  CacheListener,
  CacheLoaded,
  CacheSwap,
  OpenOptions,
  Ttl,
} from "./types.ts";
