import {
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  ScalarType,
} from "@bufbuild/protobuf";
import type { DescExtension } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson, messageType, violations } from "../../contracts/mod.ts";
import { example, imageRegistry, rulesOfField } from "./_image.ts";

/** The part of google.api.HttpRule that the contracts use. */
interface HttpRule {
  readonly pattern: { readonly case?: string; readonly value?: string };
  readonly body: string;
}

const http = imageRegistry.getExtension("google.api.http") as DescExtension;
const services = "AssetRegistry VenueGateway MarketData Portfolio RiskEngine".split(" ").map((
  name,
) => imageRegistry.getService(`cqc.services.v1.${name}`)!);
const methods: readonly DescMethod[] = services.flatMap((service) => service.methods);
const streams = methods.filter((method) => method.methodKind === "server_streaming");
const ruleOf = (method: DescMethod): HttpRule => getOption(method, http) as unknown as HttpRule;
const fieldOf = (type: DescMessage, name: string) => type.fields.find((each) => each.name === name);
const variables = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]!);

test("contracts, every call is unary or streams from the server", () => {
  const others = methods.filter((each) => !["unary", "server_streaming"].includes(each.methodKind));
  assert.deepEqual(others.map((each) => each.name), []);
  assert.ok(streams.length >= 10);
});

test("contracts, every call has one HTTP path of its own", () => {
  const paths = methods.map((method) => {
    assert.ok(hasOption(method, http), method.name);
    const { pattern } = ruleOf(method);
    assert.match(pattern.value ?? "", /^\/v1\/[a-z{}_:/A-Z0-9-]+$/, method.name);
    return `${pattern.case} ${pattern.value?.replace(/\{\w+\}/g, "{}")}`;
  });
  assert.deepEqual(paths.filter((path, at) => paths.indexOf(path) !== at), []);
});

test("contracts, reading is GET and streaming too, and every other call has a body or deletes", () => {
  for (const method of methods) {
    const { pattern, body } = ruleOf(method);
    if (/^(?:Get|List|Search|BatchGet|Resolve(?!QualityFlag|RiskAlert)|Stream)/.test(method.name)) {
      assert.equal(pattern.case, "get", method.name);
    }
    assert.equal(body, pattern.case === "get" || pattern.case === "delete" ? "" : "*", method.name);
  }
});

test("contracts, what stands in a path is a required text of the request", () => {
  for (const method of methods) {
    for (const name of variables(ruleOf(method).pattern.value ?? "")) {
      const field = fieldOf(method.input, name);
      assert.equal(field?.scalar, ScalarType.STRING, `${method.name} {${name}}`);
      assert.ok(rulesOfField(field!).required, `${method.name} {${name}}`);
    }
  }
});

test("contracts, the request of a GET or DELETE fits into a query", () => {
  const wellKnown = /^google\.protobuf\.(?:Timestamp|Duration|FieldMask)$/;
  for (const method of methods.filter((each) => ruleOf(each).body === "")) {
    for (const field of method.input.fields) {
      const name = `${method.name} ${field.name}`;
      assert.ok(field.fieldKind !== "map", name);
      if (field.message === undefined || wellKnown.test(field.message.typeName)) continue;
      assert.equal(field.fieldKind, "message", name);
      assert.ok(field.message.fields.every((each) => each.scalar !== undefined), name);
    }
  }
});

test("contracts, every List and Search pages", () => {
  const lists = methods.filter((method) => /^(?:List|Search)/.test(method.name));
  assert.ok(lists.length >= 25);
  for (const { name, input, output } of lists) {
    assert.equal(fieldOf(input, "page_size")?.scalar, ScalarType.INT32, name);
    assert.equal(fieldOf(input, "page_token")?.scalar, ScalarType.STRING, name);
    assert.equal(fieldOf(output, "next_page_token")?.scalar, ScalarType.STRING, name);
    assert.equal(output.fields[0]?.fieldKind, "list", name);
    const size = rulesOfField(fieldOf(input, "page_size")!).type;
    assert.deepEqual(size.case === "int32" && size.value.greaterThan, {
      case: "gte",
      value: 0,
    }, name);
    assert.equal(size.case === "int32" && size.value.lessThan.case, undefined, name);
  }
});

test("contracts, every call that changes something takes a request_id", () => {
  const changing = methods.filter((method) =>
    ruleOf(method).pattern.case !== "get" &&
    !/^(?:Verify|Calculate|RunStress|Propose)/.test(method.name)
  );
  assert.ok(changing.length >= 40);
  for (const { name, input } of changing) {
    const field = fieldOf(input, "request_id");
    assert.ok(field !== undefined && !rulesOfField(field).required, name);
  }
});

test("contracts, the update_mask of every Update names exactly the fields that it can change", () => {
  const updates = methods.filter((method) => method.name.startsWith("Update"));
  assert.ok(updates.length >= 10);
  for (const { name, input } of updates) {
    const mask = fieldOf(input, "update_mask");
    assert.equal(mask?.message?.typeName, "google.protobuf.FieldMask", name);
    const rules = rulesOfField(mask!).type;
    const paths = rules.case === "fieldMask" ? rules.value.in : [];
    const fixed = ["etag", "request_id", "update_mask"];
    const own = input.fields.filter((field) =>
      !rulesOfField(field).required && !fixed.includes(field.name)
    ).map((field) => field.name);
    // A network tells which row of a venue's asset is meant.
    assert.deepEqual([...paths].sort(), own.filter((path) => path !== "network").sort(), name);
  }
});

test("contracts, an etag is asked for only of what hands one out, and of every such thing", () => {
  for (const { name, input } of methods.filter((each) => /^(?:Update|Delete)/.test(each.name))) {
    const thing = name.replace(/^(?:Update|Delete)/, "");
    const answer = methods.find((each) => each.name === `Get${thing}`)!.output;
    const resource = answer.fields[0]?.message;
    assert.ok(resource !== undefined, name);
    const hasEtag = fieldOf(resource, "etag") !== undefined;
    assert.equal(fieldOf(input, "etag") !== undefined, hasEtag, `${name}, ${resource.typeName}`);
  }
});

test("contracts, an update_mask with an unknown path or a key is refused", () => {
  const type = messageType("cqc.services.v1.UpdateAssetRequest")!;
  for (const path of ["assetId", "nothing", "createdAt"]) {
    const message = fromJson(type, { ...example(type.typeName), update_mask: path });
    assert.deepEqual(violations(type, message).map((each) => each.rule), ["field_mask.in"], path);
  }
});

test("contracts, an update with one field is valid by itself", () => {
  const type = messageType("cqc.services.v1.UpdateMarketRequest")!;
  const market_id = example(type.typeName).market_id!;
  assert.deepEqual(violations(type, fromJson(type, { market_id, status: "suspended" })), []);
});

test("contracts, every stream sends data, heartbeats, statuses and gaps, and can be resumed", () => {
  for (const { name, input, output } of streams) {
    const payload = output.oneofs.find((each) => each.name === "payload");
    assert.deepEqual(payload?.fields.map((field) => field.name), [
      "data",
      "heartbeat",
      "subscription_status",
      "gap_notice",
    ], name);
    for (const field of ["resume_token", "skip_snapshot", "heartbeat_interval", "conflate"]) {
      assert.ok(fieldOf(input, field) !== undefined, `${name} ${field}`);
    }
    assert.ok(fieldOf(output, "resume_token") !== undefined, name);
  }
});

test("contracts, requests and responses belong to one call each", () => {
  for (const method of methods) {
    assert.equal(method.input.name, `${method.name}Request`);
    assert.equal(method.output.name, `${method.name}Response`);
  }
});
