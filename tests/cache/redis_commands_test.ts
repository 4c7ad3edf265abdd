import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import type { CacheConfigInit } from "../../cache/mod.ts";
import { sleep, systemClock } from "../../core/mod.ts";
import { realRedis } from "../../testing/real_redis.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { openRedisCache, uniquePrefix } from "./_redis_kit.ts";

/** The line of the page that makes a user. */
async function documentedUser(): Promise<string> {
  const page = await readFile(new URL("../../docs/drivers/redis.md", import.meta.url), "utf8");
  return /^ACL SETUSER .*$/m.exec(page)?.[0] ?? assert.fail("The page has no such line");
}

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

  test("A value that many ask for at once comes over the wire a few times, and is each one's own", async () => {
    await using cache = await openRedisCache(redis, patient(uniquePrefix()));
    const bytes = cache.cache.bytes({ name: "hot", ttl: "1m" });
    await bytes.set("k", new Uint8Array(100_000).fill(1));
    const sent = async (): Promise<number> => {
      const stats = String(await redis.command(["info", "stats"]));
      return Number(/total_net_output_bytes:(\d+)/.exec(stats)?.[1]);
    };
    const before = await sent();
    const all = await Promise.all(Array.from({ length: 300 }, () => bytes.get("k")));
    assert.ok(await sent() - before < 1_000_000, `${await sent() - before} bytes`);
    for (const [i, value] of all.entries()) value!.fill(i % 256);
    assert.ok(all.every((value, i) => value!.length === 100_000 && value![0] === i % 256));
  });

  const open = async (line: string, database = 0) => {
    const keyPrefix = uniquePrefix();
    const variable = `TEST_ACL_${keyPrefix.replaceAll("-", "_")}`;
    process.env[variable] = "secret";
    const words = line.replaceAll("cqpm", keyPrefix).replace("PASSWORD", "secret").split(" ");
    assert.equal(await redis.command(words), "OK");
    const user = {
      username: keyPrefix,
      password: { valueSource: { case: "env" as const, value: variable } },
    };
    const settings = { ...redis.section, ...user, database };
    const section = settings as typeof redis.section;
    return { ...await openRedisCache({ section }, patient(keyPrefix)), keyPrefix };
  };

  for (const database of [0, 3]) {
    test(`The documented user may do all that the cache does, in database ${database}`, async () => {
      await redis.command(["acl", "log", "reset"]);
      await using fixture = await open(await documentedUser(), database);
      const { cache, counts } = fixture;
      assert.equal((await cache.check()).status, "ok");
      const bytes = cache.bytes({ name: "b", ttl: "1m", near: "1s", lease: 900 });
      const channel = `${fixture.keyPrefix}:-changed`;
      await until(async () =>
        String(await redis.command(["pubsub", "channels"])).includes(channel)
      );
      let loads = 0;
      // Longer than a third of the lease, so that it is renewed.
      const load = async (): Promise<Uint8Array> => {
        loads++;
        await sleep(systemClock, 400);
        return one;
      };
      await bytes.getOrLoad("loaded", load, { tags: ["t"] });
      await until(() => counts["b set ok"] === 1);
      assert.deepEqual(await bytes.getOrLoad("loaded", load, { tags: ["t"] }), one);
      assert.equal(loads, 1);
      // A lease that is given back.
      assert.equal(await bytes.getOrLoad("none", () => undefined), undefined);
      assert.equal(await bytes.set("x", one, { ttl: "none" }), true);
      assert.equal(await bytes.setMany(["y", "z"].map((key) => [key, one])), true);
      assert.deepEqual(await bytes.getMany(["x", "y", "z"]), [one, one, one]);
      assert.equal(await bytes.setIfAbsent("x", one), false);
      assert.equal(await bytes.compareAndSet("x", { expected: one, value: undefined }), true);
      assert.equal(await bytes.deleteMany(["y"]), 1);
      await bytes.invalidateTags(["t"]);
      await bytes.clear();
      const counters = cache.counters({ name: "c", ttl: "1m" });
      assert.deepEqual([await counters.increment("n"), await counters.increment("n", 2)], [1, 3]);
      assert.equal(await counters.delete("n"), true);
      assert.deepEqual(await redis.command(["acl", "log"]), []);
    });
  }

  test("A load whose lease Redis refuses is counted, and its value is not kept", async () => {
    const line = (await documentedUser()).replace(" +time", "");
    await using fixture = await open(line);
    const bytes = fixture.cache.bytes({ name: "b", ttl: "1m" });
    assert.deepEqual(await bytes.getOrLoad("k", () => one), one);
    assert.equal(fixture.counts["b set error"], 1);
    assert.equal(await bytes.get("k"), undefined);
  });
}
