import assert from "node:assert/strict";
import { test } from "node:test";
import type { CacheDriver } from "../../cache/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { PositionSchema } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { openFixture, position, remote } from "./_fixture.ts";

/** A cache whose backend works, refuses or hangs. */
async function openRemote(seconds?: number) {
  const state = { mode: "up" as "up" | "refuse" | "hang", calls: 0 };
  const fault = (): Promise<void> => {
    state.calls++;
    if (state.mode === "refuse") return Promise.reject(new Error("ECONNREFUSED"));
    return state.mode === "hang" ? new Promise(() => {}) : Promise.resolve();
  };
  const section = seconds && { operationTimeout: { seconds: BigInt(seconds), nanos: 0 } };
  const fixture = await openFixture({
    wrap: (driver) => remote(driver, fault),
    ...section && { section },
  });
  return { ...fixture, state, bytes: fixture.cache.bytes({ name: "b" }) };
}

const one = new Uint8Array([1]);

test("get(), getMany() and exists() miss while the backend refuses (R1)", async () => {
  const { cache, bytes, state, counts } = await openRemote();
  await bytes.set("k", one);
  state.mode = "refuse";
  assert.equal(await bytes.get("k"), undefined);
  assert.deepEqual(await bytes.getMany(["k", "l"]), [undefined, undefined]);
  assert.equal(await bytes.exists("k"), false);
  assert.equal(counts["b get error"], 3);
  assert.equal(counts["b exists error"], 1);
  await cache.close();
});

test("getOrLoad() loads while the backend refuses (R1)", async () => {
  const { cache, bytes, state } = await openRemote();
  state.mode = "refuse";
  assert.deepEqual(await bytes.getOrLoad("k", () => one), one);
  await cache.close();
});

test("getOrLoad() of a backend that hangs waits no longer than the deadline (R1)", async () => {
  const { cache, bytes, state, clock } = await openRemote();
  state.mode = "hang";
  const found = bytes.getOrLoad("k", () => one);
  await clock.advance(250);
  assert.deepEqual(await found, one);
  await cache.close();
});

test("get() of a backend that hangs misses after the operation timeout (R4)", async () => {
  const { cache, bytes, state, clock } = await openRemote();
  state.mode = "hang";
  const found = bytes.get("k");
  await clock.advance(250);
  assert.equal(await found, undefined);
  assert.equal(clock.pending, 0);
  await cache.close();
});

test("set() says false, and delete() and clear() throw, while the backend refuses", async () => {
  const { cache, bytes, state, counts } = await openRemote();
  state.mode = "refuse";
  assert.equal(await bytes.set("k", one), false);
  const unavailable = { code: "CQI_CACHE_UNAVAILABLE", retryable: true };
  await assert.rejects(bytes.delete("k"), unavailable);
  await assert.rejects(bytes.clear(), unavailable);
  await assert.rejects(bytes.setIfAbsent("k", one), unavailable);
  assert.equal(counts["b set error"], 1);
  assert.equal(counts["b delete error"], 1);
  await cache.close();
});

test("The breaker leaves a failing backend alone, so that calls cost nothing (R1)", async () => {
  const { cache, bytes, state } = await openRemote();
  state.mode = "refuse";
  for (let i = 0; i < 100; i++) await bytes.get("k");
  assert.equal(state.calls, 5);
  assert.equal((await cache.check()).details?.breaker, "open");
  await cache.close();
});

test("The breaker lets one call through after a second, and closes when it works (R1)", async () => {
  const { cache, bytes, state, clock } = await openRemote();
  await bytes.set("k", one);
  state.mode = "refuse";
  for (let i = 0; i < 10; i++) await bytes.get("k");
  state.calls = 0;
  await clock.advance(1000);
  await Promise.all(Array.from({ length: 10 }, () => bytes.get("k")));
  assert.equal(state.calls, 1);
  await clock.advance(999);
  state.mode = "up";
  assert.equal(await bytes.get("k"), undefined);
  await clock.advance(1);
  assert.deepEqual(await bytes.get("k"), one);
  assert.deepEqual(await bytes.get("k"), one);
  await cache.close();
});

test("A caller that aborts says nothing of the backend, also while it probes", async () => {
  const { cache, bytes, state, clock } = await openRemote();
  await bytes.set("k", one);
  state.mode = "refuse";
  for (let i = 0; i < 5; i++) await bytes.get("k");
  await clock.advance(1000);
  state.mode = "hang";
  const controller = new AbortController();
  const probe = bytes.get("k", { signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(probe, reason);
  state.mode = "up";
  assert.deepEqual(await bytes.get("k"), one);
  await cache.close();
});

test("A request that the backend refuses for its content does not open the breaker", async () => {
  const broken = (driver: CacheDriver): CacheDriver =>
    remote(driver, () => Promise.reject(new CqiError("CQI_CONFLICT", "Cannot do that")));
  await using fixture = await openFixture({ wrap: broken });
  const counters = fixture.cache.counters({ name: "c", ttl: "1m" });
  for (let i = 0; i < 10; i++) {
    await assert.rejects(counters.increment("k"), { code: "CQI_CONFLICT" });
  }
  assert.equal(fixture.counts["c increment error"], 10);
});

test("A memory driver that throws is a miss too", async () => {
  const broken = (driver: CacheDriver): CacheDriver => ({
    ...driver,
    get: () => {
      throw new Error("broken");
    },
  });
  await using fixture = await openFixture({ wrap: broken });
  const bytes = fixture.cache.bytes({ name: "b" });
  assert.equal(await bytes.get("k"), undefined);
  assert.deepEqual(await bytes.getOrLoad("k", () => one), one);
});

test("A late answer of a backend reaches no other call (R4)", async () => {
  const answers: ((value: Uint8Array) => void)[] = [];
  await using fixture = await openFixture({
    wrap: (driver) => ({
      ...remote(driver, () => {}),
      get: () => new Promise((resolve) => answers.push(resolve)),
    }),
  });
  const { cache, clock, driver } = fixture;
  const bytes = cache.bytes({ name: "b" });
  await bytes.set("a", one);
  const first = bytes.get("a");
  await clock.advance(250);
  assert.equal(await first, undefined);
  const second = bytes.get("b");
  answers[0]!(new Uint8Array([9]));
  await clock.advance(250);
  assert.equal(await second, undefined);
  assert.equal(driver.name, "remote");
});

test("staleIfError loads first while the backend is lost, and then keeps what it loaded", async () => {
  const { cache, state, clock } = await openRemote();
  const positions = cache.keyspace(PositionSchema, { name: "p", ttl: "1m", staleIfError: "1h" });
  await positions.set("k", position("old"));
  await positions.get("k");
  state.mode = "refuse";
  const found = await positions.lookup("k", () => position("new"));
  assert.deepEqual([found.value?.positionId, found.stale, found.source], ["new", false, "loader"]);
  const failing = () => Promise.reject(new Error("database down"));
  const stale = await positions.lookup("k", failing);
  assert.deepEqual([stale.value?.positionId, stale.stale], ["new", true]);
  await clock.advance(1000);
  await cache.close();
});

test("staleWhileRevalidate brings new values into the near tier while the backend is lost", async () => {
  const { cache, state, clock } = await openRemote();
  const options = { name: "p", ttl: "1m", staleWhileRevalidate: "1h", near: "1s" } as const;
  const positions = cache.keyspace(PositionSchema, options);
  await positions.set("k", position("old"));
  await positions.get("k");
  await clock.advance(2000);
  state.mode = "refuse";
  const stale = await positions.lookup("k", () => position("new"));
  assert.deepEqual([stale.value?.positionId, stale.stale], ["old", true]);
  await clock.advance(0);
  const found = await positions.lookup("k", () => assert.fail("loaded"));
  assert.deepEqual([found.value?.positionId, found.stale], ["new", false]);
  await cache.close();
});

/** A cache whose backend never answers, and the signals that its driver has got. */
async function openSilent() {
  const signals: (AbortSignal | undefined)[] = [];
  const fixture = await openFixture({
    wrap: (driver) => ({
      ...remote(driver, () => {}),
      get: (_key, options) => (signals.push(options?.signal), new Promise(() => {})),
    }),
  });
  return { ...fixture, signals, bytes: fixture.cache.bytes({ name: "b", lease: "none" }) };
}

test("A driver's call is aborted at its deadline", async () => {
  const { cache, bytes, signals, clock } = await openSilent();
  const all = Promise.all([bytes.get("a"), bytes.get("b"), bytes.exists("c")]);
  await clock.advance(250);
  await all;
  assert.deepEqual(signals.map((signal) => signal?.aborted), [true, true, true]);
  await cache.close();
});

test("A driver's call is aborted when its caller is, with that reason, and others go on", async () => {
  const { cache, bytes, signals, clock } = await openSilent();
  const controller = new AbortController();
  const first = bytes.get("a", { signal: controller.signal });
  const second = bytes.get("b");
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(first, reason);
  assert.equal(signals[0]?.reason, reason);
  assert.equal(signals[1]?.aborted, false);
  await clock.advance(250);
  assert.equal(await second, undefined);
  assert.equal(signals[1]?.aborted, true);
  await cache.close();
});

test("A driver that has too much to do does not open the breaker", async () => {
  const details = { refused: true };
  const busy = () =>
    Promise.reject(new CqiError("CQI_CACHE_UNAVAILABLE", "Cannot get: too many", { details }));
  await using fixture = await openFixture({ wrap: (driver) => remote(driver, busy) });
  const bytes = fixture.cache.bytes({ name: "b" });
  for (let i = 0; i < 10; i++) assert.equal(await bytes.get("k"), undefined);
  assert.equal((await fixture.cache.check()).details?.breaker, "closed");
});

for (const [name, tags] of [["fixed", ["t"]], ["by value", () => ["t"]]] as const) {
  test(`getOrLoad() with tags ${name} waits for one deadline of a backend that hangs`, async () => {
    const { cache, bytes, state, clock } = await openRemote();
    state.mode = "hang";
    const found = bytes.getOrLoad("k", () => one, { tags });
    await clock.advance(100);
    await clock.advance(50);
    assert.equal(state.calls, 1);
    assert.deepEqual(await found, one);
    await cache.close();
  });
}

test("The breaker lets no other call through when one that is not its probe leaves", async () => {
  const { cache, bytes, state, clock } = await openRemote(10);
  const controller = new AbortController();
  state.mode = "hang";
  const early = bytes.get("early", { signal: controller.signal });
  state.mode = "refuse";
  for (let i = 0; i < 5; i++) await bytes.get("k");
  await clock.advance(1000);
  state.mode = "hang";
  state.calls = 0;
  const probe = bytes.get("probe");
  controller.abort(new Error("enough"));
  await assert.rejects(early, /enough/);
  assert.equal(await bytes.get("k"), undefined);
  assert.equal(state.calls, 1);
  await clock.advance(11_000);
  assert.equal(await probe, undefined);
  await cache.close();
});

test("A clear() that never ends is no probe that keeps all others out", async () => {
  const { cache, bytes, state, clock } = await openRemote();
  await bytes.set("k", one);
  state.mode = "refuse";
  for (let i = 0; i < 5; i++) await bytes.get("k");
  await clock.advance(1000);
  state.mode = "hang";
  const cleared = bytes.clear();
  cleared.catch(() => {});
  state.mode = "up";
  assert.deepEqual(await bytes.get("k"), one);
  await cache.close();
});
