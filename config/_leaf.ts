import {
  type DescEnum,
  type DescMessage,
  fromJson,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { create } from "@bufbuild/protobuf";
import { parseDuration } from "../core/mod.ts";
import { parseSize } from "./size.ts";
import type { ConfigNode, ConfigScalar } from "./source.ts";

/** A value, or what was wanted in its place. */
export type Leaf<T> = { readonly value: T } | { readonly wanted: string };

const INTEGER_REGEXP = /^[-+]?(?:0|[1-9][0-9]{0,19})$/;
const NUMBER_REGEXP = /^[-+]?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,99})?(?:[eE][-+]?[0-9]{1,3})?$/;
const PERCENT_REGEXP = /^([-+]?[0-9]{1,15}(?:\.[0-9]{1,15})?)%$/;

const RANGES: Readonly<Partial<Record<ScalarType, readonly [bigint, bigint]>>> = {
  [ScalarType.INT32]: [-(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.SINT32]: [-(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.SFIXED32]: [-(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.UINT32]: [0n, 2n ** 32n - 1n],
  [ScalarType.FIXED32]: [0n, 2n ** 32n - 1n],
  [ScalarType.INT64]: [-(2n ** 63n), 2n ** 63n - 1n],
  [ScalarType.SINT64]: [-(2n ** 63n), 2n ** 63n - 1n],
  [ScalarType.SFIXED64]: [-(2n ** 63n), 2n ** 63n - 1n],
  [ScalarType.UINT64]: [0n, 2n ** 64n - 1n],
  [ScalarType.FIXED64]: [0n, 2n ** 64n - 1n],
};
const WIDE: readonly ScalarType[] = [
  ScalarType.INT64,
  ScalarType.SINT64,
  ScalarType.SFIXED64,
  ScalarType.UINT64,
  ScalarType.FIXED64,
];

/** What a node is, without showing what it says. */
export function describe(node: ConfigNode): string {
  if (node.kind !== "scalar") return node.kind === "list" ? "a list" : "settings by name";
  if (node.value === null) return "nothing";
  const { value } = node;
  return typeof value === "string" ? `a text of ${value.length} characters` : `a ${typeof value}`;
}

/** Reads the value of a scalar field. */
export function readScalar(
  type: ScalarType,
  fieldName: string,
  node: ConfigScalar,
): Leaf<string | number | bigint | boolean | Uint8Array> {
  switch (type) {
    case ScalarType.STRING:
      return typeof node.value === "boolean" ? { wanted: "text, in quotes" } : { value: node.text };
    case ScalarType.BOOL:
      return readBoolean(node);
    case ScalarType.BYTES:
      return readBytes(node.text);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return readNumber(node.text);
    default:
      return readInteger(type, fieldName.endsWith("_bytes"), node.text);
  }
}

function readBoolean({ value, text }: ConfigScalar): Leaf<boolean> {
  if (typeof value === "boolean") return { value };
  if (text === "true" || text === "false") return { value: text === "true" };
  return { wanted: "true or false" };
}

function readBytes(text: string): Leaf<Uint8Array> {
  try {
    return { value: base64Decode(text) };
  } catch {
    return { wanted: "bytes in base64" };
  }
}

/** Reads a number; `12.5%` is 0.125. */
export function readNumber(text: string): Leaf<number> {
  const percent = PERCENT_REGEXP.exec(text);
  const number = percent === null ? Number(text) : Number(percent[1]) / 100;
  if ((percent === null && !NUMBER_REGEXP.test(text)) || !Number.isFinite(number)) {
    return { wanted: "a number or a percentage" };
  }
  return { value: number };
}

function readInteger(type: ScalarType, isSize: boolean, text: string): Leaf<number | bigint> {
  const [min, max] = RANGES[type] ?? [0n, 0n];
  const bytes = isSize ? parseSize(text) : undefined;
  const wanted = `a whole number from ${min} to ${max}` +
    (isSize ? ", or a size such as '10MiB'" : "");
  if (bytes === undefined && !INTEGER_REGEXP.test(text)) return { wanted };
  const number = bytes === undefined ? BigInt(text) : BigInt(bytes);
  if (number < min || number > max) return { wanted };
  return { value: WIDE.includes(type) ? number : Number(number) };
}

/** Reads the value of an enum field: the name of a value, with or without the enum's own prefix. */
export function readEnum(desc: DescEnum, text: string): Leaf<number> {
  const found = desc.values.find(({ name }) =>
    name === text ||
    (desc.sharedPrefix !== undefined && name === (desc.sharedPrefix + text).toUpperCase())
  );
  if (found !== undefined) return { value: found.number };
  return { wanted: `one of ${desc.values.map(({ name }) => name).join(", ")}` };
}

/** Reads a message that is written as one value. */
export function readLeafMessage(desc: DescMessage, node: ConfigNode): Leaf<Message> {
  if (desc.typeName === DurationSchema.typeName) return readDuration(node);
  const wanted = desc.typeName === "google.protobuf.Timestamp"
    ? "a time such as '2026-01-31T12:00:00Z'"
    : `a ${desc.name}`;
  if (node.kind !== "scalar") return { wanted };
  for (const json of [node.text, node.value]) {
    try {
      return { value: fromJson(desc, typeof json === "bigint" ? String(json) : json) };
    } catch {
      // The next form, or the answer below: the error's text would show the value.
    }
  }
  return { wanted };
}

const DURATION = "a duration with a unit, such as '250ms', '30s' or '1h30m'";
// google/protobuf/duration.proto: about 10,000 years.
const MAX_SECONDS = 315_576_000_000;

function readDuration(node: ConfigNode): Leaf<Message> {
  const ms = node.kind === "map" ? fieldsMs(node.entries) : textMs(node);
  if (ms === undefined || ms / 1000 > MAX_SECONDS) return { wanted: DURATION };
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1e6);
  const carry = nanos === 1_000_000_000 ? 1 : 0;
  return {
    value: create(DurationSchema, {
      seconds: BigInt(seconds + carry),
      nanos: carry === 1 ? 0 : nanos,
    }),
  };
}

function textMs(node: ConfigNode): number | undefined {
  if (node.kind !== "scalar") return undefined;
  // Zero needs no unit.
  return node.text === "0" ? 0 : parseDuration(node.text);
}

// The fields of a Duration, as `duration()` of core makes them.
function fieldsMs(entries: ReadonlyMap<string, ConfigNode>): number | undefined {
  const part = (name: string): number => {
    const node = entries.get(name);
    if (node === undefined) return 0;
    return node.kind === "scalar" && /^[0-9]{1,15}$/.test(node.text) ? Number(node.text) : NaN;
  };
  const known = [...entries.keys()].every((key) => key === "seconds" || key === "nanos");
  const ms = part("seconds") * 1000 + part("nanos") / 1e6;
  return known && Number.isFinite(ms) ? ms : undefined;
}
