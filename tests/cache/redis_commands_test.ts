import assert from "node:assert/strict";
import { test } from "node:test";
import type { CacheConfigInit } from "../../cache/mod.ts";
import { realRedis } from "../../testing/real_redis.ts";
import { real } from "../_real.ts";
import { openRedisCache, uniquePrefix } from "./_redis_kit.ts";

const one = new Uint8Array([1]);

// Nothing here is about deadlines, and the machine may be busy.
function patient(keyPrefix: string): CacheConfigInit {
  return { keyPrefix, operationTimeout: { seconds: 5n, nanos: 0 } };
}

const redis = await real(() => realRedis({ own: true }));
if (redis !== undefined) {
  test("Writes that are not awaited take effect in order, also when the server has lost its scripts", async () => {
    await using cache = await openRedisCache(redis, patient(uniquePrefix()));
    const bytes = cache.cache.bytes({ name: "order", ttl: "1m" });
    const all = (): Promise<unknown> =>
      Promise.all([
        ...["x", "a", "b"].map((key) => bytes.set(key, one)),
        bytes.delete("a"),
      ]);
    await all();
    await redis.command(["script", "flush"]);
    await all();
    assert.deepEqual(await bytes.getMany(["x", "a", "b"]), [one, undefined, one]);
  });
}
