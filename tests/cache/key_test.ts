import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeKey, encodePrefix } from "../../cache/_key.ts";
import { KnownKeys } from "../../cache/_known_keys.ts";
import { openFixture } from "./_fixture.ts";

// Short strings of the characters that keys are joined and escaped with collide most easily.
const part = fc.oneof(
  fc.string({
    unit: fc.constantFrom(":", "%", "3", "A", "u", "*", "\0", "\ud800", "é"),
    maxLength: 6,
  }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 4 })
    .map((codes) => String.fromCharCode(...codes)),
);
const parts = fc.array(part, { minLength: 1, maxLength: 4 });

test("encodeKey() gives different keys for different part lists (R1)", () => {
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const same = a.length === b.length && a.every((one, i) => one === b[i]);
      assert.equal(encodeKey(a) === encodeKey(b), same);
    }),
    { numRuns: 2000 },
  );
});

test("encodeKey() gives printable ASCII without globs, hash tags and spaces (R1)", () => {
  fc.assert(fc.property(parts, (a) => assert.match(encodeKey(a), /^[A-Za-z0-9_.%:-]*$/)));
});

test("encodeKey() can be read back, so that nothing is lost (R1)", () => {
  const decode = (text: string): string =>
    text.replace(
      /%u([0-9A-F]{4})|(?:%[0-9A-F]{2})+/g,
      (whole, unit) =>
        unit === undefined
          ? decodeURIComponent(whole)
          : String.fromCharCode(Number.parseInt(unit, 16)),
    );
  fc.assert(
    fc.property(parts, (a) => {
      assert.deepEqual(encodeKey(a).split(":").map(decode), a);
    }),
    { numRuns: 1000 },
  );
});

test("encodePrefix() of one namespace begins no key of another (R1)", () => {
  fc.assert(
    fc.property(part, part, part, part, parts, (a, b, c, d, key) => {
      fc.pre(a !== c || b !== d);
      assert.equal((encodePrefix(a, b) + encodeKey(key)).startsWith(encodePrefix(c, d)), false);
    }),
    { numRuns: 2000 },
  );
});

test("encodeKey() takes a string for the list of that one string", () => {
  assert.equal(encodeKey("a:b"), encodeKey(["a:b"]));
});

test("encodeKey() tells empty parts apart", () => {
  const keys = [["a", "", "b"], ["a", "b"], ["", "a", "b"], ["a", "b", ""], [""], ["", ""]];
  assert.equal(new Set(keys.map(encodeKey)).size, keys.length);
});

for (
  const [what, key] of Object.entries({
    "a list of no parts": [],
    "a list of 33 parts": Array.from({ length: 33 }, () => "a"),
    "1,025 characters": "x".repeat(1025),
    "1,025 characters in parts": ["x".repeat(1024), "y"],
    "1 MB": "x".repeat(1_000_000),
    "a number": 1 as unknown as string,
    "a part that is null": ["a", null as unknown as string],
    "an object": { toString: () => "a" } as unknown as string,
  })
) {
  test(`encodeKey() refuses ${what} and does not show it`, () => {
    assert.throws(() => encodeKey(key), (error: Error & { code?: string }) => {
      assert.equal(error.code, "CQI_CACHE_KEY_INVALID");
      assert.ok(error.message.length < 200);
      return true;
    });
  });
}

test("encodeKey() takes 1,024 characters and 32 parts", () => {
  assert.equal(encodeKey("x".repeat(1024)).length, 1024);
  assert.equal(encodeKey(Array.from({ length: 32 }, () => "")).length, 31);
});

test("clear() leaves keyspaces alone whose names begin alike, and other prefixes (R1)", async () => {
  await using fixture = await openFixture();
  const { cache } = fixture;
  const value = new Uint8Array([1]);
  const own = cache.bytes({ name: "a" });
  const others = ["ab", "a.b", "a-b", "b"].map((name) => cache.bytes({ name }));
  for (const keyspace of [own, ...others]) {
    for (const key of ["a", "*", ["a", "b"], ":a"]) await keyspace.set(key, value);
  }
  assert.equal(await own.clear(), 4);
  const left = await Promise.all(others.map((keyspace) => keyspace.get("*")));
  assert.deepEqual(left, others.map(() => value));
});

test("A key of one glob character matches no other key (R1)", async () => {
  await using fixture = await openFixture();
  const keyspace = fixture.cache.bytes({ name: "a" });
  await keyspace.set("abc", new Uint8Array([1]));
  assert.equal(await keyspace.delete("*"), false);
  assert.equal(await keyspace.exists("abc"), true);
});

test("Two key prefixes on one backend do not meet, even where joining them would (R1)", async () => {
  await using one = await openFixture({ section: { keyPrefix: "a" } });
  await using two = await openFixture({
    section: { keyPrefix: "a:b" },
    wrap: () => one.driver,
  });
  await one.cache.bytes({ name: "b" }).set("k", new Uint8Array([1]));
  await two.cache.bytes({ name: "b" }).set("k", new Uint8Array([2]));
  assert.equal(await one.cache.bytes({ name: "b" }).clear(), 1);
  assert.equal(await two.cache.bytes({ name: "b" }).exists("k"), true);
});

test("Whole keys are remembered up to a bound, however many are used", () => {
  const keys = new KnownKeys("p:");
  let most = 0;
  for (let i = 0; i < 20_000; i++) {
    assert.equal(keys.whole(`k:${i}`), `p:k%3A${i}`);
    most = Math.max(most, keys.size);
  }
  assert.ok(most > 1000 && most <= 4096, `${most} keys`);
  const { size } = keys;
  keys.whole("k".repeat(129));
  assert.equal(keys.size, size);
});
