import assert from "node:assert/strict";
import { test } from "node:test";
import { Near } from "../../cache/_near.ts";
import type { CacheDriver } from "../../cache/mod.ts";
import { type Position, PositionSchema } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { gate, openFixture, position, remote } from "./_fixture.ts";

const one = new Uint8Array([1]);

/** A backend with leases that anybody gets; its deletions wait for a gate once they are done. */
function slowToDelete(held: { deletion: Promise<void> | undefined }) {
  return (inner: CacheDriver): CacheDriver => {
    const far = remote(inner, () => {});
    return {
      ...far,
      features: { ...far.features, lease: true },
      acquire: () => Promise.resolve({ state: "acquired", token: "1" }),
      renew: () => Promise.resolve(true),
      release: () => Promise.resolve(),
      settle: () => Promise.resolve(true),
      delete: async (keys) => {
        await held.deletion;
        return await far.delete(keys);
      },
      clear: async (prefix) => {
        await held.deletion;
        return await far.clear(prefix);
      },
    };
  };
}

async function withStale() {
  const held: { deletion: Promise<void> | undefined } = { deletion: undefined };
  const fixture = await openFixture({ wrap: slowToDelete(held) });
  const positions = fixture.cache.keyspace(PositionSchema, {
    name: "p",
    ttl: "10s",
    staleWhileRevalidate: "1m",
  });
  await positions.set("k", position("old"));
  await fixture.clock.advance(11_000);
  return { ...fixture, positions, held };
}

for (const how of ["delete", "clear"] as const) {
  test(`${how}() leaves no load that was begun by a read before it to newcomers`, async () => {
    const { cache, clock, positions, held } = await withStale();
    const deletion = gate<void>();
    held.deletion = deletion.pass();
    const gone = how === "delete" ? positions.delete("k") : positions.clear();
    const load = gate<Position>();
    // Read before it is deleted: a flight that serves the old value begins behind the deletion.
    assert.equal((await positions.lookup("k", load.pass)).stale, true);
    deletion.open();
    await gone;
    const found = await positions.lookup("k", () => position("new"));
    assert.deepEqual([found.value?.positionId, found.stale], ["new", false]);
    load.open(position("old"));
    await clock.advance(0);
    await cache.close();
  });
}

test("deleteMany() of more than one step leaves nothing near of what was read meanwhile", async () => {
  const held: { deletion: Promise<void> | undefined } = { deletion: undefined };
  await using fixture = await openFixture({ wrap: slowToDelete(held) });
  const bytes = fixture.cache.bytes({ name: "b", near: "1m" });
  const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`);
  await bytes.setMany(keys.map((key) => [key, one]));
  const deletion = gate<void>();
  held.deletion = deletion.pass();
  const gone = bytes.deleteMany(keys);
  assert.deepEqual(await bytes.get("k999"), one);
  deletion.open();
  assert.equal(await gone, 1000);
  assert.equal(await bytes.get("k999"), undefined);
});

test("getMany() that is aborted leaves no read open in the near tier", async (t) => {
  await using fixture = await openFixture({ wrap: (driver) => remote(driver, () => {}) });
  const bytes = fixture.cache.bytes({ name: "b", near: "1m" });
  const open = new Set<string>();
  const { begin, end } = Near.prototype;
  t.mock.method(Near.prototype, "begin", function (this: Near, key: string) {
    open.add(key);
    return begin.call(this, key);
  });
  t.mock.method(Near.prototype, "end", function (this: Near, ...args: Parameters<Near["end"]>) {
    open.delete(args[0].key);
    return end.apply(this, args);
  });
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(bytes.getMany(["a", "b", "c"], { signal }), /enough/);
  assert.deepEqual([...open], []);
});
