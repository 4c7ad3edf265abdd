import assert from "node:assert/strict";
import { test } from "node:test";
import { PositionSchema } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import type { Position } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { gate, openFixture, position, remote } from "./_fixture.ts";

const late = { wrap: (driver: Parameters<typeof remote>[0]) => remote(driver, () => {}) };

test("getOrLoad() calls the loader on a miss and not on a hit", async () => {
  await using fixture = await openFixture();
  const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
  const first = await positions.lookup("k", () => position("1"));
  const second = await positions.lookup("k", () => assert.fail("loaded"));
  assert.deepEqual([first.source, first.stale, first.value?.positionId], ["loader", false, "1"]);
  assert.deepEqual([second.source, second.stale, second.value?.positionId], ["cache", false, "1"]);
});

for (const [where, options] of Object.entries({ "in memory": {}, "of a remote driver": late })) {
  test(`getOrLoad() of 1,000 callers for a cold key ${where} loads once (R3)`, async () => {
    await using fixture = await openFixture(options);
    const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
    const load = gate<Position>();
    const all = Promise.all(
      Array.from({ length: 1000 }, () => positions.getOrLoad("k", load.pass)),
    );
    await fixture.clock.advance(0);
    load.open(position("1"));
    const found = await all;
    assert.equal(load.calls, 1);
    assert.equal(found.every((one) => one?.positionId === "1"), true);
    assert.equal(new Set(found).size, 1000);
  });

  test(`getOrLoad() of 1,000 callers ${where} loads once with a loader that answers at once (R3)`, async () => {
    await using fixture = await openFixture(options);
    const bytes = fixture.cache.bytes({ name: "b" });
    let calls = 0;
    const load = () => new Uint8Array([++calls]);
    const found = await Promise.all(
      Array.from({ length: 1000 }, () => bytes.getOrLoad("k", load)),
    );
    assert.equal(calls, 1);
    found[0]![0] = 9;
    assert.equal(found[1]![0], 1);
  });

  test(`getOrLoad() ${where} gives a loader's error to all, and keeps it not`, async () => {
    await using fixture = await openFixture(options);
    const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
    const error = new Error("no row");
    const load = gate<Position>();
    const all = Array.from({ length: 100 }, () => positions.getOrLoad("k", load.pass));
    await fixture.clock.advance(0);
    load.fail(error);
    for (const one of await Promise.allSettled(all)) {
      assert.equal(one.status === "rejected" && one.reason, error);
    }
    assert.equal(load.calls, 1);
    assert.equal((await positions.getOrLoad("k", () => position("1")))?.positionId, "1");
  });

  test(`getOrLoad() ${where} frees only the caller that aborts`, async () => {
    await using fixture = await openFixture(options);
    const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
    const load = gate<Position>();
    const controller = new AbortController();
    const reason = new Error("enough");
    const leaving = positions.getOrLoad("k", load.pass, { signal: controller.signal });
    const staying = positions.getOrLoad("k", load.pass, { signal: new AbortController().signal });
    await fixture.clock.advance(0);
    controller.abort(reason);
    await assert.rejects(leaving, reason);
    load.open(position("1"));
    assert.equal((await staying)?.positionId, "1");
    assert.equal(load.calls, 1);
  });

  test(`getOrLoad() ${where} ends the load when its last caller aborts, and loads anew later`, async () => {
    await using fixture = await openFixture(options);
    const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
    const controllers = [new AbortController(), new AbortController()];
    let inner: AbortSignal | undefined;
    const load = (signal: AbortSignal): Promise<Position> => {
      inner = signal;
      return new Promise(() => {});
    };
    const all = controllers.map(({ signal }) => positions.getOrLoad("k", load, { signal }));
    const settled = Promise.allSettled(all);
    await fixture.clock.advance(0);
    controllers[0]!.abort();
    await fixture.clock.advance(0);
    assert.equal(inner?.aborted, false);
    controllers[1]!.abort();
    await settled;
    await fixture.clock.advance(0);
    assert.equal(inner?.aborted, true);
    assert.equal((await positions.getOrLoad("k", () => position("2")))?.positionId, "2");
    await fixture.clock.advance(100);
    assert.equal(fixture.clock.pending, 0);
  });
}

test("getOrLoad() with a signal that has aborted calls nothing", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  const reason = new Error("enough");
  const options = { signal: AbortSignal.abort(reason) };
  await assert.rejects(bytes.getOrLoad("k", () => assert.fail("loaded"), options), reason);
  await assert.rejects(bytes.get("k", options), reason);
  await assert.rejects(bytes.set("k", new Uint8Array(1), options), reason);
  await assert.rejects(bytes.delete("k", options), reason);
  assert.equal(await bytes.exists("k"), false);
});

test("getOrLoad() passes on what a loader throws at once", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  const error = new RangeError("at once");
  await assert.rejects(
    bytes.getOrLoad("k", () => {
      throw error;
    }),
    error,
  );
});

test("getOrLoad() refuses a loader's value of another type", async () => {
  await using fixture = await openFixture();
  const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
  const wrong = { $typeName: "cqc.markets.v1.Price" } as unknown as Position;
  await assert.rejects(positions.getOrLoad("k", () => wrong), { code: "CQI_CONTRACT_INVALID" });
});

test("getOrLoad() remembers absence for the negative ttl, and a write ends it", async () => {
  await using fixture = await openFixture();
  const { cache, clock } = fixture;
  const positions = cache.keyspace(PositionSchema, { name: "p", negativeTtl: "10s" });
  let calls = 0;
  const absent = (): undefined => void calls++;
  assert.equal(await positions.getOrLoad("k", absent), undefined);
  await clock.advance(9000);
  assert.deepEqual(await positions.lookup("k", absent), {
    value: undefined,
    source: "cache",
    stale: false,
  });
  assert.equal(await positions.exists("k"), false);
  assert.equal(calls, 1);
  await clock.advance(1001);
  await positions.getOrLoad("k", absent);
  assert.equal(calls, 2);
  await positions.set("k", position("1"));
  assert.equal((await positions.getOrLoad("k", absent))?.positionId, "1");
});

test("getOrLoad() asks again for what is absent unless told to remember it", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  let calls = 0;
  const absent = (): undefined => void calls++;
  await bytes.getOrLoad("k", absent);
  await bytes.getOrLoad("k", absent);
  assert.equal(calls, 2);
});

test("getOrLoad() keeps a value for as long as the value says", async () => {
  await using fixture = await openFixture();
  const { cache, clock } = fixture;
  const bytes = cache.bytes({ name: "token", ttl: "1h" });
  const load = () => new Uint8Array([42]);
  await bytes.getOrLoad("k", load, { ttl: (token) => token[0]! * 1000 });
  await clock.advance(41_999);
  assert.equal(await bytes.exists("k"), true);
  await clock.advance(2);
  assert.equal(await bytes.exists("k"), false);
});

test("getOrLoad() keeps a value not at all when its ttl is undefined, and refuses 0 (R4)", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "token" });
  const load = () => new Uint8Array([42]);
  assert.ok(await bytes.getOrLoad("k", load, { ttl: () => undefined }));
  assert.equal(await bytes.exists("k"), false);
  await assert.rejects(bytes.getOrLoad("k", load, { ttl: () => 0 }), {
    code: "CQI_CACHE_TTL_INVALID",
  });
});

test("getOrLoad() gives up on a loader after its time with CQI_CACHE_LOAD_TIMEOUT", async () => {
  await using fixture = await openFixture({ section: { loadTimeout: { seconds: 2n } } });
  const bytes = fixture.cache.bytes({ name: "b" });
  let inner: AbortSignal | undefined;
  const failed = assert.rejects(
    bytes.getOrLoad("k", (signal) => {
      inner = signal;
      return new Promise<Uint8Array>(() => {});
    }),
    { code: "CQI_CACHE_LOAD_TIMEOUT", retryable: true },
  );
  await fixture.clock.advance(2000);
  await failed;
  assert.equal(inner?.aborted, true);
  assert.equal(fixture.counts["b load timeout"], 1);
});

for (
  const [what, write] of Object.entries(
    {
      "delete()": (p) => p.delete("k"),
      "deleteMany()": (p) => p.deleteMany(["k"]),
      "clear()": (p) => p.clear(),
    } satisfies Record<string, (p: import("../../cache/mod.ts").BytesKeyspace) => Promise<unknown>>,
  )
) {
  test(`${what} keeps a load that began earlier from bringing the old value back`, async () => {
    await using fixture = await openFixture();
    const bytes = fixture.cache.bytes({ name: "b" });
    const load = gate<Uint8Array>();
    const loading = bytes.getOrLoad("k", load.pass);
    await fixture.clock.advance(0);
    await write(bytes);
    const fresh = await bytes.getOrLoad("k", () => new Uint8Array([2]));
    load.open(new Uint8Array([1]));
    assert.deepEqual(await loading, new Uint8Array([1]));
    assert.deepEqual(fresh, new Uint8Array([2]));
    assert.deepEqual(await bytes.get("k"), new Uint8Array([2]));
  });
}

test("set() is not overwritten by a load that began earlier", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  const load = gate<Uint8Array>();
  const loading = bytes.getOrLoad("k", load.pass);
  await fixture.clock.advance(0);
  await bytes.set("k", new Uint8Array([2]));
  load.open(new Uint8Array([1]));
  await loading;
  await fixture.clock.advance(0);
  assert.deepEqual(await bytes.get("k"), new Uint8Array([2]));
});

test("close() ends running loads with CQI_CLOSED and leaves no timer", async () => {
  const fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  const failed = assert.rejects(
    bytes.getOrLoad("k", () => new Promise<Uint8Array>(() => {})),
    { code: "CQI_CLOSED" },
  );
  await fixture.clock.advance(0);
  await fixture.cache.close();
  await failed;
  await fixture.clock.advance(0);
  assert.equal(fixture.clock.pending, 0);
});
