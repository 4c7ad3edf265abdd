import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyspaceOptions } from "../../cache/mod.ts";
import { type Position, PositionSchema } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { gate, openFixture, position } from "./_fixture.ts";

async function withStale(options: Partial<KeyspaceOptions>, ageMs: number) {
  const fixture = await openFixture();
  const positions = fixture.cache.keyspace(PositionSchema, { name: "p", ttl: "10s", ...options });
  await positions.set("k", position("old"));
  await fixture.clock.advance(10_000 + ageMs);
  return { ...fixture, positions };
}

const failing = (): Promise<never> => Promise.reject(new Error("database down"));

test("staleWhileRevalidate serves the old value at once and loads once behind it", async () => {
  const { positions, clock, cache } = await withStale({ staleWhileRevalidate: "5s" }, 1000);
  const load = gate<Position>();
  const all = await Promise.all(
    Array.from({ length: 100 }, () => positions.lookup("k", load.pass)),
  );
  assert.equal(all.every(({ value, stale }) => value?.positionId === "old" && stale), true);
  assert.equal(load.calls, 1);
  load.open(position("new"));
  await clock.advance(0);
  const after = await positions.lookup("k", failing);
  assert.deepEqual([after.value?.positionId, after.stale], ["new", false]);
  await cache.close();
});

test("staleWhileRevalidate is over after its time: then callers wait", async () => {
  const { positions, cache } = await withStale({ staleWhileRevalidate: "5s" }, 5001);
  const found = await positions.lookup("k", () => position("new"));
  assert.deepEqual([found.value?.positionId, found.stale], ["new", false]);
  await cache.close();
});

test("staleWhileRevalidate leaves a loader alone for the back-off after it failed", async () => {
  const { positions, clock, cache } = await withStale(
    { staleWhileRevalidate: "1h", staleBackoff: "3s" },
    1,
  );
  let calls = 0;
  const load = () => (calls++, failing());
  for (let i = 0; i < 10; i++) {
    assert.equal((await positions.getOrLoad("k", load))?.positionId, "old");
    await clock.advance(1000);
  }
  assert.equal(calls, 4);
  await cache.close();
});

test("staleIfError serves the old value, flagged, when the loader fails", async () => {
  const { positions, counts, cache } = await withStale({ staleIfError: "1h" }, 60_000);
  const found = await positions.lookup("k", failing);
  assert.deepEqual([found.value?.positionId, found.stale, found.source], ["old", true, "cache"]);
  assert.equal(counts["p load error"], 1);
  assert.equal(counts["p get stale"], 1);
  await cache.close();
});

test("staleIfError asks the loader at most once for each back-off", async () => {
  const { positions, clock, cache } = await withStale({ staleIfError: "1h" }, 1);
  let calls = 0;
  for (let i = 0; i < 100; i++) {
    await positions.getOrLoad("k", () => (calls++, failing()));
    await clock.advance(100);
  }
  assert.equal(calls, 10);
  await cache.close();
});

test("staleIfError prefers the new value when the loader works", async () => {
  const { positions, cache } = await withStale({ staleIfError: "1h" }, 1);
  const found = await positions.lookup("k", () => position("new"));
  assert.deepEqual([found.value?.positionId, found.stale, found.source], ["new", false, "loader"]);
  await cache.close();
});

test("staleIfError is over after its time: then the error reaches the caller", async () => {
  const { positions, cache } = await withStale({ staleIfError: "1m" }, 60_001);
  await assert.rejects(positions.getOrLoad("k", failing), /database down/);
  await cache.close();
});

test("staleIfError serves the old value when the loader takes too long", async () => {
  const { positions, clock, cache } = await withStale(
    { staleIfError: "1h", loadTimeout: "2s" },
    1,
  );
  const found = positions.lookup("k", () => new Promise<Position>(() => {}));
  await clock.advance(2000);
  assert.deepEqual((await found).value?.positionId, "old");
  await cache.close();
});

test("softTimeout serves the old value soon and the new one later", async () => {
  const { positions, clock, cache } = await withStale(
    { staleIfError: "1h", softTimeout: "100ms" },
    1,
  );
  const load = gate<Position>();
  const first = positions.lookup("k", load.pass);
  await clock.advance(100);
  assert.deepEqual([(await first).value?.positionId, (await first).stale], ["old", true]);
  assert.equal((await positions.lookup("k", load.pass)).stale, true);
  load.open(position("new"));
  await clock.advance(1900);
  assert.equal((await positions.lookup("k", failing)).value?.positionId, "new");
  assert.equal(load.calls, 1);
  await cache.close();
});

test("softTimeout without an old value waits for the hard one", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.keyspace(PositionSchema, {
    name: "p",
    staleIfError: "1h",
    softTimeout: "100ms",
    loadTimeout: "2s",
  });
  const failed = assert.rejects(
    bytes.getOrLoad("k", () => new Promise<Position>(() => {})),
    { code: "CQI_CACHE_LOAD_TIMEOUT" },
  );
  await fixture.clock.advance(2000);
  await failed;
});

test("softTimeout is refused where no old value can be served", async () => {
  await using fixture = await openFixture();
  assert.throws(
    () => fixture.cache.keyspace(PositionSchema, { name: "p", softTimeout: "1s" }),
    { code: "CQI_OPTION_INVALID" },
  );
});

test("get(), getMany() and exists() take a value past its time for none", async () => {
  const { positions, cache } = await withStale({ staleIfError: "1h" }, 1);
  assert.equal(await positions.get("k"), undefined);
  assert.deepEqual(await positions.getMany(["k"]), [undefined]);
  assert.equal(await positions.exists("k"), false);
  await cache.close();
});

test("A refresh goes on when the caller that began it aborts", async () => {
  const { positions, clock, cache } = await withStale({ staleWhileRevalidate: "1h" }, 1);
  const controller = new AbortController();
  const load = gate<Position>();
  await positions.getOrLoad("k", load.pass, { signal: controller.signal });
  controller.abort();
  load.open(position("new"));
  await clock.advance(0);
  assert.equal((await positions.get("k"))?.positionId, "new");
  await cache.close();
});

test("Refreshes behind old values are at most 64 at a time", async () => {
  await using fixture = await openFixture();
  const { cache, clock } = fixture;
  const positions = cache.keyspace(PositionSchema, {
    name: "p",
    ttl: "10s",
    staleWhileRevalidate: "1h",
  });
  const keys = Array.from({ length: 200 }, (_, i) => String(i));
  await positions.setMany(keys.map((key) => [key, position(key)] as const));
  await clock.advance(10_001);
  const load = gate<Position>();
  const found = await Promise.all(keys.map((key) => positions.lookup(key, load.pass)));
  assert.equal(found.every(({ value, stale }) => value !== undefined && stale), true);
  assert.equal(load.calls, 64);
  load.open(position("new"));
  await clock.advance(0);
  await positions.getOrLoad("100", load.pass);
  assert.equal(load.calls, 65);
});

test("A refresh goes on when its caller aborts while it gets its answer", async () => {
  const { positions, clock, cache } = await withStale({ staleWhileRevalidate: "1h" }, 1);
  const controller = new AbortController();
  const load = gate<Position>();
  const found = positions.getOrLoad("k", load.pass, { signal: controller.signal });
  controller.abort();
  await found.catch(() => {});
  load.open(position("new"));
  await clock.advance(0);
  assert.equal((await positions.get("k"))?.positionId, "new");
  await cache.close();
});

test("A load that its callers have left does not count as one that failed", async () => {
  const { positions, clock, cache } = await withStale({ staleIfError: "1h" }, 1);
  const controller = new AbortController();
  const load = gate<Position>();
  const failed = assert.rejects(
    positions.getOrLoad("k", load.pass, { signal: controller.signal }),
  );
  await clock.advance(0);
  controller.abort();
  await failed;
  await clock.advance(0);
  assert.equal((await positions.getOrLoad("k", () => position("new")))?.positionId, "new");
  await cache.close();
});

test("A value kept by a keyspace with a longer grace is past it for one with a shorter", async () => {
  const { cache, positions } = await withStale({ staleIfError: "1h" }, 1000);
  const strict = cache.keyspace(PositionSchema, { name: "p", ttl: "10s" });
  await assert.rejects(strict.getOrLoad("k", failing), /database down/);
  assert.equal((await positions.getOrLoad("k", failing))?.positionId, "old");
  await cache.close();
});

const superseded = [
  ["says that there is none any more", () => undefined, undefined],
  ["gives one that is not to be kept", () => position("new"), () => undefined],
] as const;
for (const [name, load, ttl] of superseded) {
  test(`A value past its time is not served again once its loader ${name}`, async () => {
    const { positions, clock, cache } = await withStale({ staleWhileRevalidate: "1h" }, 1);
    const ask = () => positions.lookup("k", load, ttl && { ttl });
    assert.equal((await ask()).value?.positionId, "old");
    await clock.advance(0);
    const { value, stale } = await ask();
    assert.deepEqual([value?.positionId, stale], [load()?.positionId, false]);
    await clock.advance(0);
    await assert.rejects(positions.lookup("k", failing), /database down/);
    await cache.close();
  });
}
