import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { BytesKeyspace, CacheConfigInit } from "../../cache/mod.ts";
import { sleep, systemClock } from "../../core/mod.ts";
import { PositionSchema } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { realRedis } from "../../testing/real_redis.ts";
import { testTracer } from "../../testing/test_spans.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { openRedisCache, uniquePrefix } from "./_redis_kit.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const never = (): never => assert.fail("loaded");

// Nothing here is about deadlines, and the machine may be busy.
function patient(keyPrefix: string): CacheConfigInit {
  return { keyPrefix, operationTimeout: { seconds: 5n, nanos: 0 } };
}

/** Waits until one near tier hears what the other process says. */
async function hears(listener: BytesKeyspace, other: BytesKeyspace): Promise<void> {
  await until(async () => {
    await listener.set("probe", text("1"));
    await listener.get("probe");
    await other.delete("probe");
    await sleep(systemClock, 20);
    return await listener.get("probe") === undefined;
  });
}

const redis = await real(() => realRedis());
if (redis !== undefined) {
  /** Two caches as two processes would have them. */
  const pair = async (keyPrefix = uniquePrefix()) => {
    const a = await openRedisCache(redis, patient(keyPrefix));
    const b = await openRedisCache(redis, patient(keyPrefix));
    return { a, b, close: () => Promise.all([a.cache.close(), b.cache.close()]) };
  };

  test("1,000 concurrent reads of a cold key in Redis load once", async () => {
    await using one = await openRedisCache(redis, patient(uniquePrefix()));
    const bytes = one.cache.bytes({ name: "cold", ttl: "1m" });
    let loads = 0;
    const load = async (): Promise<Uint8Array> => {
      loads++;
      await sleep(systemClock, 50);
      return text("v");
    };
    const all = await Promise.all(
      Array.from({ length: 1000 }, () => bytes.getOrLoad("key", load)),
    );
    assert.equal(loads, 1);
    assert.deepEqual(new Set(all.map((value) => String(value))).size, 1);
    assert.equal(one.counts["cold load ok"], 1);
  });

  test("getMany() of 100 keys is one round trip to Redis", async () => {
    await using one = await openRedisCache(redis, patient(uniquePrefix()));
    const bytes = one.cache.bytes({ name: "many", ttl: "1m" });
    const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
    await bytes.setMany(keys.map((key) => [key, text(key)]));
    const calls = async (): Promise<number> => {
      const stats = String(await redis.command(["info", "commandstats"]));
      return Number(/cmdstat_mget:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    const before = await calls();
    const found = await bytes.getMany(keys);
    assert.deepEqual(found, keys.map(text));
    assert.equal(await calls() - before, 1);
  });

  test("The near tier serves without Redis, and hears of a delete within 100 ms", async () => {
    const { a, b, close } = await pair();
    const options = { name: "near", ttl: "1m", near: "30s" } as const;
    const [inA, inB] = [a.cache.bytes(options), b.cache.bytes(options)];
    await inA.set("k", text("1"));
    assert.deepEqual(await inB.get("k"), text("1"));
    await hears(inB, inA);
    await inB.get("k");
    assert.equal(await inA.delete("k"), true);
    const start = systemClock.monotonic();
    await until(async () => (await inB.get("k")) === undefined);
    assert.ok(systemClock.monotonic() - start < 100);
    await close();
  });

  test("The near tier keeps what its own process writes, and drops what another writes", async () => {
    const { a, b, close } = await pair();
    const options = { name: "near", ttl: "1m", near: "30s" } as const;
    const [inA, inB] = [a.cache.bytes(options), b.cache.bytes(options)];
    await hears(inA, inB);
    const before = a.counts["near near hit"] ?? 0;
    await inA.set("k", text("1"));
    await inB.get("k");
    await inA.get("k");
    assert.equal(a.counts["near near hit"], before + 1);
    await inB.set("k", text("2"));
    await until(async () => String(await inA.get("k")) === String(text("2")));
    assert.deepEqual(await inB.get("k"), text("2"));
    await close();
  });

  test("invalidateTags() makes 10,000 values invalid with two deletions, in all processes", async () => {
    const { a, b, close } = await pair();
    const options = { name: "tagged", ttl: "5m" } as const;
    const [inA, inB] = [a.cache.bytes(options), b.cache.bytes(options)];
    const keys = Array.from({ length: 10_000 }, (_, i) => `k${i}`);
    await inA.setMany(keys.map((key) => [key, text(key)]), { tags: ["account:1", "all"] });
    assert.deepEqual(await inB.get("k9999"), text("k9999"));
    // With the tags of all read at once, not of each value by itself.
    const all = await inB.getMany(keys);
    assert.equal(all.filter((value) => value !== undefined).length, 10_000);
    const calls = async (): Promise<number> => {
      const stats = String(await redis.command(["info", "commandstats"]));
      return Number(/cmdstat_del:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    const before = await calls();
    await inB.invalidateTags(["account:1"]);
    assert.equal(await calls() - before, 4);
    const found = await inA.getMany(keys);
    assert.equal(found.filter((value) => value !== undefined).length, 0);
    await inA.set("k1", text("new"), { tags: ["account:1"] });
    assert.deepEqual(await inB.get("k1"), text("new"));
    await close();
  });

  for (const [name, tags] of [["fixed", ["t"]], ["by value", () => ["t"]]] as const) {
    test(`A tag that is invalidated during a load is not outlived by it (tags ${name})`, async () => {
      const { a, b, close } = await pair();
      const options = { name: "tagged", ttl: "5m" } as const;
      const [inA, inB] = [a.cache.bytes(options), b.cache.bytes(options)];
      const load = async (): Promise<Uint8Array> => {
        await inB.invalidateTags(["t"]);
        return text("old");
      };
      assert.deepEqual(await inA.getOrLoad("k", load, { tags }), text("old"));
      assert.equal(await inA.get("k"), undefined);
      assert.deepEqual(await inA.getOrLoad("k", () => text("new"), { tags }), text("new"));
      // One that waited while the first gave up does not store: the next one does.
      await until(async () => {
        await inA.getOrLoad("k", () => text("new"), { tags });
        return await inB.get("k") !== undefined;
      });
      assert.deepEqual(await inB.getOrLoad("k", never), text("new"));
      await inB.invalidateTags(["t"]);
      assert.equal(await inA.get("k"), undefined);
      await close();
    });
  }

  test("Tags reach values in the near tier", async () => {
    const { a, b, close } = await pair();
    const options = { name: "near", ttl: "1m", near: "30s" } as const;
    const [inA, inB] = [a.cache.bytes(options), b.cache.bytes(options)];
    await hears(inB, inA);
    await inA.set("k", text("1"), { tags: ["t"] });
    assert.deepEqual(await inB.get("k"), text("1"));
    await inA.invalidateTags(["t"]);
    assert.equal(await inA.get("k"), undefined);
    await until(async () => (await inB.get("k")) === undefined);
    await close();
  });

  test("A deletion by another process during a load is not undone by it", async () => {
    const { a, b, close } = await pair();
    const [inA, inB] = [a, b].map(({ cache }) => cache.bytes({ name: "race", ttl: "5m" }));
    const load = async (): Promise<Uint8Array> => {
      await inB!.delete("k");
      return text("old");
    };
    assert.deepEqual(await inA!.getOrLoad("k", load), text("old"));
    assert.equal(await inA!.get("k"), undefined);
    assert.equal(a.counts["race set outdated"], 1);
    await close();
  });

  test("deleteAfterCommit() waits for the commit, and a reader in between cannot bring the old row back", async () => {
    const { a, b, close } = await pair();
    const [inA, inB] = [a, b].map(({ cache }) => cache.bytes({ name: "row", ttl: "5m" }));
    const hooks: (() => void | Promise<void>)[] = [];
    const tx = { afterCommit: (hook: () => void | Promise<void>) => void hooks.push(hook) };
    let row = "old";
    await inA!.set("k", text(row));
    inA!.deleteAfterCommit(tx, ["k"]);
    // Not committed yet: others read, and may load, the old row.
    assert.deepEqual(await inB!.getOrLoad("k", () => text(row)), text("old"));
    const slow = inB!.getOrLoad("other", async () => {
      row = "new";
      for (const hook of hooks) await hook();
      return text("x");
    });
    await slow;
    assert.deepEqual(await inB!.getOrLoad("k", () => text(row)), text("new"));
    await close();
  });

  test("A lease that is given back without a value makes nobody wait for one", async () => {
    const { a, b, close } = await pair();
    const [inA, inB] = [a, b].map(({ cache }) => cache.bytes({ name: "none", ttl: "5m" }));
    const load = async (): Promise<undefined> => {
      await sleep(systemClock, 300);
      return undefined;
    };
    const start = systemClock.monotonic();
    const all = [inA!.getOrLoad("k", load), inB!.getOrLoad("k", load), inB!.getOrLoad("k", load)];
    assert.deepEqual(await Promise.all(all), [undefined, undefined, undefined]);
    assert.ok(systemClock.monotonic() - start < 1500);
    await close();
  });

  test("A value past its time is gone from Redis and the near tier once its loader has superseded it", async () => {
    const keyPrefix = uniquePrefix();
    const section = { ...patient(keyPrefix), maxValueBytes: 1000n };
    await using one = await openRedisCache(redis, section);
    const options = { name: "old", ttl: 1, staleIfError: "1h", staleBackoff: 1 } as const;
    const old = one.cache.keyspace(PositionSchema, options);
    const fail = (): Promise<never> => Promise.reject(new Error("database down"));
    const superseded = {
      absent: () => undefined,
      large: () => ({ quantity: "1".repeat(2000) }),
    };
    for (const [key, load] of Object.entries(superseded)) {
      await old.set(key, { quantity: "1" });
      await until(async () => (await old.get(key)) === undefined);
      assert.equal((await old.lookup(key, fail)).stale, true);
      // Left alone for a millisecond, since its loader has failed.
      await until(async () => !(await old.lookup(key, load)).stale, key);
      const whole = `${keyPrefix}:old:cqc.portfolio.v1.Position:${key}`;
      await until(async () => await redis.command(["exists", whole]) === 0, key);
      await assert.rejects(old.lookup(key, fail), /database down/);
    }
  });

  test("A value of a newer schema is read, and its unknown fields are kept", async () => {
    await using one = await openRedisCache(redis, patient(uniquePrefix()));
    const positions = one.cache.keyspace(PositionSchema, { name: "p", ttl: "1m" });
    const newer = create(PositionSchema, { quantity: "1.5" });
    newer.$unknown = [{ no: 9999, wireType: 0, data: new Uint8Array([5]) }];
    await positions.set("k", newer);
    const found = await positions.get("k");
    assert.equal(found?.quantity, "1.5");
    assert.deepEqual(found?.$unknown?.map(({ no }) => no), [9999]);
  });

  test("Corrupt bytes in Redis are counted, dropped and loaded anew (R2)", async () => {
    const keyPrefix = uniquePrefix();
    await using one = await openRedisCache(redis, patient(keyPrefix));
    const positions = one.cache.keyspace(PositionSchema, { name: "p", ttl: "1m" });
    const key = `${keyPrefix}:p:cqc.portfolio.v1.Position:k`;
    for (const bytes of ["", "x", "\u0001garbage that is longer than a header"]) {
      await redis.command(["set", key, bytes]);
      const found = await positions.getOrLoad("k", () => ({ quantity: "2" }));
      assert.equal(found?.quantity, "2");
      assert.equal((await positions.get("k"))?.quantity, "2");
    }
    assert.equal(one.counts["p get corrupt"], 3);
    assert.equal(one.counts["p load ok"], 3);
  });

  test("A key that holds a list is counted as corrupt, and replaced by what is loaded", async () => {
    const keyPrefix = uniquePrefix();
    await using one = await openRedisCache(redis, patient(keyPrefix));
    const bytes = one.cache.bytes({ name: "b", ttl: "1m" });
    for (const key of ["a", "b", "c"]) {
      await redis.command(["rpush", `${keyPrefix}:b:-bytes:${key}`, "x"]);
    }
    assert.equal(await bytes.get("a"), undefined);
    // Alone, then beside another read: they leave as GET and as MGET.
    assert.deepEqual(await bytes.getOrLoad("b", () => text("1")), text("1"));
    await Promise.all(["c", "d"].map((key) => bytes.getOrLoad(key, () => text("1"))));
    assert.deepEqual(await bytes.getMany(["b", "c"]), [text("1"), text("1")]);
    assert.equal(one.counts["b get corrupt"], 3);
    assert.equal(await bytes.setIfAbsent("a", text("1")), true);
  });

  test("Spans name keyspace and tier, and no key", async () => {
    const tracer = testTracer();
    const keyPrefix = uniquePrefix();
    await using one = await openRedisCache(redis, patient(keyPrefix), { tracer });
    const bytes = one.cache.bytes({ name: "b", ttl: "1m", near: "30s" });
    await using other = await openRedisCache(redis, patient(keyPrefix));
    await hears(bytes, other.cache.bytes({ name: "b", ttl: "1m", near: "30s" }));
    const before = tracer.spans.length;
    const sets = one.counts["b set ok"]!;
    await bytes.getOrLoad("canary-key", () => text("1"));
    await until(() => one.counts["b set ok"] === sets + 1);
    await bytes.getOrLoad("canary-key", never);
    await bytes.get("canary-key");
    const tiers = tracer.spans.slice(before).map(({ attributes }) => attributes["cqi.cache.tier"]);
    assert.deepEqual(tiers, ["redis", "near", "near"]);
    assert.ok(!JSON.stringify(tracer.spans).includes("canary"));
  });
}
