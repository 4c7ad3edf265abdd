import type { DescMessage } from "@bufbuild/protobuf";
import { Buffer } from "node:buffer";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import {
  decode,
  encode,
  fromJson,
  type JsonValue,
  messageType,
  toJson,
  violations,
} from "../../contracts/mod.ts";

/** A JSON object. */
export type JsonObject = { [key: string]: JsonValue };

/** A message and what every language must make of it. */
export interface Vector {
  /** Full name of the message. */
  readonly type: string;
  /** Name, unique among the vectors of the message. */
  readonly name: string;
  /** The message in binary. */
  readonly bytes: Uint8Array;
  /** The message in JSON; only for valid ones, others are compared with each other. */
  readonly json?: JsonValue;
  /** The rules that it breaks, each as "field rule", in order. Undefined: it cannot be decoded. */
  readonly rules?: readonly string[];
}

/** Above this many broken rules, the places in lists are left out and each rule is said once. */
const MANY = 50;

/** The rules that a message breaks, each as "field rule", in order. */
export function brokenRules(
  type: DescMessage,
  message: Parameters<typeof violations>[1],
): string[] {
  const rules = violations(type, message).map((each) => `${each.field} ${each.rule}`);
  if (rules.length <= MANY) return rules.sort();
  return [...new Set(rules.map((rule) => rule.replace(/\[[0-9]+\]/g, "[*]")))].sort();
}

/** Whether a JSON value is a message that breaks no rule. */
export function isValid(type: DescMessage, json: JsonValue): boolean {
  try {
    return violations(type, fromJson(type, json)).length === 0;
  } catch {
    return false; // It is no such message at all, for example with two members of a oneof.
  }
}

/** Orders the keys of all objects, and so the entries of maps, as other languages write them. */
function ordered(json: JsonValue): JsonValue {
  if (Array.isArray(json)) return json.map(ordered);
  if (typeof json !== "object" || json === null) return json;
  const keys = Object.keys(json).sort();
  return Object.fromEntries(keys.map((key) => [key, ordered(json[key]!)]));
}

/** Makes the vector of a message that can be written as JSON. */
export function vectorOf(type: DescMessage, name: string, json: JsonValue): Vector {
  const bytes = encode(type, fromJson(type, ordered(json)));
  const message = decode(type, bytes);
  const rules = brokenRules(type, message);
  const valid = rules.length === 0;
  return {
    type: type.typeName,
    name,
    bytes,
    rules,
    ...(valid ? { json: ordered(toJson(type, message)) } : {}),
  };
}

/** Above this many bytes a vector is compressed: it says the same thing again and again. */
const LONG = 400;

/** A vector as one line of text. */
export function toLine(vector: Vector): string {
  const { bytes, ...rest } = vector;
  const base64 = (data: Uint8Array): string => Buffer.from(data).toString("base64");
  const content = bytes.length > LONG
    ? { deflated: base64(deflateRawSync(bytes, { level: 9 })) }
    : { bytes: base64(bytes) };
  return JSON.stringify({ ...rest, ...content });
}

/** Reads a line that `toLine` wrote. */
export function fromLine(line: string): Vector {
  const { bytes, deflated, ...rest } = JSON.parse(line) as Omit<Vector, "bytes"> & {
    bytes?: string;
    deflated?: string;
  };
  const data = Buffer.from(bytes ?? deflated ?? "", "base64");
  return { ...rest, bytes: new Uint8Array(deflated === undefined ? data : inflateRawSync(data)) };
}

/** Descriptor of a message of the contracts. */
export function typeOf(name: string): DescMessage {
  const type = messageType(name);
  if (type === undefined) throw new Error(`Cannot find ${name} in the contracts`);
  return type;
}
