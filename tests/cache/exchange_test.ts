import assert from "node:assert/strict";
import { test } from "node:test";
import type { BytesOptions, CacheDriver } from "../../cache/mod.ts";
import { openFixture } from "./_fixture.ts";

const [one, two, three] = [1, 2, 3].map((i) => new Uint8Array([i])) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

for (const more of [{}, { near: "1m" }] as Partial<BytesOptions>[]) {
  const how = JSON.stringify(more);

  test(`compareAndSet() compares values, however they are stored ${how}`, async () => {
    await using fixture = await openFixture();
    const bytes = fixture.cache.bytes({ name: "b", ...more });
    await bytes.set("k", one);
    assert.equal(await bytes.compareAndSet("k", { expected: two, value: three }), false);
    assert.equal(await bytes.compareAndSet("k", { expected: one, value: two }), true);
    assert.equal(await bytes.compareAndSet("k", { expected: two, value: three }), true);
    assert.deepEqual(await bytes.get("k"), three);
  });

  test(`compareAndSet() compares values with tags, and gives new ones theirs ${how}`, async () => {
    await using fixture = await openFixture();
    const bytes = fixture.cache.bytes({ name: "b", ...more });
    await bytes.set("k", one, { tags: ["t"] });
    const swap = { expected: one, value: two };
    assert.equal(await bytes.compareAndSet("k", swap, { tags: ["u"] }), true);
    await bytes.invalidateTags(["t"]);
    assert.deepEqual(await bytes.get("k"), two);
    await bytes.invalidateTags(["u"]);
    assert.equal(await bytes.get("k"), undefined);
  });

  test(`50 callers that exchange one value at a time all get through in turn ${how}`, async () => {
    await using fixture = await openFixture();
    const bytes = fixture.cache.bytes({ name: "b", ...more });
    await bytes.set("k", new Uint8Array([0]), { tags: ["t"] });
    let tries = 0;
    const add = async (): Promise<void> => {
      for (;;) {
        assert.ok(tries++ < 5000, "It does not end");
        const expected = await bytes.get("k");
        const value = new Uint8Array([expected![0]! + 1]);
        if (await bytes.compareAndSet("k", { expected, value }, { tags: ["t"] })) return;
      }
    };
    await Promise.all(Array.from({ length: 50 }, add));
    assert.deepEqual(await bytes.get("k"), new Uint8Array([50]));
    assert.ok(tries >= 50);
  });
}

test("setIfAbsent() stores where a value is there that its tags have made invalid", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  await bytes.set("k", one, { tags: ["t"] });
  assert.equal(await bytes.setIfAbsent("k", two), false);
  await bytes.invalidateTags(["t"]);
  assert.equal(await bytes.setIfAbsent("k", two), true);
  assert.deepEqual(await bytes.get("k"), two);
});

test("compareAndSet() takes away a value with tags", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  await bytes.set("k", one, { tags: ["t"] });
  assert.equal(await bytes.compareAndSet("k", { expected: one, value: undefined }), true);
  assert.equal(await bytes.exists("k"), false);
});

test("compareAndSet() gives up with CQI_CONFLICT when others write the same value all the time", async () => {
  // Each read is followed by a write of the value with other tags.
  let touch = (): Promise<unknown> => Promise.resolve();
  const restless = (driver: CacheDriver): CacheDriver => ({
    ...driver,
    async compareAndSet(swap, options) {
      await touch();
      return await driver.compareAndSet(swap, options);
    },
  });
  await using fixture = await openFixture({ wrap: restless });
  const bytes = fixture.cache.bytes({ name: "b", near: "1m" });
  await bytes.set("k", one);
  let ttl = 1000;
  touch = () => bytes.set("k", one, { ttl: ttl++ });
  const swap = bytes.compareAndSet("k", { expected: one, value: two });
  await assert.rejects(swap, { code: "CQI_CONFLICT" });
  assert.deepEqual(await bytes.get("k"), one);
});

for (const options of [{ tags: ["t"] }, {}]) {
  test(`set() keeps what the bytes were at the call ${JSON.stringify(options)}`, async () => {
    await using fixture = await openFixture();
    const bytes = fixture.cache.bytes({ name: "b", near: "1m" });
    const buffer = new Uint8Array([1]);
    const calls = [
      bytes.set("a", buffer, options),
      bytes.setMany([["b", buffer]], options),
      bytes.setIfAbsent("c", buffer, options),
      bytes.compareAndSet("d", { expected: undefined, value: buffer }, options),
    ];
    buffer[0] = 9;
    assert.deepEqual(await Promise.all(calls), [true, true, true, true]);
    assert.deepEqual(await bytes.getMany(["a", "b", "c", "d"]), [one, one, one, one]);
  });
}

test("getOrLoad() keeps what the bytes were when the loader gave them", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  const buffer = new Uint8Array([1]);
  const callers = Array.from({ length: 3 }, () =>
    bytes.getOrLoad("k", () => {
      // The loader's next use of its buffer, once it has returned.
      queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => buffer[0] = 9)));
      return buffer;
    }, { tags: () => ["t"] }));
  assert.deepEqual(await Promise.all(callers), [one, one, one]);
  await fixture.clock.advance(0);
  assert.deepEqual(await bytes.get("k"), one);
});
