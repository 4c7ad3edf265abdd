import assert from "node:assert/strict";
import { test } from "node:test";
import type { CacheDriver } from "../../cache/mod.ts";
import type { Clock } from "../../core/mod.ts";
import { gate, openFixture, remote } from "./_fixture.ts";

const one = new Uint8Array([1]);

/** A driver that knows leases, and how often one was renewed. */
function leasing(driver: CacheDriver, clock: Clock, counts: { renewals: number }): CacheDriver {
  const far = remote(driver, () => {});
  let until = -Infinity;
  const isHeld = (): boolean => clock.monotonic() < until;
  return {
    ...far,
    features: { ...far.features, lease: true },
    acquire({ ttlMs }) {
      if (isHeld()) return { state: "held" };
      until = clock.monotonic() + ttlMs;
      return { state: "acquired", token: "1" };
    },
    renew({ ttlMs }) {
      if (!isHeld()) return false;
      counts.renewals++;
      until = clock.monotonic() + ttlMs;
      return true;
    },
    async settle({ entry }) {
      if (!isHeld()) return false;
      until = -Infinity;
      await driver.set([entry]);
      return true;
    },
    release: () => void (until = -Infinity),
  };
}

test("A lease of 3 s is kept for a loader of 30 s, and what it loads is stored", async () => {
  const renewed = { renewals: 0 };
  await using fixture = await openFixture({
    wrap: (driver, clock) => leasing(driver, clock, renewed),
  });
  const { cache, clock, counts } = fixture;
  const bytes = cache.bytes({ name: "b", ttl: "5m", loadTimeout: "1m" });
  const load = gate<Uint8Array>();
  const found = bytes.getOrLoad("k", load.pass);
  for (let i = 0; i < 30; i++) await clock.advance(1000);
  load.open(one);
  assert.deepEqual(await found, one);
  await clock.advance(0);
  assert.deepEqual(await bytes.get("k"), one);
  assert.equal(counts["b set ok"], 1);
  assert.ok(renewed.renewals >= 29, `${renewed.renewals} renewals`);
});
