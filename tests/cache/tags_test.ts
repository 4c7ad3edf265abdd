import assert from "node:assert/strict";
import { test } from "node:test";
import type { CacheDriver } from "../../cache/mod.ts";
import { PositionSchema } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { gate, openFixture } from "./_fixture.ts";

const DAY_MS = 86_400_000;
const one = new Uint8Array([1]);
const two = new Uint8Array([2]);

test("A tag outlives the values that name it, also those of a call's own ttl", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b", ttl: "1m" });
  await bytes.set("short", one, { tags: ["t"] });
  await fixture.clock.advance(DAY_MS / 2);
  await bytes.set("long", one, { tags: ["t"], ttl: "30d" });
  await bytes.getOrLoad("by value", () => one, { tags: ["t"], ttl: () => "40d" });
  await bytes.getOrLoad("both by value", () => one, { tags: () => ["t"], ttl: () => "50d" });
  await bytes.set("ever", one, { tags: ["u"], ttl: "none" });
  await fixture.clock.advance(29 * DAY_MS);
  assert.deepEqual(await bytes.get("long"), one);
  await fixture.clock.advance(10 * DAY_MS);
  assert.deepEqual(await bytes.get("by value"), one);
  await fixture.clock.advance(10 * DAY_MS);
  assert.deepEqual(await bytes.get("both by value"), one);
  await fixture.clock.advance(1000 * DAY_MS);
  assert.deepEqual(await bytes.get("ever"), one);
});

test("A tag in use all the time lives on, and values it is taken from do not come back", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b", ttl: "20h" });
  await bytes.set("old", one, { tags: ["t"], ttl: "none" });
  for (let i = 0; i < 20; i++) {
    await bytes.set("k", one, { tags: ["t"] });
    await fixture.clock.advance(DAY_MS / 2);
    assert.deepEqual(await bytes.get("k"), one);
  }
  await bytes.invalidateTags(["t"]);
  await bytes.set("k", two, { tags: ["t"] });
  assert.equal(await bytes.get("old"), undefined);
  assert.deepEqual(await bytes.get("k"), two);
});

test("A tag is written once, not with each value that names it", async () => {
  let writes = 0;
  const counted = (driver: CacheDriver): CacheDriver => ({
    ...driver,
    compareAndSet: (swap, options) => (writes++, driver.compareAndSet(swap, options)),
  });
  await using fixture = await openFixture({ wrap: counted });
  const bytes = fixture.cache.bytes({ name: "b", ttl: "5m" });
  for (let i = 0; i < 100; i++) {
    await bytes.set(String(i), one, { tags: ["t"] });
    await fixture.clock.advance(60_000);
  }
  assert.equal(writes, 1);
});

test("set() with tags wins over a load that begins while its tags are read", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  const set = bytes.set("k", two, { tags: ["t"] });
  let give = (_: Uint8Array): void => {};
  // Reads the old row, and takes longer than the write.
  const load = bytes.getOrLoad("k", () => new Promise((resolve) => give = resolve));
  assert.equal(await set, true);
  give(one);
  await load;
  await fixture.clock.advance(0);
  assert.deepEqual(await bytes.get("k"), two);
});

test("A message with tags that has been read before is held against its tags each time", async () => {
  await using fixture = await openFixture();
  const positions = fixture.cache.keyspace(PositionSchema, { name: "p", ttl: "1m" });
  await positions.set("k", { quantity: "1" }, { tags: ["t"] });
  for (let i = 0; i < 3; i++) assert.equal((await positions.get("k"))?.quantity, "1");
  await positions.invalidateTags(["t"]);
  assert.equal(await positions.get("k"), undefined);
});

const sources = [
  ["named at the call", ["t"]],
  ["told by the value", () => ["t"]],
] as const;
for (const [name, tags] of sources) {
  test(`invalidateTags() sends newcomers to a load of their own, not to one that began before (tags ${name})`, async () => {
    await using fixture = await openFixture();
    const bytes = fixture.cache.bytes({ name: "b" });
    const before = gate<Uint8Array>();
    const early = bytes.getOrLoad("k", before.pass, { tags });
    await fixture.clock.advance(0);
    await bytes.invalidateTags(["t"]);
    const late = bytes.getOrLoad("k", () => two, { tags });
    await fixture.clock.advance(0);
    before.open(one);
    assert.deepEqual(await late, two);
    assert.deepEqual(await early, one);
    await fixture.clock.advance(0);
    assert.deepEqual(await bytes.get("k"), two);
  });
}

test("invalidateTags() leaves loads without the tag to be joined", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  const running = gate<Uint8Array>();
  const all = [bytes.getOrLoad("k", running.pass, { tags: ["u"] })];
  await fixture.clock.advance(0);
  await bytes.invalidateTags(["t"]);
  all.push(bytes.getOrLoad("k", running.pass, { tags: ["u"] }));
  running.open(one);
  assert.deepEqual(await Promise.all(all), [one, one]);
  assert.equal(running.calls, 1);
});

test("invalidateTags() keeps newcomers from a value past its time whose tag it is", async () => {
  await using fixture = await openFixture();
  const options = { name: "p", ttl: "1m", staleWhileRevalidate: "1h" } as const;
  const positions = fixture.cache.keyspace(PositionSchema, options);
  await positions.set("k", { quantity: "1" }, { tags: ["t"] });
  await fixture.clock.advance(120_000);
  const slow = gate<{ quantity: string }>();
  assert.equal((await positions.getOrLoad("k", slow.pass))?.quantity, "1");
  await positions.invalidateTags(["t"]);
  const late = await positions.getOrLoad("k", () => ({ quantity: "2" }));
  slow.open({ quantity: "1" });
  assert.equal(late?.quantity, "2");
});
