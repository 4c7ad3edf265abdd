import assert from "node:assert/strict";
import { test } from "node:test";
import { create, isMessage } from "@bufbuild/protobuf";
import { AnySchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { createCopier, holdsBytes, messageCodec } from "../../cache/_codec.ts";
import { decode, encode } from "../../contracts/mod.ts";
import { ApiKeySchema } from "../../gen/ts/cqc/auth/v1/mod.ts";
import { PositionSchema } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { openFixture, position } from "./_fixture.ts";

test("createCopier() gives copies that do not meet, whatever their sizes", () => {
  const copy = createCopier();
  const sizes = [0, 1, 100, 4096, 4097, 5000, 8192, 9000, 4000, 4000, 192, 1];
  const copies = sizes.map((size, i) => copy(new Uint8Array(size).fill(i + 1)));
  assert.deepEqual(copies.map((one) => one.length), sizes);
  assert.equal(copies.every((one, i) => one.every((byte) => byte === i + 1)), true);
});

test("holdsBytes() looks into messages within, and ends for those that hold themselves", () => {
  assert.equal(holdsBytes(AnySchema), true);
  assert.equal(holdsBytes(ApiKeySchema), true);
  assert.equal(holdsBytes(PositionSchema), false);
  assert.equal(holdsBytes(StructSchema), false);
});

for (const schema of [PositionSchema, ApiKeySchema]) {
  test(`decode() of ${schema.typeName} gives unknown fields of its own`, () => {
    const codec = messageCodec(schema, createCopier());
    const bytes = new Uint8Array([0xfa, 0xff, 0x7f, 2, 7, 7]);
    const first = codec.decode(bytes) as { $unknown?: { data: Uint8Array }[] };
    first.$unknown![0]!.data.fill(9);
    assert.deepEqual(bytes, new Uint8Array([0xfa, 0xff, 0x7f, 2, 7, 7]));
  });
}

test("get() of a message with a field of bytes gives each caller bytes of its own", async () => {
  await using fixture = await openFixture();
  const keys = fixture.cache.keyspace(ApiKeySchema, { name: "keys" });
  await keys.set("k", create(ApiKeySchema, { keyHash: new Uint8Array(32).fill(1) }));
  const first = await keys.get("k");
  first!.keyHash.fill(9);
  assert.deepEqual((await keys.get("k"))?.keyHash, new Uint8Array(32).fill(1));
});

test("decode() reads what contracts/ encodes, of 100 kB too", () => {
  const codec = messageCodec(PositionSchema, createCopier());
  const large = position("x".repeat(100_000));
  assert.deepEqual(codec.decode(encode(PositionSchema, large)), large);
  assert.deepEqual(decode(PositionSchema, codec.encode(large)), large);
});

test("encode() refuses a message of another type", () => {
  const codec = messageCodec(PositionSchema, createCopier());
  const wrong = create(ApiKeySchema) as unknown as ReturnType<typeof position>;
  assert.throws(() => codec.encode(wrong), { code: "CQI_CONTRACT_INVALID" });
});

test("copies() of a message give objects of their own, also of what lies within them", () => {
  const codec = messageCodec(PositionSchema, createCopier());
  const flat = create(PositionSchema, { quantity: "1" });
  const deep = create(PositionSchema, { quantity: "1" });
  deep.$unknown = [{ no: 9999, wireType: 0, data: new Uint8Array([5]) }];
  for (const value of [flat, deep]) {
    const make = codec.copies!(value);
    const [first, second] = [make(), make()];
    assert.deepEqual(first, value);
    assert.ok(isMessage(first, PositionSchema));
    first.quantity = "2";
    first.$unknown?.[0]?.data.fill(0);
    assert.deepEqual(second, value);
    assert.equal(value.quantity, "1");
  }
});
