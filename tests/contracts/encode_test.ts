import { create, type DescMessage, isFieldSet } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decode,
  encode,
  fromJson,
  fromJsonString,
  type JsonValue,
  messageType,
  messageTypes,
  toJson,
  toJsonString,
} from "../../contracts/mod.ts";
import { type CqiError, isCqiError } from "../../errors/mod.ts";
import { ApiKeySchema, PrincipalSchema } from "../../gen/ts/cqc/auth/v1/mod.ts";
import { ApiKeyEntrySchema, PostgresConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { OrderPlacedSchema, PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { PriceSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { example } from "./_image.ts";

const order = fromJson(OrderPlacedSchema, example("cqc.events.v1.OrderPlaced"));
const update = fromJson(PriceUpdatedSchema, example("cqc.events.v1.PriceUpdated"));

/** What a call throws, which must be an error with this code. */
function thrown(code: CqiError["code"], call: () => unknown): CqiError {
  try {
    call();
  } catch (error) {
    assert.ok(isCqiError(error, code), String(error));
    return error;
  }
  return assert.fail(`nothing was thrown, want ${code}`);
}

/** Everything that an error says, causes included. */
function textOf(error: CqiError): string {
  return `${error.message} ${JSON.stringify(error.details)} ${String(error.cause)} ${error.stack}`;
}

test("decode, gives back what encode was given", () => {
  assert.deepEqual(decode(OrderPlacedSchema, encode(OrderPlacedSchema, order)), order);
});

test("decode, refuses every proper prefix that cuts a field in two, and halves no message", () => {
  const bytes = encode(OrderPlacedSchema, order);
  let refused = 0;
  for (let length = 1; length < bytes.length; length++) {
    try {
      const part = decode(OrderPlacedSchema, bytes.subarray(0, length));
      // A prefix that ends between two fields is a message of its own.
      assert.deepEqual(encode(OrderPlacedSchema, part), bytes.slice(0, length));
    } catch (error) {
      assert.ok(isCqiError(error, "CQI_CONTRACT_DECODE"), String(error));
      refused++;
    }
  }
  assert.ok(refused > bytes.length / 2);
});

test("decode, random bytes give a message or CQI_CONTRACT_DECODE and nothing else", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(...messageTypes),
      (bytes, type) => {
        try {
          assert.equal(decode(type, bytes).$typeName, type.typeName);
        } catch (error) {
          assert.ok(isCqiError(error, "CQI_CONTRACT_DECODE"), String(error));
        }
      },
    ),
    { numRuns: 2000, seed: 11 },
  );
});

test("decode, flipped bits give a message or CQI_CONTRACT_DECODE and nothing else", () => {
  const bytes = encode(PriceUpdatedSchema, update);
  fc.assert(
    fc.property(fc.nat(bytes.length * 8 - 1), fc.nat(bytes.length * 8 - 1), (one, two) => {
      const bad = new Uint8Array(bytes);
      for (const bit of [one, two]) bad[bit >> 3]! ^= 1 << (bit & 7);
      try {
        decode(PriceUpdatedSchema, bad);
      } catch (error) {
        assert.ok(isCqiError(error, "CQI_CONTRACT_DECODE"), String(error));
      }
    }),
    { numRuns: 1000, seed: 13 },
  );
});

test("decode, refuses a length that promises 2 GiB", () => {
  const bytes = new Uint8Array([10, 0xff, 0xff, 0xff, 0xff, 0x07, 1]);
  thrown("CQI_CONTRACT_DECODE", () => decode(PrincipalSchema, bytes));
});

test("decode, refuses text that is not UTF-8", () => {
  const bytes = new Uint8Array([10, 2, 0xff, 0xfe]);
  thrown("CQI_CONTRACT_DECODE", () => decode(PrincipalSchema, bytes));
});

test("decode, refuses more bytes than allowed before reading them", () => {
  const bytes = new Uint8Array(1001).fill(0xff);
  const error = thrown(
    "CQI_CONTRACT_DECODE",
    () => decode(PrincipalSchema, bytes, { maxBytes: 1000 }),
  );
  assert.deepEqual(error.details, { type: "cqc.auth.v1.Principal", size: 1001, limit: 1000 });
});

test("decode, takes 16 MiB by default and not a byte more", () => {
  const bytes = new Uint8Array(16 * 1024 * 1024 + 1);
  thrown("CQI_CONTRACT_DECODE", () => decode(PrincipalSchema, bytes));
});

test("decode, refuses nesting deeper than allowed", () => {
  let bytes: Uint8Array = new Uint8Array();
  for (let depth = 0; depth < 1000; depth++) {
    // google.protobuf.Struct.fields { key, value { struct_value } }
    const value = new BinaryWriter().tag(5, WireType.LengthDelimited).bytes(bytes).finish();
    const entry = new BinaryWriter().tag(1, WireType.LengthDelimited).string("a")
      .tag(2, WireType.LengthDelimited).bytes(value).finish();
    bytes = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(entry).finish();
  }
  thrown("CQI_CONTRACT_DECODE", () => decode(StructSchema, bytes));
});

test("decode, refuses what is no byte array", () => {
  for (const value of ["text", [1, 2], null, undefined, new ArrayBuffer(2)]) {
    thrown("CQI_CONTRACT_DECODE", () => decode(PrincipalSchema, value as unknown as Uint8Array));
  }
});

test("decode, options out of bounds are refused", () => {
  for (const options of [{ maxBytes: -1 }, { maxBytes: NaN }, { recursionLimit: 0 }]) {
    thrown("CQI_OPTION_INVALID", () => decode(PrincipalSchema, new Uint8Array(), options));
  }
});

test("decode, the result shares no memory with the bytes", () => {
  const bytes = encode(ApiKeySchema, create(ApiKeySchema, { keyHash: new Uint8Array(32).fill(7) }));
  const key = decode(ApiKeySchema, bytes);
  bytes.fill(0);
  assert.deepEqual(key.keyHash, new Uint8Array(32).fill(7));
});

test("encode, fields that this version does not know survive", () => {
  const unknown = new BinaryWriter().tag(500, WireType.LengthDelimited).string("from the future")
    .tag(501, WireType.Varint).int64(-1n).finish();
  const bytes = new Uint8Array([...encode(PriceUpdatedSchema, update), ...unknown]);
  assert.deepEqual(encode(PriceUpdatedSchema, decode(PriceUpdatedSchema, bytes)), bytes);
});

test("encode, an enum number that this version does not know survives", () => {
  const price = create(PriceSchema, { priceType: 99 as never });
  assert.equal(decode(PriceSchema, encode(PriceSchema, price)).priceType, 99);
});

test("encode, absence and emptiness of a field stay apart", () => {
  const empty = create(PrincipalSchema, { displayName: "" });
  const field = PrincipalSchema.field.displayName;
  assert.ok(isFieldSet(decode(PrincipalSchema, encode(PrincipalSchema, empty)), field));
  assert.ok(!isFieldSet(decode(PrincipalSchema, new Uint8Array()), field));
});

test("encode, a message of another type is refused", () => {
  const schema: DescMessage = PrincipalSchema;
  const error = thrown("CQI_CONTRACT_INVALID", () => encode(schema, update));
  assert.match(error.message, /cqc\.auth\.v1\.Principal.*cqc\.events\.v1\.PriceUpdated/);
});

test("encode, an object that is no message is refused", () => {
  for (const value of [{}, null, "text"]) {
    thrown("CQI_CONTRACT_INVALID", () => encode(PrincipalSchema, value as never));
  }
});

test("encode, a value that its field cannot hold is refused without being shown", () => {
  const key = create(ApiKeySchema, { keyHash: "canary-secret" as never });
  const error = thrown("CQI_CONTRACT_INVALID", () => encode(ApiKeySchema, key));
  assert.doesNotMatch(textOf(error), /canary/);
});

test("toJson, names are those of the contracts and 64-bit numbers are text", () => {
  const price = create(PriceSchema, { marketId: "m", sequence: 18446744073709551615n });
  assert.deepEqual(toJson(PriceSchema, price), {
    market_id: "m",
    sequence: "18446744073709551615",
  });
});

test("toJson, a time beyond year 9999 is refused", () => {
  const price = create(PriceSchema, { observedAt: { seconds: 10n ** 15n } });
  thrown("CQI_CONTRACT_INVALID", () => toJson(PriceSchema, price));
});

test("fromJson, takes the names of the contracts and camelCase alike", () => {
  const snake = fromJson(PriceSchema, { market_id: "m" });
  assert.deepEqual(fromJson(PriceSchema, { marketId: "m" }), snake);
});

test("fromJson, names an unknown field", () => {
  const error = thrown("CQI_CONTRACT_DECODE", () => fromJson(PriceSchema, { prise: "1" }));
  assert.match(error.message, /no field 'prise'/);
  assert.equal(error.details.unknown, "prise");
});

test("fromJson, skips an unknown field when told to", () => {
  const price = fromJson(PriceSchema, { prise: "1", source: "a" }, { ignoreUnknownFields: true });
  assert.equal(price.source, "a");
});

test("fromJson, names the field of a wrong type and never shows the value", () => {
  const cases: [DescMessage, unknown, RegExp][] = [
    [PostgresConfigSchema, { password: "canary-secret" }, /cqc\.config\.v1\.SecretRef/],
    [PostgresConfigSchema, { user: { a: "canary-secret" } }, /PostgresConfig\.user/],
    [ApiKeyEntrySchema, { hash: 5551234 }, /ApiKeyEntry\.hash/],
    [ApiKeySchema, { key_hash: "canary!secret" }, /ApiKey\.key_hash/],
    [ApiKeySchema, { created_at: "canary-secret" }, /ApiKey/],
  ];
  for (const [type, json, where] of cases) {
    const error = thrown("CQI_CONTRACT_DECODE", () => fromJson(type, json as never));
    assert.match(error.message, where);
    assert.doesNotMatch(textOf(error), /canary|5551234/);
  }
});

test("fromJson, refuses what is no object, without showing it", () => {
  for (const json of [null, "canary", 1, [], true]) {
    const error = thrown("CQI_CONTRACT_DECODE", () => fromJson(PriceSchema, json));
    assert.doesNotMatch(textOf(error), /canary/);
  }
});

test("fromJson, refuses nesting deeper than allowed", () => {
  let json: JsonValue = {};
  for (let depth = 0; depth < 5000; depth++) json = { a: json };
  thrown("CQI_CONTRACT_DECODE", () => fromJson(StructSchema, json));
});

test("fromJson, keys of Object.prototype are unknown fields and change nothing", () => {
  for (const key of ["__proto__", "constructor", "toString"]) {
    const text = `{"${key}": {"polluted": true}}`;
    thrown("CQI_CONTRACT_DECODE", () => fromJsonString(PriceSchema, text));
  }
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test("fromJsonString, gives back what toJsonString wrote", () => {
  const text = toJsonString(PriceUpdatedSchema, update);
  assert.doesNotMatch(text, /\n/);
  assert.deepEqual(fromJsonString(PriceUpdatedSchema, text), update);
});

test("fromJsonString, text that is no JSON is refused without being shown", () => {
  for (const text of ["canary-secret", '{"source": "canary', "", '{"a": canary}']) {
    const error = thrown("CQI_CONTRACT_DECODE", () => fromJsonString(PriceSchema, text));
    assert.doesNotMatch(textOf(error), /canary/);
  }
});

test("fromJsonString, refuses longer text than allowed", () => {
  const text = " ".repeat(101) + "{}";
  thrown("CQI_CONTRACT_DECODE", () => fromJsonString(PriceSchema, text, { maxBytes: 100 }));
});

test("messageType, finds by full name and by type URL, and nothing else", () => {
  assert.equal(messageType("cqc.markets.v1.Price"), PriceSchema);
  assert.equal(messageType("type.googleapis.com/cqc.markets.v1.Price"), PriceSchema);
  for (const name of ["", "Price", "cqc.markets.v1", "__proto__", "cqc.markets.v1.PriceType"]) {
    assert.equal(messageType(name), undefined);
  }
});
