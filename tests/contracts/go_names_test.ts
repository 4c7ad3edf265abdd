import { type DescField, ScalarType } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { messageType } from "../../contracts/mod.ts";
import { imageRegistry } from "./_image.ts";
import { GO_CALLS, GO_ENUMS, GO_FIELDS } from "./_go_names.ts";

const SCALARS: Partial<Record<ScalarType, string>> = {
  [ScalarType.STRING]: "string",
  [ScalarType.BOOL]: "bool",
  [ScalarType.INT32]: "int32",
  [ScalarType.INT64]: "int64",
  [ScalarType.DOUBLE]: "float64",
};

/** Name that protoc-gen-go gives a field. */
const goName = (name: string): string =>
  name.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Package and name as Go writes them, for example assetsv1.Asset. */
const goTypeName = (typeName: string): string =>
  typeName.startsWith("google.protobuf.")
    ? typeName.replace("google.protobuf.", "")
    : typeName.replace(/^cqc\.(\w+)\.v1\./, "$1v1.");

/** Type that protoc-gen-go gives a field: a pointer where presence is explicit. */
function goType(field: DescField): string {
  const message = field.message === undefined ? undefined : goTypeName(field.message.typeName);
  if (field.fieldKind === "list") return `[]*${message ?? "?"}`;
  if (message !== undefined) return message.includes(".") ? `*${message}` : message;
  if (field.enum !== undefined) return `*${goTypeName(field.enum.typeName)}`;
  return `*${SCALARS[field.scalar as ScalarType] ?? "?"}`;
}

for (const [name, fields] of Object.entries(GO_FIELDS)) {
  test(`contracts, ${name} has the fields that the platform's Go service uses`, () => {
    const type = messageType(name);
    assert.ok(type !== undefined);
    const present = new Map(type.fields.map((field) => [goName(field.name), goType(field)]));
    for (const [field = "", want = ""] of fields.split(" ").map((each) => each.split(":"))) {
      if (field !== "") assert.equal(present.get(field), want, field);
    }
  });
}

for (const [name, values] of Object.entries(GO_ENUMS)) {
  test(`contracts, ${name} has the values that the platform's Go service uses`, () => {
    const present = imageRegistry.getEnum(name)?.values.map((value) => value.name) ?? [];
    const prefix = name.split(".")[3]!.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
    const missing = values.split(" ").filter((value) => !present.includes(`${prefix}_${value}`));
    assert.deepEqual(missing, []);
  });
}

test("contracts, AssetRegistry has the calls that the platform's Go service makes and serves", () => {
  const calls = imageRegistry.getService("cqc.services.v1.AssetRegistry")!.methods;
  const served = Object.keys(GO_FIELDS).flatMap((name) =>
    /^cqc\.services\.v1\.(\w+)Request$/.exec(name)?.[1] ?? []
  );
  const names = calls.map((call) => call.name);
  assert.deepEqual([...GO_CALLS.split(" "), ...served].filter((name) => !names.includes(name)), []);
  assert.ok(calls.every((call) => call.input.typeName.endsWith(`.${call.name}Request`)));
});
