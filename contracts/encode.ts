import {
  type DescMessage,
  fromBinary,
  fromJson as fromJsonValue,
  type MessageShape,
  toBinary,
  toJson as toJsonValue,
} from "@bufbuild/protobuf";
import { CqiError } from "../errors/mod.ts";
import { requireInteger } from "../internal/options.ts";
import { decodeError, encodeError } from "./_failure.ts";

/** Anything that JSON can say. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | JsonValue[]
  | { [key: string]: JsonValue };

const MEBIBYTE = 1_048_576;

/** Bounds of what is decoded. */
export interface DecodeOptions {
  /** Most bytes (or characters of JSON text) taken. @default {16_777_216} */
  readonly maxBytes?: number;
  /** Deepest nesting of messages taken, 1 to 1000. @default {100} */
  readonly recursionLimit?: number;
}

/** Bounds of a JSON document that is decoded. */
export interface JsonDecodeOptions extends DecodeOptions {
  /** Whether fields that the message does not have are skipped, not refused. @default {false} */
  readonly ignoreUnknownFields?: boolean;
}

/**
 * Encodes a message to its binary form. Fields that this version does not know but an earlier
 * decode kept are written too.
 *
 * @param schema Descriptor of the message.
 * @param message The message.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` when a value has a type that its field cannot hold.
 */
export function encode<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): Uint8Array {
  requireType(schema, message);
  try {
    return toBinary(schema, message);
  } catch (error) {
    throw encodeError(schema, "bytes", error);
  }
}

/**
 * Decodes a message from its binary form: the whole of it or an error, never half a message. The
 * result shares no memory with the bytes. Rules are checked by `validate`, not here.
 *
 * @param schema Descriptor of the message.
 * @param bytes What `encode` made, in any language.
 * @param options Bounds.
 * @throws {CqiError} `CQI_CONTRACT_DECODE` for bytes that are too many, truncated or malformed.
 */
export function decode<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  options: DecodeOptions = {},
): MessageShape<Desc> {
  const limits = limitsOf(options);
  if (!(bytes instanceof Uint8Array)) {
    throw decodeError(schema, "bytes", undefined);
  }
  requireSize(schema, bytes.length, limits.maxBytes);
  try {
    // protobuf-es hands out views of its input for bytes fields; a copy keeps readers apart.
    return fromBinary(schema, new Uint8Array(bytes), { recursionLimit: limits.recursionLimit });
  } catch (error) {
    throw decodeError(schema, "bytes", error);
  }
}

/**
 * Turns a message into JSON with the field names of the contracts (`market_id`): 64-bit numbers as
 * strings, times as RFC 3339, durations as seconds (`1.5s`), bytes as base64, enums by name.
 *
 * @param schema Descriptor of the message.
 * @param message The message.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` when a value has no JSON form, such as a time beyond
 * year 9999.
 */
export function toJson<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): JsonValue {
  requireType(schema, message);
  try {
    return toJsonValue(schema, message, { useProtoFieldName: true });
  } catch (error) {
    throw encodeError(schema, "JSON", error);
  }
}

/**
 * Reads a message from JSON. Field names of the contracts and their camelCase forms are both
 * taken; a field that does not exist is refused unless told otherwise.
 *
 * @param schema Descriptor of the message.
 * @param json A JSON value, already parsed.
 * @param options Bounds.
 * @throws {CqiError} `CQI_CONTRACT_DECODE` naming the field; the value is never shown.
 */
export function fromJson<Desc extends DescMessage>(
  schema: Desc,
  json: JsonValue,
  options: JsonDecodeOptions = {},
): MessageShape<Desc> {
  const { recursionLimit } = limitsOf(options);
  try {
    return fromJsonValue(schema, json, {
      ignoreUnknownFields: options.ignoreUnknownFields ?? false,
      recursionLimit,
    });
  } catch (error) {
    throw decodeError(schema, "JSON", error);
  }
}

/**
 * `toJson` as text on one line.
 *
 * @param schema Descriptor of the message.
 * @param message The message.
 */
export function toJsonString<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): string {
  return JSON.stringify(toJson(schema, message));
}

/**
 * `fromJson` of text.
 *
 * @param schema Descriptor of the message.
 * @param text A JSON document.
 * @param options Bounds.
 * @throws {CqiError} `CQI_CONTRACT_DECODE` when the text is too long, no JSON, or not the message.
 */
export function fromJsonString<Desc extends DescMessage>(
  schema: Desc,
  text: string,
  options: JsonDecodeOptions = {},
): MessageShape<Desc> {
  requireSize(schema, text.length, limitsOf(options).maxBytes);
  let json: JsonValue;
  try {
    json = JSON.parse(text) as JsonValue;
  } catch (error) {
    // The parser's own message quotes the text, which may hold a secret.
    throw decodeError(schema, "JSON", error instanceof SyntaxError ? undefined : error);
  }
  return fromJson(schema, json, options);
}

function limitsOf(options: DecodeOptions): Required<DecodeOptions> {
  return {
    maxBytes: requireInteger("maxBytes", options.maxBytes ?? 16 * MEBIBYTE, 0, 2 ** 31 - 1),
    recursionLimit: requireInteger("recursionLimit", options.recursionLimit ?? 100, 1, 1000),
  };
}

function requireSize(schema: DescMessage, size: number, limit: number): void {
  if (size <= limit) return;
  throw new CqiError(
    "CQI_CONTRACT_DECODE",
    `Cannot decode ${schema.typeName}: its size is ${size}, at most ${limit} is allowed`,
    { details: { type: schema.typeName, size, limit } },
  );
}

function requireType(schema: DescMessage, message: { readonly $typeName?: unknown }): void {
  if (message?.$typeName === schema.typeName) return;
  throw new CqiError(
    "CQI_CONTRACT_INVALID",
    `Cannot encode ${schema.typeName}: the value is ` +
      (typeof message?.$typeName === "string"
        ? `a message ${message.$typeName.slice(0, 128)}`
        : "no message, make one with create()"),
    { details: { type: schema.typeName, violations: [] } },
  );
}
