import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson, messageType, messageTypes, violations } from "../../contracts/mod.ts";
import { CASES } from "./_cel_cases.ts";
import { example, rulesOfMessage } from "./_image.ts";

test("contracts, every rule over several fields has a case that breaks it", () => {
  const ids = messageTypes.flatMap((type) => rulesOfMessage(type).cel.map((rule) => rule.id));
  assert.deepEqual([...ids].sort(), Object.keys(CASES).sort());
});

for (const [rule, { type, breaks }] of Object.entries(CASES)) {
  test(`contracts, rule ${rule} is broken by its cases and by nothing else in them`, () => {
    const schema = messageType(type) as DescMessage;
    for (const patch of breaks) {
      const fields = Object.entries({ ...example(type), ...patch });
      const message = fromJson(
        schema,
        Object.fromEntries(fields.filter(([, value]) => value !== null)),
      );
      const broken = violations(schema, message).filter((each) => each.rule.includes("."));
      assert.deepEqual(
        [...new Set(broken.map((each) => each.rule))].filter((id) =>
          id === rule || id in CASES === false
        ),
        [rule],
        JSON.stringify(patch),
      );
    }
  });
}

const TEXTS = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom("", "1\n", "NaN", "Infinity", "1e400", "-0", "0.0", "1".repeat(80), "\u0000"),
);

/** Any value that a field's type can hold, however senseless. */
function anyValue(field: DescField): fc.Arbitrary<unknown> {
  if (field.enum !== undefined) return fc.integer({ min: -2, max: 20 });
  switch (field.scalar) {
    case ScalarType.STRING:
      return TEXTS;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 70 });
    case ScalarType.DOUBLE:
      return fc.double();
    case ScalarType.INT64:
      return fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
    case ScalarType.UINT64:
      return fc.bigInt(0n, 2n ** 64n - 1n);
    case ScalarType.UINT32:
      return fc.integer({ min: 0, max: 2 ** 32 - 1 });
    default:
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  }
}

test("contracts, rules are total: senseless values give violations, never a failing rule", () => {
  for (const type of messageTypes) {
    const scalars = type.fields.filter((field) =>
      field.fieldKind === "scalar" || field.fieldKind === "enum"
    );
    if (scalars.length === 0) continue;
    const changes = fc.array(
      fc.constantFrom(...scalars).chain((field) =>
        anyValue(field).map((value) => [field, value] as const)
      ),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(changes, (list) => {
        const message = fromJson(type, example(type.typeName));
        const target = reflect(type, message, false);
        for (const [field, value] of list) target.set(field, value);
        assert.ok(!violations(type, message).some((each) => each.rule === "unreadable"));
      }),
      { numRuns: 30, seed: 7 },
    );
  }
});

test("contracts, rules are total over times out of range", () => {
  for (const type of messageTypes) {
    for (const seconds of [2n ** 62n, -(2n ** 62n), 253402300800n, -62135596801n]) {
      for (const nanos of [0, -1, 2 ** 31 - 1]) {
        const message = fromJson(type, example(type.typeName)) as unknown as Record<
          string,
          unknown
        >;
        for (const field of type.fields) {
          const name = field.message?.typeName ?? "";
          if (field.fieldKind !== "message" || !/\.(Timestamp|Duration)$/.test(name)) continue;
          message[field.localName] = { $typeName: name, seconds, nanos };
        }
        assert.ok(
          !violations(type, message as never).some((each) => each.rule === "unreadable"),
          `${type.typeName} with ${seconds}s ${nanos}ns`,
        );
      }
    }
  }
});
