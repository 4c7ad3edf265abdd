import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { test } from "node:test";
import { systemClock } from "../../core/mod.ts";
import { realRedis } from "../../testing/real_redis.ts";
import { real } from "../_real.ts";
import { measureLoads, onPort, openCache, reportFacts, text, timeUntil } from "./_redis_kit.ts";

const LOADS = { forMs: 1000, loadMs: 20, callers: 20 };
/** Deadline, load, and what a busy machine adds. */
const P99_MS = 100 + 20 + 100;
const LIMIT = { timeout: 60_000 };

const redis = await real(() =>
  realRedis({
    own: true,
    config: ["key-load-delay 200", "loading-process-events-interval-bytes 1024"],
  })
);
if (redis !== undefined) {
  const node = redis.nodes[0]!;

  test(
    "R2 Redis that is full refuses writes, serves reads, and takes writes again",
    LIMIT,
    async () => {
      await using one = await openCache(redis);
      const bytes = one.cache.bytes({ name: "full", ttl: "1m" });
      await bytes.set("kept", text("v"));
      await node.command(["config", "set", "maxmemory-policy", "noeviction"]);
      await node.command(["config", "set", "maxmemory", "1"]);
      let refused = 0;
      let served = 0;
      for (let i = 0; i < 50; i++) {
        if (!await bytes.set(`k${i}`, text("v"))) refused++;
        if (await bytes.get("kept") !== undefined) served++;
        assert.deepEqual(await bytes.getOrLoad(`l${i}`, () => text("l")), text("l"));
      }
      const { breaker } = (await one.cache.check()).details ?? {};
      const counter = one.cache.counters({ name: "n", ttl: "1m" });
      await assert.rejects(counter.increment("k"), { code: "CQI_CACHE_UNAVAILABLE" });
      await node.command(["config", "set", "maxmemory", "0"]);
      const backMs = await timeUntil("writes", () => bytes.set("k", text("v")));
      reportFacts("R2 full", {
        refused,
        served,
        breaker: String(breaker),
        set_errors: one.counts["full set error"] ?? 0,
        back_after_ms: backMs,
      });
      assert.deepEqual([refused, served, breaker], [50, 50, "closed"]);
      assert.ok(backMs < 2000);
    },
  );

  test(
    "R3 Redis that becomes a replica refuses writes, serves reads, and takes writes again",
    LIMIT,
    async () => {
      await using one = await openCache(redis);
      const bytes = one.cache.bytes({ name: "ro", ttl: "1m" });
      await bytes.set("kept", text("v"));
      // The primary is nobody: what it holds stays.
      await node.command(["replicaof", "127.0.0.1", "1"]);
      let refused = 0;
      let served = 0;
      for (let i = 0; i < 100; i++) {
        if (!await bytes.set(`k${i}`, text("v"))) refused++;
        if (await bytes.get("kept") !== undefined) served++;
      }
      await node.command(["replicaof", "no", "one"]);
      const backMs = await timeUntil("writes", () => bytes.set("k", text("v")));
      reportFacts("R3 read-only", { refused, served, back_after_ms: backMs });
      assert.equal(refused, 100);
      assert.ok(served > 0);
      assert.ok(backMs < 5000);
    },
  );

  test(
    "R4 CLIENT PAUSE costs no more than the deadline, and no answer goes astray",
    LIMIT,
    async () => {
      await using one = await openCache(redis);
      const bytes = one.cache.bytes({ name: "pause", ttl: "1m" });
      const keys = Array.from({ length: 200 }, (_, i) => `k${i}`);
      await bytes.setMany(keys.map((key) => [key, text(key)]));
      await node.command(["client", "pause", "1500"]);
      const late = await Promise.all(keys.map((key) => bytes.get(key)));
      const paused = await measureLoads(bytes, LOADS);
      const backMs = await timeUntil("hits", async () => await bytes.get("k0") !== undefined);
      let wrong = 0;
      for (let round = 0; round < 20; round++) {
        const found = await Promise.all(keys.map((key) => bytes.get(key)));
        wrong += found.filter((value, i) => String(value) !== String(text(keys[i]!))).length;
      }
      const misses = late.filter((value) => value === undefined).length;
      reportFacts("R4 client pause", {
        misses,
        p99_ms: paused.p99,
        back_after_ms: backMs,
        read_after: 20 * keys.length,
        wrong,
      });
      assert.equal(misses, keys.length);
      assert.ok(paused.p99 < P99_MS, `p99 ${paused.p99}`);
      assert.equal(wrong, 0);
    },
  );

  test(
    "R4 An endless script (BUSY) costs no more than the deadline, and its end is noticed",
    LIMIT,
    async () => {
      await using one = await openCache(redis);
      const bytes = one.cache.bytes({ name: "busy", ttl: "1m" });
      await bytes.set("k", text("v"));
      await node.command(["config", "set", "busy-reply-threshold", "50"]);
      const script = node.command(["eval", "while true do end", "0"]).catch(() => "killed");
      const busy = await measureLoads(bytes, LOADS);
      assert.equal(await bytes.get("k"), undefined);
      await timeUntil("the script to end", async () => {
        await node.command(["script", "kill"]).catch(() => {});
        return await node.command(["ping"]).then(() => true, () => false);
      });
      await script;
      const backMs = await timeUntil("hits", async () => await bytes.get("k") !== undefined);
      reportFacts("R4 busy", { loads: busy.calls, p99_ms: busy.p99, back_after_ms: backMs });
      assert.ok(busy.p99 < P99_MS, `p99 ${busy.p99}`);
      assert.ok(backMs < 5000);
    },
  );

  test("R4 Redis that loads its data is waited for in the background", LIMIT, async () => {
    await using one = await openCache(redis, { operationTimeout: { seconds: 5n, nanos: 0 } });
    const bytes = one.cache.bytes({ name: "loading", ttl: "5m" });
    const keys = Array.from({ length: 8000 }, (_, i) => `k${i}`);
    assert.equal(await bytes.setMany(keys.map((key) => [key, text(key)])), true);
    await node.command(["save"]);
    await using quick = await openCache(redis);
    const probe = quick.cache.bytes({ name: "probe", ttl: "1m" });
    const restarted = node.restart();
    const loading = await measureLoads(probe, LOADS);
    await restarted;
    const backMs = await timeUntil("hits", async () => await bytes.get("k7999") !== undefined);
    reportFacts("R4 loading", { loads: loading.calls, p99_ms: loading.p99, back_after_ms: backMs });
    assert.ok(loading.p99 < P99_MS, `p99 ${loading.p99}`);
  });

  test(
    "R4 A server that takes no more clients is a miss, and works when one leaves",
    LIMIT,
    async () => {
      const before = await openCache(redis);
      await before.cache.bytes({ name: "a", ttl: "1m" }).set("k", text("v"));
      const limit = Number(
        /connected_clients:(\d+)/.exec(
          String(await node.command(["info", "clients"])),
        )?.[1],
      );
      // One more than there are, for the commands of this test.
      await node.command(["config", "set", "maxclients", String(limit)]);
      const extra = createConnection({ host: "127.0.0.1", port: node.port });
      extra.on("error", () => {});
      await timeUntil("the limit", async () => {
        return await node.command(["ping"]).then(() => false, () => true);
      });
      await using one = await openCache(redis);
      const bytes = one.cache.bytes({ name: "b", ttl: "1m" });
      assert.deepEqual(await bytes.getOrLoad("k", () => text("l")), text("l"));
      const { status, message = "" } = await one.cache.check();
      await before.cache.close();
      extra.destroy();
      const backMs = await timeUntil("writes", () => bytes.set("k", text("v")));
      await timeUntil("room", async () => {
        return await node.command(["config", "set", "maxclients", "10000"]).then(
          () => true,
          () => false,
        );
      });
      reportFacts("R4 max clients", { status, back_after_ms: backMs, said: message.slice(0, 80) });
      assert.equal(status, "down");
      assert.ok(backMs < 6000);
    },
  );

  test(
    "R4 NOAUTH and WRONGPASS are misses, are said in the health, and end with the right password",
    LIMIT,
    async () => {
      await using own = await realRedis({ own: true, config: ["requirepass right"] });
      const { port } = own.nodes[0]!;
      await using without = await openCache(own);
      await using wrong = await openCache({
        section: {
          ...onPort(port).section,
          password: { valueSource: { case: "env", value: "PATH" } },
        },
      });
      const said: string[] = [];
      for (const { cache } of [without, wrong]) {
        const bytes = cache.bytes({ name: "a", ttl: "1m" });
        const start = systemClock.monotonic();
        assert.deepEqual(await bytes.getOrLoad("k", () => text("l")), text("l"));
        assert.ok(systemClock.monotonic() - start < P99_MS);
        const reportFacts = await cache.check();
        assert.equal(reportFacts.status, "down");
        said.push(reportFacts.message ?? "");
      }
      assert.match(said[0]!, /NOAUTH|HELLO/);
      assert.match(said[1]!, /WRONGPASS/);
      reportFacts("R4 auth", { without: said[0]!.slice(0, 90), wrong: said[1]!.slice(0, 90) });
    },
  );
}
