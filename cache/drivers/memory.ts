/**
 * Cache driver `memory`: in the process, bounded by entries and by bytes, the least recently used
 * goes first. Built on lru-cache.
 *
 * @example
 * ```ts
 * import { createDriver } from "@cq/cqi/cache/memory";
 * import { CacheConfigSchema } from "@cq/cqi/cqc/config/v1";
 * import { instruments } from "@cq/cqi/core";
 * import { create } from "@bufbuild/protobuf";
 * import assert from "node:assert/strict";
 *
 * await using driver = createDriver(create(CacheConfigSchema), instruments());
 * driver.set([{ key: "a", value: new Uint8Array([1]), ttlMs: 1000 }]);
 * assert.deepEqual(driver.get("a"), new Uint8Array([1]));
 * ```
 *
 * @module
 */
import { isFieldSet } from "@bufbuild/protobuf";
import { LRUCache } from "lru-cache";
import type { Instruments } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { type CacheConfig, MemoryCacheConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import type { CacheDriver, CacheEntry } from "../types.ts";

/** Entries kept unless the configuration says otherwise. */
const MAX_ENTRIES = 10_000;
/** Bytes kept unless the configuration says otherwise: 64 MiB. */
const MAX_BYTES = 67_108_864;
/** What an entry costs besides key and value, in bytes: some 250 on V8, 160 on JavaScriptCore. */
const ENTRY_OVERHEAD = 256;

const FEATURES = {
  remote: false,
  atomic: true,
  clear: true,
  lease: false,
  listen: false,
  minTtlMs: 1,
} as const;

function sizeOf(value: Uint8Array, key: string): number {
  return ENTRY_OVERHEAD + key.length + value.length;
}

function unsupported(feature: string): never {
  throw new CqiError(
    "CQI_FEATURE_UNSUPPORTED",
    `Cannot use the memory cache: it lacks the feature '${feature}', nobody shares it`,
    { details: { driver: "memory", feature } },
  );
}

/** What only a backend that others share has. */
const WITHOUT_OTHERS = {
  acquire: () => unsupported("lease"),
  renew: () => unsupported("lease"),
  settle: () => unsupported("lease"),
  release: () => unsupported("lease"),
  announce: () => unsupported("listen"),
  listen: () => unsupported("listen"),
};

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function readNumber(bytes: Uint8Array | undefined): number {
  const text = bytes === undefined ? "0" : new TextDecoder().decode(bytes.subarray(0, 32));
  return /^-?\d{1,16}$/.test(text) ? Number(text) : NaN;
}

/**
 * Makes a cache in memory. A value that is larger than the whole bound is not kept.
 *
 * @param config Its section `memory` has the bounds.
 * @param env The clock that measures how long values live.
 */
export function createDriver(config: CacheConfig, env: Pick<Instruments, "clock">): MemoryDriver {
  const { memory } = config;
  const bound = (name: "maxEntries" | "maxBytes", fallback: number): number =>
    memory !== undefined && isFieldSet(memory, MemoryCacheConfigSchema.field[name])
      ? Number(memory[name])
      : fallback;
  const maxBytes = bound("maxBytes", MAX_BYTES);
  const entries = new LRUCache<string, Uint8Array>({
    max: bound("maxEntries", MAX_ENTRIES),
    maxSize: maxBytes,
    sizeCalculation: sizeOf,
    // lru-cache takes a start of 0 for "no time to live", which a test's clock may well give.
    perf: { now: () => env.clock.monotonic() + 1 },
    // Without this it sets a timer of its own with each reading of the clock.
    ttlResolution: 0,
  });
  let closed = false;
  const use = (): LRUCache<string, Uint8Array> => {
    if (closed) throw new CqiError("CQI_CLOSED", "Cannot use the memory cache: it is closed");
    return entries;
  };
  const put = ({ key, value, ttlMs }: CacheEntry): void =>
    void use().set(key, value, { ttl: ttlMs ?? 0 });
  // False for what is larger than the whole bound; it takes an earlier value away.
  const keep = (entry: CacheEntry): boolean => {
    put(entry);
    return use().has(entry.key);
  };
  const close = (): Promise<void> => {
    closed = true;
    entries.clear();
    return Promise.resolve();
  };
  return {
    name: "memory",
    features: FEATURES,
    maxEntryBytes: Math.max(0, maxBytes - ENTRY_OVERHEAD),
    get: (key) => use().get(key),
    getMany: (keys) => keys.map((key) => use().get(key)),
    set: (all) => all.forEach(put),
    setIfAbsent: (entry) => !use().has(entry.key) && keep(entry),
    delete: (keys) => keys.filter((key) => use().has(key) && use().delete(key)).length,
    increment({ key, by, ttlMs }) {
      const left = use().has(key) ? use().getRemainingTTL(key) : ttlMs ?? Infinity;
      const sum = readNumber(use().get(key)) + by;
      if (!Number.isSafeInteger(sum)) {
        throw new CqiError(
          "CQI_CONFLICT",
          "Cannot increment: the value or the sum is no whole number within 2^53",
        );
      }
      const value = new TextEncoder().encode(String(sum));
      put({ key, value, ttlMs: left === Infinity ? undefined : Math.max(1, Math.ceil(left)) });
      return sum;
    },
    compareAndSet({ key, expected, value, ttlMs }) {
      if (!same(use().get(key), expected)) return false;
      if (value !== undefined) return keep({ key, value, ttlMs });
      use().delete(key);
      return true;
    },
    clear(prefix) {
      const keys = [...use().keys()].filter((key) => key.startsWith(prefix));
      for (const key of keys) use().delete(key);
      return keys.length;
    },
    ...WITHOUT_OTHERS,
    check() {
      const status = closed ? "down" as const : "ok" as const;
      const details = { entries: String(entries.size), bytes: String(entries.calculatedSize) };
      return Promise.resolve({ status, details });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A driver whose answers are at hand at once. */
export interface MemoryDriver extends CacheDriver {
  /** The value of a key, or undefined. */
  get(key: string): Uint8Array | undefined;
}
