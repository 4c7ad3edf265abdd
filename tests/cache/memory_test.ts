import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { createDriver } from "../../cache/drivers/memory.ts";
import { CacheConfigSchema, type MemoryCacheConfig } from "../../gen/ts/cqc/config/v1/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { turn } from "../_until.ts";
import { openFixture } from "./_fixture.ts";

function openDriver(memory?: Partial<Pick<MemoryCacheConfig, "maxEntries" | "maxBytes">>) {
  const clock = fakeClock();
  const section = memory === undefined ? {} : { memory };
  return { clock, driver: createDriver(create(CacheConfigSchema, section), { clock }) };
}

const put = (driver: ReturnType<typeof createDriver>, key: string, length = 1): void =>
  void driver.set([{ key, value: new Uint8Array(length), ttlMs: undefined }]);

test("createDriver() keeps 100,000 values of 1 KB within a bound of 10 MB, newest first", async () => {
  const { driver } = openDriver({ maxEntries: 1_000_000n, maxBytes: 10_000_000n });
  for (let i = 0; i < 100_000; i++) put(driver, `key-${i}`, 1024);
  const { entries, bytes } = (await driver.check()).details ?? {};
  assert.ok(Number(bytes) <= 10_000_000, `${bytes} bytes`);
  assert.ok(Number(entries) > 7000 && Number(entries) < 9766, `${entries} entries`);
  const kept = Array.from({ length: 100_000 }, (_, i) => driver.get(`key-${i}`) !== undefined);
  assert.equal(kept.lastIndexOf(false), 99_999 - Number(entries));
  assert.equal(kept.indexOf(true), 100_000 - Number(entries));
});

test("createDriver() drops the least recently used entry first", () => {
  const { driver } = openDriver({ maxEntries: 3n });
  for (const key of ["a", "b", "c"]) put(driver, key);
  driver.get("a");
  put(driver, "d");
  const left = ["a", "b", "c", "d"].map((key) => driver.get(key) !== undefined);
  assert.deepEqual(left, [true, false, true, true]);
});

test("createDriver() keeps 10,000 entries unless told otherwise", async () => {
  const { driver } = openDriver();
  for (let i = 0; i < 10_010; i++) put(driver, `key-${i}`);
  assert.equal((await driver.check()).details?.entries, "10000");
});

test("createDriver() honours an explicit bound of one entry", () => {
  const { driver } = openDriver({ maxEntries: 1n });
  put(driver, "a");
  put(driver, "b");
  assert.equal(driver.get("a"), undefined);
  assert.ok(driver.get("b"));
});

test("createDriver() forgets the earlier value when the new one is larger than the bound", () => {
  const { driver } = openDriver({ maxBytes: 2000n });
  put(driver, "a", 10);
  put(driver, "b", 10);
  put(driver, "a", 5000);
  assert.equal(driver.get("a"), undefined);
  assert.equal(driver.get("b")?.length, 10);
});

test("createDriver() goes by the monotonic clock: a jump of wall time expires nothing", async () => {
  const { driver, clock } = openDriver();
  driver.set([{ key: "a", value: new Uint8Array(1), ttlMs: 1000 }]);
  clock.jump(3_600_000);
  assert.ok(driver.get("a"));
  clock.jump(-7_200_000);
  await clock.advance(1001);
  assert.equal(driver.get("a"), undefined);
});

test("createDriver() sets no timers", () => {
  const { driver, clock } = openDriver();
  driver.set([{ key: "a", value: new Uint8Array(1), ttlMs: 1000 }]);
  driver.get("a");
  assert.equal(clock.pending, 0);
});

test("createDriver() honours the longest time to live, 2^31 seconds", async () => {
  const { driver, clock } = openDriver();
  driver.set([{ key: "a", value: new Uint8Array(1), ttlMs: 2 ** 31 * 1000 }]);
  await clock.advance(2 ** 31 * 1000 - 1);
  assert.ok(driver.get("a"));
  await clock.advance(3);
  assert.equal(driver.get("a"), undefined);
});

test("createDriver() with a bound of 10 MB holds no more, whatever passes through it", async () => {
  const { driver } = openDriver({ maxEntries: 1_000_000n, maxBytes: 10_000_000n });
  const before = process.memoryUsage.rss();
  const values = 500_000;
  for (let i = 0; i < values; i++) {
    put(driver, `key-${i}`, 1024);
    if (i % 20_000 !== 0) continue;
    // Some collectors wait for the end of a turn, that of Bun for longer if much else lives.
    await turn();
    (globalThis as { Bun?: { gc(isNow: boolean): void } }).Bun?.gc(true);
  }
  const grownBytes = process.memoryUsage.rss() - before;
  // Half of what went through: the collector takes its time.
  assert.ok(grownBytes < values * 1024 / 2, `${grownBytes} bytes`);
});

test("set() of a value that is larger than all the room is false and counted, and drops the earlier one", async () => {
  await using fixture = await openFixture({ section: { memory: { maxBytes: 10_000n } } });
  const bytes = fixture.cache.bytes({ name: "b", ttl: "1m" });
  assert.equal(await bytes.set("k", new Uint8Array(10)), true);
  assert.equal(await bytes.set("k", new Uint8Array(20_000)), false);
  assert.equal(await bytes.get("k"), undefined);
  assert.equal(fixture.counts["b set too_large"], 1);
  const code = "CQI_OPTION_INVALID";
  await assert.rejects(bytes.setIfAbsent("k", new Uint8Array(20_000)), { code });
  assert.equal(await bytes.setMany([["k", new Uint8Array(9000)]]), true);
  assert.equal((await bytes.get("k"))?.length, 9000);
});

test("createDriver() says of what it could not keep that it was not stored", () => {
  const { driver } = openDriver({ maxBytes: 2000n });
  const entry = { key: "a", value: new Uint8Array(5000), ttlMs: undefined };
  assert.equal(driver.setIfAbsent(entry), false);
  assert.equal(driver.compareAndSet({ ...entry, expected: undefined }), false);
  assert.equal(driver.get("a"), undefined);
});
