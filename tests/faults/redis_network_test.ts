import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep, systemClock } from "../../core/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { realRedis } from "../../testing/real_redis.ts";
import { real } from "../_real.ts";
import { startProxy } from "./_proxy.ts";
import { measureLoads, onPort, openCache, reportFacts, text, timeUntil } from "./_redis_kit.ts";

const LIMIT = { timeout: 60_000 };

const redis = await real(() => realRedis({ own: true }));
if (redis !== undefined) {
  const target = redis.nodes[0]!.port;

  test(
    "R5 A pipeline that is cut half way settles whole, and no answer goes astray",
    LIMIT,
    async () => {
      await using proxy = await startProxy(target);
      await using one = await openCache(onPort(proxy.port), {
        operationTimeout: { seconds: 2n, nanos: 0 },
      });
      const bytes = one.cache.bytes({ name: "cut", ttl: "1m" });
      const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
      await bytes.setMany(keys.map((key) => [key, text(key)]));
      let settled = 0;
      let lost = 0;
      let wrong = 0;
      for (let round = 0; round < 15; round++) {
        // Somewhere within what the round sends.
        proxy.faults.cutAfterBytes = 200 + round * 400;
        const calls = keys.flatMap((key) => [
          bytes.get(key).then((value) => {
            if (value === undefined) lost++;
            else if (String(value) !== String(text(key))) wrong++;
          }),
          bytes.set(key, text(key)).then((isStored) => void (isStored || lost++)),
        ]);
        await Promise.all(calls);
        settled += calls.length;
        proxy.faults.cutAfterBytes = Infinity;
        await timeUntil("a connection", async () => (await one.cache.check()).status === "ok");
        await timeUntil("a hit", async () => await bytes.get("k0") !== undefined);
      }
      reportFacts("R5 cut pipelines", { settled, lost, wrong, cuts: proxy.broken });
      assert.equal(settled, 15 * 200);
      assert.equal(wrong, 0);
      assert.ok(proxy.broken >= 15 && lost > 0);
    },
  );

  test(
    "R6 Latency of 200 ms is no longer than the deadline for a caller, and ends by itself",
    LIMIT,
    async () => {
      await using proxy = await startProxy(target);
      await using one = await openCache(onPort(proxy.port));
      const bytes = one.cache.bytes({ name: "slow", ttl: "1m" });
      await bytes.set("k", text("v"));
      proxy.faults.latencyMs = 200;
      const slow = await measureLoads(bytes, { forMs: 2000, loadMs: 20, callers: 20 });
      proxy.faults.latencyMs = 0;
      const backMs = await timeUntil("hits", async () => await bytes.get("k") !== undefined);
      reportFacts("R6 latency", { loads: slow.calls, p99_ms: slow.p99, back_after_ms: backMs });
      assert.ok(slow.p99 < 100 + 20 + 100, `p99 ${slow.p99}`);
      assert.ok(backMs < 3000);
    },
  );

  test(
    "R6 Resets: an increment is never done twice, and one without an answer says so",
    LIMIT,
    async () => {
      await using proxy = await startProxy(target);
      await using one = await openCache(onPort(proxy.port), {
        operationTimeout: { seconds: 2n, nanos: 0 },
      });
      const counters = one.cache.counters({ name: "n", ttl: "5m" });
      await counters.increment("k", 0);
      proxy.faults.resetRate = 0.05;
      let done = 0;
      let unknown = 0;
      let refused = 0;
      for (let i = 0; i < 300; i++) {
        try {
          await counters.increment("k");
          done++;
        } catch (error) {
          assert.ok(isCqiError(error, "CQI_CACHE_UNAVAILABLE"));
          if (error.details["outcome"] === "unknown") {
            unknown++;
            assert.equal(error.retryable, false);
          } else {
            refused++;
            assert.equal(error.retryable, true);
            await sleep(systemClock, 20);
          }
        }
      }
      proxy.faults.resetRate = 0;
      let sum = 0;
      await timeUntil("the sum", async () => {
        sum = await counters.increment("k", 0).catch(() => -1);
        return sum >= 0;
      });
      reportFacts("R6 resets", { done, unknown, refused, sum, resets: proxy.broken });
      assert.ok(sum >= done && sum <= done + unknown);
      assert.ok(unknown > 0);
    },
  );

  test("R4 R6 A connection that goes silent is given up, and a new one works", LIMIT, async () => {
    await using proxy = await startProxy(target);
    await using one = await openCache(onPort(proxy.port), {
      redis: { ...onPort(proxy.port).section, commandTimeout: { seconds: 0n, nanos: 500_000_000 } },
    });
    const bytes = one.cache.bytes({ name: "hole", ttl: "1m" });
    await bytes.set("k", text("v"));
    proxy.hold(true);
    const silent = await measureLoads(bytes, { forMs: 2500, loadMs: 20, callers: 20 });
    proxy.hold(false);
    const backMs = await timeUntil("hits", async () => await bytes.get("k") !== undefined);
    reportFacts("R4 black hole", {
      loads: silent.calls,
      p99_ms: silent.p99,
      back_after_ms: backMs,
    });
    assert.ok(silent.p99 < 100 + 20 + 100, `p99 ${silent.p99}`);
    assert.ok(backMs < 5000);
  });
}
