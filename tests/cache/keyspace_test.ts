import assert from "node:assert/strict";
import { test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import { seal, typeHash } from "../../cache/_envelope.ts";
import type { Keyspace, Ttl } from "../../cache/mod.ts";
import { type Instruments, noopTracer, type Span, type Tracer } from "../../core/mod.ts";
import { decode, encode } from "../../contracts/mod.ts";
import { type Position, PositionSchema } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { type Price, PriceSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { openFixture, position } from "./_fixture.ts";

const KEY = "cqi:p:cqc.portfolio.v1.Position:k";
const HASH = typeHash("cqc.portfolio.v1.Position");

test("set() and get() carry a message", async () => {
  await using fixture = await openFixture();
  const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
  assert.equal(await positions.set(["a", "b"], position("1")), true);
  assert.deepEqual(await positions.get(["a", "b"]), position("1"));
  assert.equal(await positions.get(["a", "c"]), undefined);
});

test("get() gives each caller an object of its own", async () => {
  await using fixture = await openFixture();
  const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
  const stored = position("1");
  await positions.set("k", stored);
  stored.positionId = "changed";
  const first = await positions.get("k");
  assert.equal(first?.positionId, "1");
  first!.positionId = "changed too";
  assert.equal((await positions.get("k"))?.positionId, "1");
});

test("get() of bytes gives each caller bytes of its own", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  const stored = new Uint8Array([1, 2]);
  await bytes.set("k", stored);
  stored[0] = 9;
  const first = await bytes.get("k");
  first![1] = 9;
  assert.deepEqual(await bytes.get("k"), new Uint8Array([1, 2]));
});

test("getMany() gives values in the order of keys with one call of the driver", async () => {
  let calls = 0;
  await using fixture = await openFixture({
    wrap: (driver) => ({
      ...driver,
      getMany: (keys) => (calls++, driver.getMany(keys)),
      get: () => assert.fail("a single get"),
    }),
  });
  const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
  await positions.setMany([["a", position("1")], [["b"], position("2")]]);
  const found = await positions.getMany(["b", "none", "a"]);
  assert.deepEqual(found.map((one) => one?.positionId), ["2", undefined, "1"]);
  assert.equal(calls, 1);
});

test("exists(), delete() and deleteMany() say what was there", async () => {
  await using fixture = await openFixture();
  const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
  await positions.setMany(["a", "b", "c"].map((key) => [key, position(key)] as const));
  assert.equal(await positions.exists("a"), true);
  assert.equal(await positions.delete("a"), true);
  assert.equal(await positions.delete("a"), false);
  assert.equal(await positions.exists("a"), false);
  assert.equal(await positions.deleteMany(["a", "b", "c"]), 2);
});

test("keyspace() of the same name and type is a view of the same values", async () => {
  await using fixture = await openFixture();
  await fixture.cache.keyspace(PositionSchema, { name: "p" }).set("k", position("1"));
  const other = fixture.cache.keyspace(PositionSchema, { name: "p" });
  assert.equal((await other.get("k"))?.positionId, "1");
});

test("keyspace() of the same name and another type is another keyspace (R2)", async () => {
  await using fixture = await openFixture();
  await fixture.cache.keyspace(PositionSchema, { name: "p" }).set("k", position("1"));
  assert.equal(await fixture.cache.keyspace(PriceSchema, { name: "p" }).get("k"), undefined);
});

test("keyspace() types its values: another message is a type error", async () => {
  await using fixture = await openFixture();
  const positions: Keyspace<Position> = fixture.cache.keyspace(PositionSchema, { name: "p" });
  const price = { $typeName: "cqc.markets.v1.Price" } as Price;
  // @ts-expect-error A price is no position.
  await assert.rejects(positions.set("k", price), { code: "CQI_CONTRACT_INVALID" });
});

test("set(), setMany() and loaders take the fields of a message in place of it", async () => {
  await using fixture = await openFixture();
  const prices = fixture.cache.keyspace(PriceSchema, { name: "p" });
  assert.equal(await prices.set("a", { price: "9" }), true);
  assert.equal(await prices.setMany([["b", { price: "8" }]]), true);
  const ttl = (price: Price) => price.$typeName === "cqc.markets.v1.Price" ? "1m" : undefined;
  const loaded = await prices.getOrLoad("c", () => ({ price: "7" }), { ttl });
  const found = [...await prices.getMany(["a", "b", "c"]), loaded];
  assert.deepEqual(found.map((each) => each?.price), ["9", "8", "7", "7"]);
  assert.deepEqual(found.map((each) => each?.$typeName), Array(4).fill("cqc.markets.v1.Price"));
});

test("set() and loaders refuse what is neither a message nor its fields", async () => {
  await using fixture = await openFixture();
  const prices = fixture.cache.keyspace(PriceSchema, { name: "p" });
  const refused = {
    code: "CQI_OPTION_INVALID",
    message: /a cqc\.markets\.v1\.Price or its fields/,
  };
  for (const wrong of [null, "9", 9, [{ price: "9" }], undefined] as never[]) {
    await assert.rejects(prices.set("k", wrong), refused);
    if (wrong === undefined) continue;
    await assert.rejects(prices.getOrLoad("k", () => wrong), refused);
  }
  assert.equal(await prices.exists("k"), false);
});

test("keyspace() types what goes in: a field that the message does not have is a type error", async () => {
  await using fixture = await openFixture();
  const prices = fixture.cache.keyspace(PriceSchema, { name: "p" });
  // @ts-expect-error A price has no quantity.
  assert.equal(await prices.set("k", { quantity: "9" }), true);
});

for (const name of ["", "A", "a b", "a:b", "1a", "x".repeat(65), undefined as unknown as string]) {
  test(`keyspace() refuses the name ${JSON.stringify(name)}`, async () => {
    await using fixture = await openFixture();
    assert.throws(() => fixture.cache.bytes({ name }), { code: "CQI_OPTION_INVALID" });
  });
}

const hostile: Readonly<Record<string, Uint8Array>> = {
  "no bytes at all": new Uint8Array(),
  "a message without an envelope": toBinary(PositionSchema, position("1")),
  "text": new TextEncoder().encode("<html>502 Bad Gateway</html>"),
  "a cut value": seal(HASH, encode(PositionSchema, position("1")), Infinity).subarray(0, 15),
  "another type": seal(typeHash("cqc.markets.v1.Price"), new Uint8Array(), Infinity),
  "a payload that is no message": seal(HASH, new Uint8Array([255, 255]), Infinity),
  "a length prefix of 2^31": seal(HASH, new Uint8Array([10, 255, 255, 255, 255, 7]), Infinity),
  "a later format": new Uint8Array([2, ...seal(HASH, new Uint8Array(), Infinity).subarray(1)]),
};
for (const [what, value] of Object.entries(hostile)) {
  test(`get() of ${what} is a counted miss and deletes it (R2)`, async () => {
    await using fixture = await openFixture();
    const { cache, driver, counts } = fixture;
    const positions = cache.keyspace(PositionSchema, { name: "p" });
    await driver.set([{ key: KEY, value, ttlMs: undefined }]);
    assert.equal(await positions.get("k"), undefined);
    assert.equal(await driver.get(KEY), undefined);
    assert.deepEqual(counts, { "p get corrupt": 1 });
  });

  test(`getOrLoad() over ${what} loads (R2)`, async () => {
    await using fixture = await openFixture();
    const { cache, driver } = fixture;
    const positions = cache.keyspace(PositionSchema, { name: "p" });
    await driver.set([{ key: KEY, value, ttlMs: undefined }]);
    const found = await positions.getOrLoad("k", () => position("fresh"));
    assert.equal(found?.positionId, "fresh");
    assert.equal((await positions.get("k"))?.positionId, "fresh");
  });
}

test("get() and set() keep fields that this version does not know (R2)", async () => {
  await using fixture = await openFixture();
  const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
  const bytes = new Uint8Array([...encode(PositionSchema, position("1")), 0xfa, 0xff, 0x7f, 1, 7]);
  await positions.set("k", decode(PositionSchema, bytes));
  const found = await positions.get("k");
  assert.deepEqual(encode(PositionSchema, found!), bytes);
});

const badTtls: readonly unknown[] = [
  0,
  -1,
  NaN,
  Infinity,
  -Infinity,
  2 ** 31 * 1000 + 1,
  "0s",
  "5",
  "-5s",
  "5 s",
  "1e3s",
  "",
  "NONE",
  null,
  {},
  5n,
  "99999999d",
];
for (const ttl of badTtls) {
  const shown = typeof ttl === "bigint" ? "5n" : ttl === null ? "null" : JSON.stringify(ttl) ?? ttl;
  test(`set() refuses the ttl ${String(ttl)} (${shown}) (R4)`, async () => {
    await using fixture = await openFixture();
    const bytes = fixture.cache.bytes({ name: "b" });
    const options = { ttl: ttl as Ttl };
    await assert.rejects(bytes.set("k", new Uint8Array(1), options), {
      code: "CQI_CACHE_TTL_INVALID",
    });
    assert.throws(() => fixture.cache.bytes({ name: "b", ...options }), {
      code: "CQI_CACHE_TTL_INVALID",
    });
    assert.equal(await bytes.exists("k"), false);
  });
}

test("set() takes times to live from half a millisecond to 2^31 seconds (R4)", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  for (const ttl of [0.5, 1, "1ms", "1.5h", 2 ** 31 * 1000] as const) {
    assert.equal(await bytes.set(String(ttl), new Uint8Array(1), { ttl }), true);
    assert.equal(await bytes.exists(String(ttl)), true);
  }
});

test("set() keeps a value for 5 minutes unless somebody says otherwise", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  await bytes.set("k", new Uint8Array(1));
  await fixture.clock.advance(299_999);
  assert.equal(await bytes.exists("k"), true);
  await fixture.clock.advance(2);
  assert.equal(await bytes.exists("k"), false);
});

test("set() goes by the call's ttl, then the keyspace's, then the configuration's", async () => {
  await using fixture = await openFixture({ section: { defaultTtl: { seconds: 30n } } });
  const { cache, clock } = fixture;
  const [plain, own] = [cache.bytes({ name: "a" }), cache.bytes({ name: "b", ttl: "20s" })];
  await plain.set("k", new Uint8Array(1));
  await own.set("k", new Uint8Array(1));
  await own.set("call", new Uint8Array(1), { ttl: "10s" });
  await own.set("ever", new Uint8Array(1), { ttl: "none" });
  const left = async (): Promise<boolean[]> => [
    await plain.exists("k"),
    await own.exists("k"),
    await own.exists("call"),
    await own.exists("ever"),
  ];
  await clock.advance(10_001);
  assert.deepEqual(await left(), [true, true, false, true]);
  await clock.advance(10_000);
  assert.deepEqual(await left(), [true, false, false, true]);
  await clock.advance(10_000);
  assert.deepEqual(await left(), [false, false, false, true]);
  await clock.advance(1e12);
  assert.deepEqual(await left(), [false, false, false, true]);
});

test("set() of 1,000 keys together spreads their ends over plus and minus the jitter (R3)", async () => {
  let seed = 0;
  const random = { bytes: (n: number) => new Uint8Array(n), next: () => (seed++ % 1000) / 1000 };
  await using fixture = await openFixture({ env: { random } });
  const { cache, clock } = fixture;
  const bytes = cache.bytes({ name: "b", ttl: "100s", jitter: 0.2 });
  const keys = Array.from({ length: 1000 }, (_, i) => String(i));
  await bytes.setMany(keys.map((key) => [key, new Uint8Array(1)] as const));
  const left = async (): Promise<number> =>
    (await bytes.getMany(keys)).filter((value) => value !== undefined).length;
  await clock.advance(79_999);
  assert.equal(await left(), 1000);
  await clock.advance(10_000);
  assert.ok(Math.abs(await left() - 750) <= 2);
  await clock.advance(10_000);
  assert.ok(Math.abs(await left() - 500) <= 2);
  await clock.advance(20_002);
  assert.equal(await left(), 0);
});

test("set() with a ttl of its own is not spread", async () => {
  const random = { bytes: (n: number) => new Uint8Array(n), next: () => 0.999 };
  await using fixture = await openFixture({ env: { random } });
  const bytes = fixture.cache.bytes({ name: "b", jitter: 1 });
  await bytes.set("k", new Uint8Array(1), { ttl: 1000 });
  await fixture.clock.advance(1001);
  assert.equal(await bytes.exists("k"), false);
});

for (const option of ["lease", "near"] as const) {
  test(`keyspace() refuses a time of '${option}' that has no end, or none at all (R4)`, async () => {
    await using fixture = await openFixture();
    for (const time of [0, -1, NaN, Infinity, 2 ** 31 * 1000 + 1]) {
      const options = { name: "b", [option]: time };
      assert.throws(() => fixture.cache.bytes(options), { code: "CQI_OPTION_INVALID" });
    }
    assert.equal(fixture.cache.bytes({ name: "b", [option]: 2 ** 31 * 1000 }).name, "b");
  });
}

for (const jitter of [-0.1, 1.1, NaN]) {
  test(`keyspace() refuses a jitter of ${jitter}`, async () => {
    await using fixture = await openFixture();
    assert.throws(() => fixture.cache.bytes({ name: "b", jitter }), { code: "CQI_OPTION_INVALID" });
  });
}

test("set() of a value beyond max_value_bytes says so and drops the earlier one", async () => {
  await using fixture = await openFixture({ section: { maxValueBytes: 100n } });
  const bytes = fixture.cache.bytes({ name: "b" });
  assert.equal(await bytes.set("k", new Uint8Array(100)), true);
  assert.equal(await bytes.set("k", new Uint8Array(101)), false);
  assert.equal(await bytes.exists("k"), false);
  assert.equal(fixture.counts["b set too_large"], 1);
});

test("setIfAbsent() stores once, for its time", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  assert.equal(await bytes.setIfAbsent("k", new Uint8Array([1]), { ttl: "1s" }), true);
  assert.equal(await bytes.setIfAbsent("k", new Uint8Array([2]), { ttl: "1s" }), false);
  assert.deepEqual(await bytes.get("k"), new Uint8Array([1]));
  await fixture.clock.advance(1001);
  assert.equal(await bytes.setIfAbsent("k", new Uint8Array([2]), { ttl: "1s" }), true);
});

test("compareAndSet() loses to a write in between", async () => {
  await using fixture = await openFixture();
  const bytes = fixture.cache.bytes({ name: "b" });
  const [one, two, three] = [1, 2, 3].map((i) => new Uint8Array([i]));
  assert.equal(await bytes.compareAndSet("k", { expected: undefined, value: one }), true);
  await bytes.set("k", two!);
  assert.equal(await bytes.compareAndSet("k", { expected: one, value: three }), false);
  assert.equal(await bytes.compareAndSet("k", { expected: two, value: undefined }), true);
  assert.equal(await bytes.exists("k"), false);
});

test("counters() add up 50 concurrent increments, and start anew after their time", async () => {
  await using fixture = await openFixture();
  const counters = fixture.cache.counters({ name: "c", ttl: "1m" });
  await Promise.all(Array.from({ length: 50 }, () => counters.increment("k")));
  assert.equal(await counters.increment("k", -10), 40);
  await fixture.clock.advance(60_001);
  assert.equal(await counters.increment("k", 2), 2);
  assert.equal(await counters.delete("k"), true);
  await assert.rejects(counters.increment("k", 0.5), { code: "CQI_OPTION_INVALID" });
});

test("counters() and the atomic writes need the feature 'atomic'", async () => {
  await using fixture = await openFixture({
    wrap: (driver) => ({ ...driver, features: { ...driver.features, atomic: false } }),
  });
  const { cache } = fixture;
  const unsupported = { code: "CQI_FEATURE_UNSUPPORTED" };
  assert.throws(() => cache.counters({ name: "c", ttl: "1m" }), unsupported);
  const bytes = cache.bytes({ name: "b" });
  await assert.rejects(bytes.setIfAbsent("k", new Uint8Array()), unsupported);
  await assert.rejects(
    bytes.compareAndSet("k", { expected: undefined, value: undefined }),
    unsupported,
  );
});

test("clear() needs the feature 'clear'", async () => {
  await using fixture = await openFixture({
    wrap: (driver) => ({ ...driver, features: { ...driver.features, clear: false } }),
  });
  const bytes = fixture.cache.bytes({ name: "b" });
  await assert.rejects(bytes.clear(), { code: "CQI_FEATURE_UNSUPPORTED" });
});

test("cache_operations_total matches a scripted run, with one keyspace label for each keyspace", async () => {
  await using fixture = await openFixture();
  const { cache, counts, clock } = fixture;
  const positions = cache.keyspace(PositionSchema, { name: "p", ttl: "10s", negativeTtl: "1s" });
  await positions.get("a");
  await positions.set("a", position("1"));
  await positions.getMany(["a", "b"]);
  await positions.exists("a");
  await positions.getOrLoad("a", () => position("2"));
  await positions.getOrLoad("b", () => position("2"));
  await positions.getOrLoad("c", () => undefined);
  await positions.getOrLoad("c", () => undefined);
  await assert.rejects(positions.getOrLoad("d", () => Promise.reject(new Error("no"))));
  await clock.advance(1001);
  await positions.get("c");
  await positions.deleteMany(["a", "b"]);
  await positions.clear();
  assert.deepEqual(counts, {
    "p get miss": 6,
    "p get hit": 2,
    "p get negative": 1,
    "p exists hit": 1,
    "p set ok": 3,
    "p load ok": 1,
    "p load absent": 1,
    "p load error": 1,
    "p delete ok": 2,
    "p clear ok": 1,
  });
});

test("Spans name keyspace, tier and result, and never the key", async () => {
  const seen: Record<string, unknown>[] = [];
  const record = (span: Span, attributes: Record<string, unknown>): Span => ({
    ...span,
    set: (more) => void Object.assign(attributes, more),
  });
  const tracer: Tracer = {
    start: noopTracer.start,
    span(name, options, fn) {
      const attributes: Record<string, unknown> = {
        name,
        kind: options.kind,
        ...options.attributes,
      };
      seen.push(attributes);
      return fn(record(noopTracer.start(name), attributes));
    },
  };
  const env: Partial<Instruments> = { tracer };
  await using fixture = await openFixture({ env });
  const positions = fixture.cache.keyspace(PositionSchema, { name: "p" });
  await positions.set("canary-key", position("1"));
  await positions.get("canary-key");
  await positions.getOrLoad("canary-key-2", () => position("1"));
  const common = { kind: "internal", "cqi.cache.keyspace": "p", "cqi.cache.tier": "memory" };
  assert.deepEqual(seen, [
    { name: "cache set", "db.operation.name": "set", ...common },
    { name: "cache get", "db.operation.name": "get", ...common, "cqi.cache.result": "hit" },
    {
      name: "cache get_or_load",
      "db.operation.name": "get_or_load",
      ...common,
      "cqi.cache.result": "miss",
    },
  ]);
  assert.doesNotMatch(JSON.stringify(seen), /canary/);
});
