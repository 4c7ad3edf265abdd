import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../core/mod.ts";
import { type RealRedis, realRedis, type RedisNode } from "../../testing/real_redis.ts";
import { real } from "../_real.ts";
import { openCache, reportFacts, text, timeUntil } from "./_redis_kit.ts";

const LIMIT = { timeout: 90_000 };

async function primaryOf(redis: RealRedis): Promise<number> {
  const words = ["sentinel", "get-master-addr-by-name", "cqi"];
  const address = await redis.sentinels[0]!.command(words);
  return Number((address as readonly string[])[1]);
}

const sentinel = await real(() => realRedis({ mode: "sentinel", own: true }));
if (sentinel !== undefined) {
  test(
    "R3 Sentinel makes the replica the primary, and writes go there within 5 s",
    LIMIT,
    async () => {
      await using one = await openCache(sentinel);
      const bytes = one.cache.bytes({ name: "s", ttl: "5m" });
      assert.equal(await bytes.set("before", text("v")), true);
      const old = await primaryOf(sentinel);
      await sentinel.sentinels[0]!.command(["sentinel", "failover", "cqi"]);
      await timeUntil("the failover", async () => await primaryOf(sentinel) !== old);
      const next = sentinel.nodes.find(({ port }) => port !== old)!;
      const promoted = await timeUntil("a primary that takes writes", async () => {
        return /role:master/.test(String(await next.command(["info", "replication"])));
      });
      // Until the old primary knows, it takes writes that its demotion throws away: Redis copies
      // them to replicas later than it answers.
      let attempts = 0;
      let thrownAway = 0;
      const settledMs = await timeUntil("a write that the new primary has", async () => {
        const isStored = await bytes.set(`try${attempts++}`, text("v"));
        const here = (await next.command(["keys", `*:try${attempts - 1}`])) as readonly string[];
        if (isStored && here.length === 0) thrownAway++;
        return isStored && here.length > 0;
      });
      let failed = 0;
      for (let i = 0; i < 50; i++) if (!await bytes.set(`k${i}`, text("v"))) failed++;
      const here = (await next.command(["keys", "*:k*"])) as readonly string[];
      reportFacts("R3 sentinel failover", {
        promoted_ms: promoted,
        first_write_ms: settledMs,
        attempts,
        thrown_away: thrownAway,
        failed_after: failed,
        of_50_on_new_primary: here.length,
      });
      assert.ok(settledMs < 5000);
      assert.equal(here.length, 50);
    },
  );

  test(
    "R3 A primary that is killed is replaced, and writes go to the new one within 5 s",
    LIMIT,
    async () => {
      await using one = await openCache(sentinel);
      const bytes = one.cache.bytes({ name: "k", ttl: "5m" });
      await timeUntil("a settled pair", async () => {
        return /slaves=1/.test(String(await sentinel.sentinels[0]!.command(["info"])));
      });
      assert.equal(await bytes.set("before", text("v")), true);
      const old = await primaryOf(sentinel);
      const victim = sentinel.nodes.find(({ port }) => port === old)!;
      const next = sentinel.nodes.find(({ port }) => port !== old)!;
      await timeUntil("a replica in step", async () => {
        return /master_link_status:up/.test(String(await next.command(["info", "replication"])));
      });
      await victim.kill();
      const switchMs = await timeUntil(
        "the failover",
        async () => await primaryOf(sentinel) !== old,
        30_000,
      );
      const writeMs = await timeUntil("a write", () => bytes.set("after", text("v")));
      reportFacts("R3 primary killed", { switch_ms: switchMs, write_after_switch_ms: writeMs });
      assert.ok(writeMs < 5000);
      await victim.restart();
    },
  );
}

const cluster = await real(() => realRedis({ mode: "cluster", own: true }));
if (cluster !== undefined) {
  const idOf = async (node: RedisNode): Promise<string> =>
    String(await node.command(["cluster", "myid"]));

  test("R3 A slot that moves (MOVED, ASK) loses no value and fails no call", LIMIT, async () => {
    await using one = await openCache(cluster, { operationTimeout: { seconds: 5n, nanos: 0 } });
    const bytes = one.cache.bytes({ name: "m", ttl: "5m" });
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
    assert.equal(await bytes.setMany(keys.map((key) => [key, text(key)])), true);
    const [from, to] = [cluster.nodes[0]!, cluster.nodes[1]!];
    // A slot with one of our keys on the first node.
    const [stored = ""] = (await from.command(["keys", "*:m:*"])) as readonly string[];
    const slot = String(await from.command(["cluster", "keyslot", stored]));
    const asked = stored.split(":").at(-1)!;
    const [fromId, toId] = [await idOf(from), await idOf(to)];
    await to.command(["cluster", "setslot", slot, "importing", fromId]);
    await from.command(["cluster", "setslot", slot, "migrating", toId]);
    const inSlot = (await from.command(["cluster", "getkeysinslot", slot, "100"])) as string[];
    for (const key of inSlot) {
      await from.command(["migrate", "127.0.0.1", String(to.port), key, "0", "2000"]);
    }
    const whileAsking = String(await bytes.get(asked));
    for (const node of [to, from, cluster.nodes[2]!]) {
      await node.command(["cluster", "setslot", slot, "node", toId]);
    }
    const found = await bytes.getMany(keys);
    const wrong = found.filter((value, i) => String(value) !== String(text(keys[i]!))).length;
    const rewritten = await bytes.set(asked, text("new"));
    reportFacts("R3 slot moved", { keys: keys.length, wrong, rewritten: String(rewritten) });
    assert.equal(whileAsking, String(text(asked)));
    assert.equal(wrong, 0);
    assert.equal(rewritten, true);
    assert.deepEqual(await bytes.get(asked), text("new"));
  });

  test(
    "R1 A Cluster node that freezes costs its keys' deadline, the others are served",
    LIMIT,
    async () => {
      await using one = await openCache(cluster);
      const bytes = one.cache.bytes({ name: "f", ttl: "5m" });
      const keys = Array.from({ length: 60 }, (_, i) => `k${i}`);
      await bytes.setMany(keys.map((key) => [key, text(key)]));
      const victim = cluster.nodes[2]!;
      victim.freeze();
      let slowest = 0;
      for (const key of keys.slice(0, 20)) {
        const start = systemClock.monotonic();
        const load = (): Uint8Array => text(key);
        assert.deepEqual(await bytes.getOrLoad(key, load), text(key));
        slowest = Math.max(slowest, Math.round(systemClock.monotonic() - start));
      }
      victim.thaw();
      const backMs = await timeUntil("all keys", async () => {
        return (await bytes.getMany(keys)).every((value) => value !== undefined);
      }, 20_000);
      reportFacts("R1 cluster node frozen", { slowest_ms: slowest, back_after_ms: backMs });
      assert.ok(slowest < 200, `slowest ${slowest}`);
    },
  );
}
