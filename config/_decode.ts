import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { type SecretRef, SecretRefSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { isRedacted } from "../contracts/mod.ts";
import { describe, type Leaf, readEnum, readLeafMessage, readScalar } from "./_leaf.ts";
import { childPath, type Findings } from "./_problems.ts";
import { isLeafMessage, isOpenMessage } from "./_shape.ts";
import { didYouMean, suggest } from "./_suggest.ts";
import type { ConfigMap, ConfigNode, ConfigScalar } from "./source.ts";

const SECRET_WANTED = "must say where the secret lies, such as 'env: NAME', 'file: PATH' or " +
  "'${NAME}'; the secret itself has no place in a configuration";

/**
 * Makes a message of settings. What does not fit is noted, not thrown, and left unset.
 *
 * @param desc The message.
 * @param map The settings.
 * @param path Where they stand.
 * @param findings Takes mistakes and places.
 */
export function decodeMessage(
  desc: DescMessage,
  map: ConfigMap,
  path: string,
  findings: Findings,
): ReflectMessage {
  const message = reflect(desc, create(desc));
  const taken = new Map<string, string>();
  findings.places.set(path, { at: map.at });
  for (const [name, node] of map.entries) {
    const here = childPath(path, name);
    const field = desc.fields.find((each) => each.name === name);
    if (field === undefined) {
      refuseName(desc, name, path, node, findings);
      continue;
    }
    const oneof = field.oneof?.name;
    const other = oneof === undefined ? undefined : taken.get(oneof);
    if (other !== undefined) {
      findings.refuse(here, node, `cannot be set together with '${other}'`);
      continue;
    }
    if (oneof !== undefined) taken.set(oneof, name);
    setField(message, field, node, here, findings);
  }
  return message;
}

function refuseName(
  desc: DescMessage,
  name: string,
  path: string,
  node: ConfigNode,
  findings: Findings,
): void {
  const names = desc.fields.map((field) => field.name);
  findings.refuse(childPath(path, name), node, `is no setting${didYouMean(name, names)}`);
  // Or the same mistake would be told again as a required setting that is missing.
  const meant = suggest(name, names);
  if (meant !== undefined) findings.excuse(childPath(path, meant));
}

function setField(
  message: ReflectMessage,
  field: DescField,
  node: ConfigNode,
  path: string,
  findings: Findings,
): void {
  const hidden = isRedacted(field);
  switch (field.fieldKind) {
    case "scalar":
    case "enum": {
      const value = readValue(field, field.name, node, path, hidden, findings);
      if (value !== undefined) message.set(field, value);
      return;
    }
    case "message": {
      const value = readMessage(field.message, node, path, findings);
      if (value !== undefined) message.set(field, value);
      return;
    }
    case "list": {
      if (node.kind !== "list") return findings.refuse(path, node, mustBe("a list", node));
      findings.places.set(path, { at: node.at });
      const list = message.get(field);
      for (const [i, item] of node.items.entries()) {
        const here = `${path}[${i}]`;
        const value = field.listKind === "message"
          ? readMessage(field.message, item, here, findings)
          : readValue(field, field.name, item, here, hidden, findings);
        if (value !== undefined) list.add(value);
      }
      return;
    }
    case "map": {
      if (node.kind !== "map") return findings.refuse(path, node, mustBe("values by name", node));
      findings.places.set(path, { at: node.at });
      const map = message.get(field);
      for (const [key, item] of node.entries) {
        const here = `${path}[${JSON.stringify(key)}]`;
        const value = field.mapKind === "message"
          ? readMessage(field.message, item, here, findings)
          : readValue(field, field.name, item, here, hidden, findings);
        if (value !== undefined) map.set(key, value);
      }
    }
  }
}

function mustBe(wanted: string, node: ConfigNode): string {
  return `must be ${wanted}, got ${describe(node)}`;
}

function take<T>(
  leaf: Leaf<T>,
  node: ConfigNode,
  path: string,
  hidden: boolean,
  findings: Findings,
): T | undefined {
  if ("wanted" in leaf) {
    findings.refuse(path, node, mustBe(leaf.wanted, node));
    return undefined;
  }
  const text = node.kind === "scalar" ? node.text : "";
  const secret = node.kind === "scalar" && node.secret === true;
  findings.places.set(path, { at: node.at, text, hidden: hidden || secret });
  return leaf.value;
}

/** What a value field, a list or a map of values says of its values. */
interface ValueField {
  readonly scalar?: ScalarType | undefined;
  readonly enum?: DescEnum | undefined;
}

function readValue(
  field: ValueField,
  name: string,
  node: ConfigNode,
  path: string,
  hidden: boolean,
  findings: Findings,
): string | number | bigint | boolean | Uint8Array | undefined {
  if (node.kind !== "scalar" || node.value === null) {
    findings.refuse(path, node, mustBe("one value", node));
    return undefined;
  }
  const leaf = field.enum !== undefined
    ? readEnum(field.enum, node.text)
    : readScalar(field.scalar ?? ScalarType.STRING, name, node);
  return take<string | number | bigint | boolean | Uint8Array>(leaf, node, path, hidden, findings);
}

function readMessage(
  desc: DescMessage,
  node: ConfigNode,
  path: string,
  findings: Findings,
): ReflectMessage | undefined {
  if (isLeafMessage(desc)) {
    const value = take(readLeafMessage(desc, node), node, path, false, findings);
    return value && reflect(desc, value);
  }
  if (isOpenMessage(desc)) return readOpen(desc, node, path, findings);
  if (desc.typeName === SecretRefSchema.typeName && node.kind === "scalar") {
    return readReference(node, path, findings);
  }
  if (node.kind !== "map") {
    findings.refuse(path, node, mustBe("settings by name", node));
    return undefined;
  }
  const message = decodeMessage(desc, node, path, findings);
  if (desc.typeName === SecretRefSchema.typeName) {
    const { valueSource } = message.message as SecretRef;
    if (valueSource.case === "env") findings.secretVariables.add(valueSource.value);
  }
  return message;
}

function readReference(
  node: ConfigScalar,
  path: string,
  findings: Findings,
): ReflectMessage | undefined {
  const { env, file } = node.reference ?? {};
  if (env === undefined && file === undefined) {
    findings.refuse(path, node, SECRET_WANTED);
    return undefined;
  }
  const text = env === undefined ? `file ${file}` : `variable ${env}`;
  findings.places.set(path, { at: node.at, text, hidden: false });
  if (env !== undefined) findings.secretVariables.add(env);
  const valueSource = env === undefined
    ? { case: "file" as const, value: file ?? "" }
    : { case: "env" as const, value: env };
  return reflect(SecretRefSchema, create(SecretRefSchema, { valueSource }));
}

function readOpen(
  desc: DescMessage,
  node: ConfigNode,
  path: string,
  findings: Findings,
): ReflectMessage | undefined {
  try {
    const value: Message = fromJson(desc, jsonOf(node, path, findings));
    return reflect(desc, value);
  } catch {
    // The error's text would show the value.
    const wanted = desc.name === "Struct" ? "settings by name" : "a list";
    findings.refuse(path, node, mustBe(wanted, node));
    return undefined;
  }
}

/** A node as JSON; objects have no prototype. Notes where each value came from. */
export function jsonOf(node: ConfigNode, path: string, findings: Findings): JsonValue {
  const { at } = node;
  if (node.kind === "scalar") {
    findings.places.set(path, { at, text: node.text, hidden: node.secret === true });
    return typeof node.value === "bigint" ? node.text : node.value;
  }
  findings.places.set(path, { at });
  if (node.kind === "list") {
    return node.items.map((item, i) => jsonOf(item, `${path}[${i}]`, findings));
  }
  const object: JsonObject = Object.create(null);
  for (const [key, child] of node.entries) {
    object[key] = jsonOf(child, childPath(path, key), findings);
  }
  return object;
}
