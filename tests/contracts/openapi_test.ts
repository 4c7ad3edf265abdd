import {
  clone,
  create,
  type DescExtension,
  type DescMessage,
  fromBinary,
  getExtension,
  type MessageInitShape,
  setExtension,
  toBinary,
} from "@bufbuild/protobuf";
import { type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { generateJsonSchema } from "../../tools/gen_jsonschema.ts";
import { generateOpenApi } from "../../tools/gen_openapi.ts";
import { unknownReasons } from "../../tools/openapi/errors.ts";
import { parseTemplate } from "../../tools/openapi/http_rule.ts";
import { image, imageRegistry } from "./_image.ts";

type Json = Record<string, unknown>;

/** The part of a document that the tests read. */
interface Document extends Json {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Json> };
}

interface Operation extends Json {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Json[];
  readonly responses: Record<string, { readonly content?: Json }>;
}

const ROOT = new URL("../../gen/", import.meta.url);
const bytes = readFileSync(new URL("descriptor/cqc.binpb", ROOT));
const parse = (file: Uint8Array): Document =>
  JSON.parse(new TextDecoder().decode(file)) as Document;
const documents = new Map(
  [...generateOpenApi(bytes).files].map(([name, file]) => [name, parse(file)]),
);
const operations = [...documents.values()].flatMap(({ paths }) =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => ({ path, verb, operation }))
  )
);
const services = "AssetRegistry VenueGateway MarketData Portfolio RiskEngine".split(" ").map((
  name,
) => imageRegistry.getService(`cqc.services.v1.${name}`)!);

function* nodes(value: unknown): Generator<Json> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Json;
  for (const inner of Object.values(value)) yield* nodes(inner);
}

test("gen/openapi and gen/jsonschema are what the committed descriptors give", () => {
  const made = { openapi: generateOpenApi(bytes).files, jsonschema: generateJsonSchema(bytes) };
  for (const [folder, files] of Object.entries(made)) {
    assert.deepEqual(readdirSync(new URL(folder, ROOT)).sort(), [...files.keys()].sort());
    for (const [name, file] of files) {
      const committed = readFileSync(new URL(`${folder}/${name}`, ROOT));
      assert.ok(Buffer.from(file).equals(committed), `${folder}/${name}: run "make generate"`);
    }
  }
});

test("gen/openapi, each call has one operation under its own id, and its service is the tag", () => {
  const calls = services.flatMap(({ name, methods }) =>
    methods.map((method) => `${name}_${method.name} ${name}`)
  );
  const found = operations.map(({ operation }) => `${operation.operationId} ${operation.tags}`);
  assert.deepEqual(found.sort(), calls.sort());
});

test("gen/openapi, every reference leads somewhere and every schema is referred to", () => {
  for (const [name, document] of documents) {
    const used = new Set<string>();
    for (const { $ref } of nodes(document)) {
      if (typeof $ref !== "string") continue;
      const [, ...steps] = $ref.split("/");
      const target = steps.reduce<unknown>(
        (node, step) => (node as Json | undefined)?.[step],
        document,
      );
      assert.ok(target !== undefined, `${name}: ${$ref}`);
      used.add(steps.at(-1)!);
    }
    const unused = Object.keys(document.components.schemas).filter((each) => !used.has(each));
    assert.deepEqual(unused, [], name);
  }
});

test("gen/openapi, nothing in a path or a query is a message, and what is in a path is required", () => {
  for (const { path, operation } of operations) {
    const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
    const parameters = operation.parameters ?? [];
    const found = parameters.filter((each) => each.in === "path");
    assert.deepEqual(found.map((each) => each.name), inPath, path);
    assert.ok(found.every((each) => each.required === true), path);
    for (const { schema, name } of parameters) {
      assert.notEqual((schema as Json).type, "object", `${name}`);
    }
  }
});

test("gen/openapi, streams are lines of JSON and say so, other answers are JSON", () => {
  const streaming = new Set(
    services.flatMap(({ methods }) =>
      methods.filter((each) => each.methodKind === "server_streaming").map((each) => each.name)
    ),
  );
  for (const { operation } of operations) {
    const isStream = streaming.has(operation.operationId.split("_")[1]!);
    const types = Object.keys(operation.responses["200"]?.content ?? {});
    assert.deepEqual(types, [isStream ? "application/x-ndjson" : "application/json"]);
    assert.equal(
      /stream: one message of JSON a line/.test(String(operation.description)),
      isStream,
    );
  }
});

test("gen/openapi, every failure is a google.rpc.Status", () => {
  for (const { operation } of operations) {
    assert.deepEqual(operation.responses["4XX"], { $ref: "#/components/responses/Refused" });
    assert.deepEqual(operation.responses["default"], { $ref: "#/components/responses/Failed" });
  }
  for (const document of documents.values()) {
    assert.ok("google.rpc.Status" in document.components.schemas);
  }
});

test("gen/openapi, the reasons in the examples of failures are values of the contracts", () => {
  const reasons = imageRegistry.getEnum("cqc.infrastructure.v1.ErrorReason")!;
  assert.deepEqual(unknownReasons(reasons), []);
});

/** Draft 2020-12 of a schema: in OpenAPI 3.0 an excluded bound is a boolean beside the bound. */
function modern(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(modern);
  if (typeof value !== "object" || value === null) return value;
  const { exclusiveMinimum, exclusiveMaximum, ...rest } = value as Json;
  const schema = Object.fromEntries(Object.entries(rest).map(([key, each]) => [key, modern(each)]));
  if (exclusiveMinimum === true) schema.exclusiveMinimum = schema.minimum;
  if (exclusiveMaximum === true) schema.exclusiveMaximum = schema.maximum;
  return schema;
}

test("gen/openapi, every example of a message fits its schema", () => {
  let count = 0;
  for (const [name, { components }] of documents) {
    const ajv = new Ajv2020({ strict: false, logger: false });
    ajv.addSchema({ $id: name, components: modern(components) as Json });
    for (const [type, { example }] of Object.entries(components.schemas)) {
      if (example === undefined) continue;
      const check = ajv.getSchema(`${name}#/components/schemas/${type}`)!;
      assert.ok(check(example), `${type}: ${ajv.errorsText(check.errors)}`);
      count++;
    }
  }
  assert.ok(count > 250, `${count}`);
});

test("gen/openapi, what answers bring is open to new fields, what only requests bring is closed", () => {
  const { schemas } = documents.get("venue_gateway.json")!.components;
  assert.equal(schemas["cqc.venues.v1.Order"]!.additionalProperties, undefined);
  assert.equal(schemas["cqc.services.v1.PlaceOrderRequest"]!.additionalProperties, false);
  assert.equal(schemas["cqc.services.v1.PlaceOrderResponse"]!.additionalProperties, undefined);
});

test("gen/openapi, a path template with several segments in a variable is refused", () => {
  assert.deepEqual(parseTemplate("/v1/a/{b}/c/{d.e=*}:undo"), {
    path: "/v1/a/{b}/c/{d.e}:undo",
    pathFields: ["b", "d.e"],
  });
  for (const template of ["/v1/{name=a/*}", "/v1/{name=**}", "/v1/*/a", "v1/a"]) {
    assert.throws(() => parseTemplate(template), /Cannot write/, template);
  }
});

/** The documents once the HTTP rule of AssetRegistry.UpdateAsset says something else. */
function withRule(rule: Json): Map<string, Document> {
  const http = imageRegistry.getExtension("google.api.http") as DescExtension;
  const set = clone(FileDescriptorSetSchema, image);
  const method = methodOf(set, "UpdateAsset");
  const init = rule as MessageInitShape<DescMessage>;
  setExtension(method.options!, http, create(http.message!, init) as never);
  const made = generateOpenApi(toBinary(FileDescriptorSetSchema, set)).files;
  return new Map([...made].map(([name, file]) => [name, parse(file)]));
}

function methodOf(set: FileDescriptorSet, name: string) {
  const methods = set.file.flatMap((file) => file.service).flatMap((service) => service.method);
  return methods.find((method) => method.name === name)!;
}

const patch = (value: string): Json => ({ pattern: { case: "patch", value }, body: "*" });

test("gen/openapi, further bindings are operations of their own", () => {
  const rule = { ...patch("/v1/assets/{asset_id}"), additionalBindings: [patch("/v2/assets")] };
  const { paths } = withRule(rule).get("asset_registry.json")!;
  assert.equal(paths["/v1/assets/{asset_id}"]!.patch!.operationId, "AssetRegistry_UpdateAsset");
  assert.equal(paths["/v2/assets"]!.patch!.operationId, "AssetRegistry_UpdateAsset_2");
  assert.deepEqual(paths["/v2/assets"]!.patch!.requestBody, {
    required: true,
    content: {
      "application/json": {
        schema: { $ref: "#/components/schemas/cqc.services.v1.UpdateAssetRequest" },
      },
    },
  });
});

test("gen/openapi, a body or an answer may be one field, and the rest of the request is a query", () => {
  const rule = { ...patch("/v1/a/{asset_id}"), body: "metadata", responseBody: "asset" };
  const operation = withRule(rule).get("asset_registry.json")!.paths["/v1/a/{asset_id}"]!.patch!;
  const places = operation.parameters!.map((each) => `${String(each.in)} ${String(each.name)}`);
  assert.ok(places.includes("path asset_id") && places.includes("query name"));
  assert.ok(!places.some((each) => /metadata|query asset_id/.test(each)), `${places}`);
  assert.match(JSON.stringify(operation.requestBody), /"additionalProperties":true/);
  assert.match(JSON.stringify(operation.responses["200"]), /cqc\.assets\.v1\.Asset"/);
});

test("gen/openapi, two calls with the same path are refused", () => {
  const rule = { ...patch(""), pattern: { case: "post", value: "/v1/assets" } };
  assert.throws(() => withRule(rule), /Cannot use post \/v1\/assets twice/);
});

test("gen/openapi, a field that fits into no query is refused", () => {
  const rule = { pattern: { case: "get", value: "/v1/a/{asset_id}" } };
  assert.throws(() => withRule(rule), /Cannot write metadata of .* in a query/);
});

test("gen/openapi and gen/jsonschema refuse a rule that they do not know", () => {
  const broken = (type: string, name: string): Uint8Array => {
    const set = fromBinary(FileDescriptorSetSchema, bytes);
    const messages = set.file.flatMap((file) => file.messageType);
    const options = messages.find((each) => each.name === type)!.field
      .find((each) => each.name === name)!.options!;
    const rules = getExtension(options, fieldOption);
    assert.equal(rules.type.case, "string");
    if (rules.type.case === "string") rules.type.value.prefix = "a";
    setExtension(options, fieldOption, rules);
    return toBinary(FileDescriptorSetSchema, set);
  };
  assert.throws(
    () => generateOpenApi(broken("GetAssetRequest", "asset_id")),
    /for the rules prefix/,
  );
  assert.throws(() => generateJsonSchema(broken("ServiceConfig", "name")), /for the rules prefix/);
});
