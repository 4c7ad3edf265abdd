import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, fromJson, messageTypes, toJson, violations } from "../../contracts/mod.ts";
import { example, examples } from "./_image.ts";

test("contracts, every message has one Example block in its comment", () => {
  assert.deepEqual([...examples.keys()].sort(), messageTypes.map((type) => type.typeName));
});

for (const type of messageTypes) {
  test(`contracts, the Example of ${type.typeName} is valid and survives both encodings`, () => {
    const json = example(type.typeName);
    const message = fromJson(type, json);
    assert.deepEqual(violations(type, message), []);
    assert.deepEqual(decode(type, encode(type, message)), message);
    assert.deepEqual(fromJson(type, toJson(type, message)), message);
  });

  test(`contracts, the Example of ${type.typeName} uses the field names of the contract`, () => {
    const known = type.fields.map((field) => field.name);
    const used = Object.keys(example(type.typeName));
    assert.deepEqual(used.filter((name) => !known.includes(name)), []);
    assert.equal(used.length > 0, known.length > 0);
  });
}
