import { create, isFieldSet } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  fromJson,
  isRedacted,
  messageTypes,
  redact,
  toJson,
  toRedactedJson,
} from "../../contracts/mod.ts";
import { ApiKeySchema } from "../../gen/ts/cqc/auth/v1/mod.ts";
import { ApiKeyEntrySchema, CqiConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { example } from "./_image.ts";

const hash = "c0ffee".padEnd(64, "0");
const config = create(CqiConfigSchema, {
  service: { name: "cqpm", version: "1", environment: "test" },
  auth: { apiKeys: [{ keyId: "k_1", hash }, { keyId: "k_2", hash }] },
  tracing: {
    otlp: { headers: { authorization: { valueSource: { case: "env", value: "TOKEN" } } } },
  },
});

test("toRedactedJson, hides secrets at any depth and shows the rest", () => {
  const json = JSON.stringify(toRedactedJson(CqiConfigSchema, config));
  assert.doesNotMatch(json, /c0ffee/);
  assert.equal(json.match(/"hash":"\[redacted\]"/g)?.length, 2);
  assert.match(json, /"key_id":"k_2"/);
  assert.match(json, /"headers":\{"authorization":\{"env":"TOKEN"\}\}/);
});

test("toRedactedJson, is toJson for messages without secrets", () => {
  for (const type of messageTypes) {
    const text = JSON.stringify(example(type.typeName));
    if (/"(?:key_)?hash"/.test(text)) continue;
    const message = fromJson(type, example(type.typeName));
    assert.deepEqual(toRedactedJson(type, message), toJson(type, message));
  }
});

test("toRedactedJson, says nothing of a secret that is not set", () => {
  assert.deepEqual(toRedactedJson(ApiKeySchema, create(ApiKeySchema, { keyId: "k" })), {
    key_id: "k",
  });
});

test("redact, replaces text, unsets bytes, and leaves the original alone", () => {
  const copy = redact(CqiConfigSchema, config);
  assert.deepEqual(copy.auth?.apiKeys.map((key) => key.hash), ["[redacted]", "[redacted]"]);
  assert.deepEqual(config.auth?.apiKeys.map((key) => key.hash), [hash, hash]);
  const key = redact(ApiKeySchema, create(ApiKeySchema, { keyHash: new Uint8Array(32) }));
  assert.ok(!isFieldSet(key, ApiKeySchema.field.keyHash));
});

test("isRedacted, knows the marked fields", () => {
  assert.ok(isRedacted(ApiKeyEntrySchema.field.hash));
  assert.ok(!isRedacted(ApiKeyEntrySchema.field.keyId));
});
