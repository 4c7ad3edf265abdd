import type { BytesKeyspace, CacheConfigInit } from "../../cache/mod.ts";
import { sleep, systemClock } from "../../core/mod.ts";
import { openRedisCache, type RedisCache, uniquePrefix } from "../cache/_redis_kit.ts";
import { report } from "./_report.ts";

export { uniquePrefix };

/** Bytes of a text. */
export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A section for one server on a port. */
export function onPort(port: number): { readonly section: { readonly single: object } } {
  return { section: { single: { host: "127.0.0.1", port } } };
}

/** Opens a cache with a prefix of its own. */
export function openCache(
  redis: { readonly section: object },
  section: CacheConfigInit = {},
): Promise<RedisCache> {
  return openRedisCache(redis, { keyPrefix: uniquePrefix(), ...section });
}

/** Prints what was counted, as names and figures. */
export function reportFacts(row: string, facts: Readonly<Record<string, number | string>>): void {
  const parts = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
  report(`${row}: ${parts.join(", ")}`);
}

/** What a run of get-or-load took. */
export interface Latencies {
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Of each call less what its load took, which a busy machine draws out: what the cache cost. */
  readonly costP99: number;
}

/** Runs get-or-load of new keys side by side for a while, each with a load of some milliseconds. */
export async function measureLoads(
  bytes: BytesKeyspace,
  options: {
    readonly forMs: number;
    readonly loadMs: number;
    readonly callers: number;
    readonly tags?: readonly string[];
  },
): Promise<Latencies> {
  const { forMs, loadMs, callers, tags = [] } = options;
  const times: number[] = [];
  const costs: number[] = [];
  const end = systemClock.monotonic() + forMs;
  let serial = 0;
  await Promise.all(Array.from({ length: callers }, async () => {
    while (systemClock.monotonic() < end) {
      const start = systemClock.monotonic();
      const key = `load-${start}-${serial++}`;
      let loadedMs = 0;
      await bytes.getOrLoad(key, async () => {
        const began = systemClock.monotonic();
        await sleep(systemClock, loadMs);
        loadedMs = systemClock.monotonic() - began;
        return text("loaded");
      }, { tags });
      const tookMs = systemClock.monotonic() - start;
      times.push(tookMs);
      costs.push(tookMs - loadedMs);
    }
  }));
  const at = (share: number, of = times): number =>
    Math.round(of[Math.min(of.length - 1, Math.floor(of.length * share))] ?? 0);
  for (const all of [times, costs]) all.sort((a, b) => a - b);
  return {
    calls: times.length,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
    costP99: at(0.99, costs),
  };
}

/** Milliseconds until a condition holds, looked at every 20 ms; fails after some seconds. */
export async function timeUntil(
  what: string,
  done: () => Promise<boolean>,
  withinMs = 15_000,
): Promise<number> {
  const start = systemClock.monotonic();
  while (!await done()) {
    if (systemClock.monotonic() - start > withinMs) {
      throw new Error(`Waited ${withinMs} ms in vain for ${what}`);
    }
    await sleep(systemClock, 20);
  }
  return Math.round(systemClock.monotonic() - start);
}
