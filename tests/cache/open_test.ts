import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "../../cache/mod.ts";
import { openFixture, position, remote } from "./_fixture.ts";
import { PositionSchema } from "../../gen/ts/cqc/portfolio/v1/mod.ts";

const memory = () => import("../../cache/drivers/memory.ts");

test("open() with an empty section opens the driver memory", async () => {
  await using cache = await open({}, { drivers: { memory } });
  assert.equal(cache.driver, "memory");
  assert.equal((await cache.check()).status, "ok");
});

test("open() says which drivers are known when the name is not", async () => {
  await assert.rejects(open({ driver: "redsi" }, { drivers: { memory } }), {
    code: "CQI_CACHE_DRIVER_UNKNOWN",
    message: "Cannot open cache: driver 'redsi' is not known, known drivers are 'memory'",
  });
});

test("open() refuses a section that breaks its rules, with all violations", async () => {
  const section = { driver: "NO", ttlJitter: 2, memory: { maxEntries: 0n } };
  await assert.rejects(open(section, { drivers: { memory } }), (error: unknown) => {
    const { code, details } = error as { code: string; details: { violations: unknown[] } };
    assert.equal(code, "CQI_CONTRACT_INVALID");
    assert.equal(details.violations.length, 3);
    return true;
  });
});

test("open() honours a jitter of zero that is written out", async () => {
  const random = { bytes: (n: number) => new Uint8Array(n), next: () => assert.fail("drawn") };
  await using cache = await open({ ttlJitter: 0 }, { drivers: { memory }, random });
  assert.equal(await cache.bytes({ name: "b" }).set("k", new Uint8Array(1)), true);
});

test("open() gives a driver of the user's own its section", async () => {
  let given: unknown;
  const { createDriver } = await memory();
  const own = {
    createDriver: (...args: Parameters<typeof createDriver>) => {
      given = args[0].options;
      return createDriver(...args);
    },
  };
  const section = { driver: "own", options: { region: "eu" } };
  await using cache = await open(section, { drivers: { own: () => own } });
  assert.equal(cache.driver, "memory");
  assert.deepEqual(given, { region: "eu" });
});

test("close() may be called twice, and everything after it is refused with CQI_CLOSED", async () => {
  const { cache } = await openFixture();
  const positions = cache.keyspace(PositionSchema, { name: "p" });
  const bytes = cache.bytes({ name: "b" });
  await Promise.all([cache.close(), cache.close()]);
  await cache[Symbol.asyncDispose]();
  const closed = { code: "CQI_CLOSED" };
  await assert.rejects(positions.get("k"), closed);
  await assert.rejects(positions.getMany([]), closed);
  await assert.rejects(positions.exists("k"), closed);
  await assert.rejects(positions.set("k", position("1")), closed);
  await assert.rejects(positions.delete("k"), closed);
  await assert.rejects(positions.deleteMany([]), closed);
  await assert.rejects(positions.clear(), closed);
  await assert.rejects(positions.getOrLoad("k", () => position("1")), closed);
  await assert.rejects(bytes.setIfAbsent("k", new Uint8Array()), closed);
  await assert.rejects(cache.counters({ name: "c", ttl: "1m" }).increment("k"), closed);
});

test("check() of a closed cache says down", async () => {
  const { cache } = await openFixture();
  await cache.close();
  assert.equal((await cache.check()).status, "down");
});

test("check() of a driver that hangs says down after the operation timeout", async () => {
  await using fixture = await openFixture({
    wrap: (driver) => remote(driver, () => new Promise(() => {})),
  });
  const report = fixture.cache.check();
  await fixture.clock.advance(250);
  assert.equal((await report).status, "down");
});

test("check() rejects with the caller's own abort reason", async () => {
  await using fixture = await openFixture();
  const reason = new Error("enough");
  await assert.rejects(fixture.cache.check({ signal: AbortSignal.abort(reason) }), reason);
});
