import assert from "node:assert/strict";
import { test } from "node:test";
import type { BytesKeyspace, Cache, CacheConfigInit } from "../../cache/mod.ts";
import { sleep, systemClock } from "../../core/mod.ts";
import { realRedis } from "../../testing/real_redis.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { openRedisCache, uniquePrefix } from "./_redis_kit.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

// Nothing here is about deadlines, and the machine may be busy.
function patient(keyPrefix: string): CacheConfigInit {
  return { keyPrefix, operationTimeout: { seconds: 5n, nanos: 0 } };
}

const NEAR = { name: "shared", ttl: "5m", near: "4m" } as const;
const PLAIN = { name: "shared", ttl: "5m" } as const;

/** Waits until one cache hears what another says. */
async function hears(listener: Cache, other: Cache): Promise<void> {
  const [here, there] = [listener, other].map((cache) => cache.bytes({ ...NEAR, name: "probe" }));
  await until(async () => {
    await here!.set("k", text("1"));
    await there!.delete("k");
    await sleep(systemClock, 20);
    return await here!.get("k") === undefined;
  });
}

const redis = await real(() => realRedis());
if (redis !== undefined) {
  const changes: Readonly<Record<string, (plain: BytesKeyspace) => Promise<unknown>>> = {
    "invalidateTags()": (plain) => plain.invalidateTags(["t"]),
    "delete()": (plain) => plain.delete("k"),
    "set()": (plain) => plain.set("k", text("new")),
    "clear()": (plain) => plain.clear(),
    "compareAndSet()": (plain) =>
      plain.compareAndSet("k", { expected: text("old"), value: undefined }),
  };
  for (const [name, change] of Object.entries(changes)) {
    test(`${name} through a view without a near tier reaches the tiers of other views and processes`, async () => {
      const keyPrefix = uniquePrefix();
      await using a = await openRedisCache(redis, patient(keyPrefix));
      await using b = await openRedisCache(redis, patient(keyPrefix));
      const plain = a.cache.bytes(PLAIN);
      const [inA, inB] = [a.cache.bytes(NEAR), b.cache.bytes(NEAR)];
      await hears(b.cache, a.cache);
      await inA.set("k", text("old"), { tags: ["t"] });
      assert.deepEqual([await inA.get("k"), await inB.get("k")], [text("old"), text("old")]);
      await change(plain);
      const expected = name === "set()" ? text("new") : undefined;
      assert.deepEqual(await inA.get("k"), expected);
      await until(async () => String(await inB.get("k")) === String(expected));
    });
  }

  test("invalidateTags() of another process sends newcomers to a load of their own", async () => {
    const keyPrefix = uniquePrefix();
    await using a = await openRedisCache(redis, patient(keyPrefix));
    await using b = await openRedisCache(redis, patient(keyPrefix));
    await hears(b.cache, a.cache);
    const inB = b.cache.bytes(NEAR);
    await inB.set("heard", text("1"), { tags: ["t"] });
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    let asked = 0;
    const early = inB.getOrLoad("k", () => (asked++, promise), { tags: ["t"] });
    await until(() => Promise.resolve(asked === 1));
    await a.cache.bytes(PLAIN).invalidateTags(["t"]);
    await until(async () => await inB.get("heard") === undefined);
    const late = inB.getOrLoad("k", () => text("new"), { tags: ["t"] });
    resolve(text("old"));
    assert.deepEqual([await early, await late], [text("old"), text("new")]);
  });

  test("invalidateTags() reaches tiers of other processes whatever characters a tag has", async () => {
    const keyPrefix = uniquePrefix();
    await using a = await openRedisCache(redis, patient(keyPrefix));
    await using b = await openRedisCache(redis, patient(keyPrefix));
    await hears(b.cache, a.cache);
    const inB = b.cache.bytes(NEAR);
    for (const tag of ["a\nb", "\n", "a\0b", "{*}:ü\u{1f600}"]) {
      await inB.set("k", text("old"), { tags: [tag] });
      await a.cache.bytes(PLAIN).invalidateTags([tag]);
      await until(async () => await inB.get("k") === undefined, JSON.stringify(tag));
    }
    await assert.rejects(inB.set("k", text("1"), { tags: ["\ud800"] }), {
      code: "CQI_OPTION_INVALID",
    });
  });

  test("invalidateTags() of a process without a near tier reaches those of others, over one connection", async () => {
    const keyPrefix = uniquePrefix();
    await using a = await openRedisCache(redis, patient(keyPrefix));
    await using b = await openRedisCache(redis, patient(keyPrefix));
    const plain = a.cache.bytes({ ...PLAIN, name: "other" });
    const inB = b.cache.bytes(NEAR);
    const connections = async (): Promise<number> => {
      const clients = String(await redis.command(["client", "list"]));
      return clients.split("\n").filter((line) => line.includes(` name=cqi:${keyPrefix} `)).length;
    };
    // Several in a row: its tier expires by itself once, when it begins to listen.
    let heard = 0;
    await until(async () => {
      await inB.set("k", text("old"), { tags: ["t"] });
      await plain.invalidateTags(["t"]);
      await sleep(systemClock, 20);
      heard = await inB.get("k") === undefined ? heard + 1 : 0;
      return heard === 3;
    });
    assert.equal(await connections(), 3);
  });
}
