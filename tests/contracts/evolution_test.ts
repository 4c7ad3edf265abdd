import { createFileRegistry, type DescField, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { imageRegistry } from "./_image.ts";

const released = createFileRegistry(fromBinary(
  FileDescriptorSetSchema,
  gunzipSync(readFileSync(new URL("../../proto/released.binpb.gz", import.meta.url))),
));
const own = [...released].filter((type) => type.typeName.startsWith("cqc."));

const shape = (field: DescField): string =>
  [
    field.name,
    field.fieldKind,
    field.proto.type,
    field.message?.typeName ?? field.enum?.typeName ?? "",
  ].join(" ");

test("contracts, the last release is known", () => {
  assert.ok(own.length > 400);
});

test("contracts, what was released is still there in its file", () => {
  for (const type of own) {
    const now = [...imageRegistry].find((each) => each.typeName === type.typeName);
    assert.equal(now?.kind, type.kind, type.typeName);
    assert.equal(now?.file.name, type.file.name, type.typeName);
  }
});

test("contracts, a released field keeps number, name and type", () => {
  for (const type of own.filter((each) => each.kind === "message")) {
    const now = imageRegistry.getMessage(type.typeName)!;
    for (const field of type.fields) {
      const same = now.fields.find((each) => each.number === field.number);
      assert.equal(same && shape(same), shape(field), `${type.typeName}.${field.name}`);
    }
  }
});

test("contracts, a released value keeps number and name", () => {
  for (const type of own.filter((each) => each.kind === "enum")) {
    const now = imageRegistry.getEnum(type.typeName)!;
    for (const value of type.values) {
      assert.equal(now.value[value.number]?.name, value.name, type.typeName);
    }
  }
});

test("contracts, a released call keeps its messages and its kind", () => {
  for (const type of own.filter((each) => each.kind === "service")) {
    const now = imageRegistry.getService(type.typeName)!;
    for (const call of type.methods) {
      const same = now.methods.find((each) => each.name === call.name);
      assert.deepEqual(
        [same?.methodKind, same?.input.typeName, same?.output.typeName],
        [call.methodKind, call.input.typeName, call.output.typeName],
        call.name,
      );
    }
  }
});
