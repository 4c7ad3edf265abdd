import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep, systemClock } from "../../core/mod.ts";
import { realRedis } from "../../testing/real_redis.ts";
import { real } from "../_real.ts";
import { measureLoads, openCache, reportFacts, text, timeUntil } from "./_redis_kit.ts";

/** Operation timeout by default, in milliseconds. */
const DEADLINE_MS = 100;
const LOAD_MS = 20;
const CALLERS = 50;
/** How late a single timer of a busy machine may be, in milliseconds. */
const LATE_MS = 100;

const redis = await real(() => realRedis({ own: true }));
if (redis !== undefined) {
  const node = redis.nodes[0]!;

  test("R1 Redis that is killed costs misses, and works again when it is back, empty", {
    timeout: 60_000,
  }, async () => {
    await using one = await openCache(redis);
    const { cache, counts } = one;
    const bytes = cache.bytes({ name: "r1", ttl: "1m" });
    await bytes.set("k", text("v"));
    await node.kill();
    const down = await measureLoads(bytes, { forMs: 4000, loadMs: LOAD_MS, callers: CALLERS });
    assert.equal(await bytes.get("k"), undefined);
    assert.equal(await bytes.set("k", text("w")), false);
    await assert.rejects(bytes.delete("k"), { code: "CQI_CACHE_UNAVAILABLE" });
    assert.equal((await cache.check()).status, "down");
    await node.restart();
    const backMs = await timeUntil("writes", () => bytes.set("k", text("x")), 10_000);
    assert.deepEqual(await bytes.get("k"), text("x"));
    let loads = 0;
    const load = async (): Promise<Uint8Array> => {
      loads++;
      await sleep(systemClock, LOAD_MS);
      return text("once");
    };
    await Promise.all(Array.from({ length: 1000 }, () => bytes.getOrLoad("cold", load)));
    reportFacts("R1 killed and back", {
      loads_while_down: down.calls,
      p99_ms: down.p99,
      cost_p99_ms: down.costP99,
      back_after_ms: backMs,
      errors: counts["r1 get error"] ?? 0,
      loads_of_1000_callers_after: loads,
    });
    assert.ok(down.costP99 < DEADLINE_MS, `p99 of what the cache costs ${down.costP99}`);
    assert.ok(backMs < 5000);
    assert.equal(loads, 1);
  });

  test(
    "R1 A cache opens while Redis is down, and works when it comes up",
    { timeout: 60_000 },
    async () => {
      await node.kill();
      const start = systemClock.monotonic();
      await using one = await openCache(redis);
      const openMs = Math.round(systemClock.monotonic() - start);
      const bytes = one.cache.bytes({ name: "late", ttl: "1m" });
      assert.deepEqual(await bytes.getOrLoad("k", () => text("v")), text("v"));
      await node.restart();
      const backMs = await timeUntil("writes", () => bytes.set("k", text("x")), 10_000);
      reportFacts("R1 opened while down", { open_ms: openMs, back_after_ms: backMs });
      assert.ok(openMs < 5500 && backMs < 5000);
    },
  );

  for (const [name, tags] of [["no tags", []], ["two tags", ["t", "u"]]] as const) {
    test(
      `R1 R4 Redis that is frozen costs a call no more than its deadline, and recovers by itself (${name})`,
      { timeout: 60_000 },
      async () => {
        await using one = await openCache(redis);
        const bytes = one.cache.bytes({ name: "frozen", ttl: "1m" });
        await bytes.set("k", text("v"));
        node.freeze();
        try {
          const frozen = await measureLoads(bytes, {
            forMs: 5000,
            loadMs: LOAD_MS,
            callers: CALLERS,
            tags,
          });
          const start = systemClock.monotonic();
          assert.equal(await bytes.get("k"), undefined);
          const getMs = Math.round(systemClock.monotonic() - start);
          node.thaw();
          const backMs = await timeUntil("a hit", async () => await bytes.get("k") !== undefined);
          reportFacts(`R4 frozen, ${name}`, {
            loads: frozen.calls,
            p50_ms: frozen.p50,
            p99_ms: frozen.p99,
            cost_p99_ms: frozen.costP99,
            max_ms: frozen.max,
            get_ms: getMs,
            back_after_ms: backMs,
          });
          assert.ok(frozen.costP99 < DEADLINE_MS, `p99 of what the cache costs ${frozen.costP99}`);
          assert.ok(getMs < DEADLINE_MS + LATE_MS);
          assert.ok(backMs < 5000);
          assert.deepEqual(await bytes.get("k"), text("v"));
        } finally {
          node.thaw();
        }
      },
    );
  }

  test("R1 A value in grace that is near is served, marked stale, while Redis is lost", {
    timeout: 60_000,
  }, async () => {
    await using one = await openCache(redis);
    const bytes = one.cache.keyspace(
      (await import("../../gen/ts/cqc/portfolio/v1/mod.ts")).PositionSchema,
      { name: "grace", ttl: 300, staleIfError: "1m", near: "1m" },
    );
    await bytes.set("k", { quantity: "1" });
    assert.equal((await bytes.get("k"))?.quantity, "1");
    await node.kill();
    await sleep(systemClock, 400);
    const found = await bytes.lookup("k", () => {
      throw new Error("the database is down too");
    });
    await node.restart();
    reportFacts("R1 stale from near", { stale: String(found.stale), source: found.source });
    assert.deepEqual([found.value?.quantity, found.stale], ["1", true]);
  });
}
