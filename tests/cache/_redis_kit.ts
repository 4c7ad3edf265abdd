import process from "node:process";
import { open as openFile, readFile } from "node:fs/promises";
import { createDriver } from "../../cache/drivers/redis.ts";
import { type Cache, type CacheConfigInit, open } from "../../cache/mod.ts";
import type { Instruments } from "../../core/mod.ts";
import type { RealRedis } from "../../testing/real_redis.ts";
import { countingMetrics } from "./_fixture.ts";

/** A cache on a real Redis, with what it counted. */
export interface RedisCache extends AsyncDisposable {
  readonly cache: Cache;
  /** `keyspace op result` and how often. */
  readonly counts: Record<string, number>;
}

let serial = 0;

/** A name that no other test or run has. */
export function uniquePrefix(): string {
  return `test-${process.pid}-${Date.now()}-${serial++}`;
}

/** Opens a cache over the driver redis. */
export async function openRedisCache(
  redis: Pick<RealRedis, "section">,
  section: CacheConfigInit = {},
  env: Partial<Instruments> = {},
): Promise<RedisCache> {
  const counts: Record<string, number> = {};
  const config = { driver: "redis", redis: redis.section, ttlJitter: 0, ...section };
  const cache = await open(config as CacheConfigInit, {
    metrics: countingMetrics(counts),
    drivers: { redis: () => ({ createDriver }) },
    ...env,
  });
  return { cache, counts, [Symbol.asyncDispose]: () => cache.close() };
}

/** Adds a line to a file, whole, also when several processes do so. */
export async function addLine(path: string, line: string): Promise<void> {
  const file = await openFile(path, "a");
  await file.write(`${line}\n`);
  await file.close();
}

/** The lines of a file; none when there is no such file. */
export async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}
