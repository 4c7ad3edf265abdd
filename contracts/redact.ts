import {
  clone,
  type DescField,
  type DescMessage,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { type JsonValue, toJson } from "./encode.ts";

/** What stands in place of a value that must not be shown. */
export const REDACTED = "[redacted]";

/**
 * Whether the contracts mark a field as secret (`debug_redact`).
 *
 * @param field Descriptor of the field.
 */
export function isRedacted(field: DescField): boolean {
  return field.proto.options?.debugRedact === true;
}

/**
 * Turns a message into JSON like `toJson`, with `[redacted]` in place of each field that the
 * contracts mark as secret, at any depth.
 *
 * @param schema Descriptor of the message.
 * @param message The message.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` when a value has no JSON form.
 *
 * @example
 * ```ts
 * import { toRedactedJson } from "@cq/cqi/contracts";
 * import { ApiKeySchema } from "@cq/cqi/cqc/auth/v1";
 * import { create } from "@bufbuild/protobuf";
 * import assert from "node:assert/strict";
 *
 * const key = create(ApiKeySchema, { keyId: "k_1", keyHash: new Uint8Array(32) });
 * assert.deepEqual(toRedactedJson(ApiKeySchema, key), { key_id: "k_1", key_hash: "[redacted]" });
 * ```
 */
export function toRedactedJson<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): JsonValue {
  const json = toJson(schema, message);
  maskJson(reflect(schema, message), json);
  return json;
}

/**
 * Copies a message with every field that the contracts mark as secret replaced: text by
 * `[redacted]`, all else unset. The original stays as it is.
 *
 * @param schema Descriptor of the message.
 * @param message The message.
 */
export function redact<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): MessageShape<Desc> {
  const copy = clone(schema, message);
  maskMessage(reflect(schema, copy));
  return copy;
}

/** Masks the JSON form of a message in place. */
function maskJson(message: ReflectMessage, json: JsonValue): void {
  // Well-known types have JSON forms of their own and no secrets; they are not objects by field.
  if (message.desc.typeName.startsWith("google.protobuf.")) return;
  const object = json as Record<string, JsonValue>;
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (isRedacted(field)) {
      object[field.name] = REDACTED;
      continue;
    }
    const part = object[field.name] as JsonValue;
    if (field.fieldKind === "message") {
      maskJson(message.get(field), part);
    } else if (field.fieldKind === "list" && field.listKind === "message") {
      let index = 0;
      for (const item of message.get(field)) {
        maskJson(item as ReflectMessage, (part as JsonValue[])[index++] as JsonValue);
      }
    } else if (field.fieldKind === "map" && field.mapKind === "message") {
      for (const [key, item] of message.get(field)) {
        maskJson(
          item as ReflectMessage,
          (part as Record<string, JsonValue>)[String(key)] as JsonValue,
        );
      }
    }
  }
}

/** Masks a message in place. */
function maskMessage(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (isRedacted(field)) {
      if (field.fieldKind === "scalar" && field.scalar === ScalarType.STRING) {
        message.set(field, REDACTED);
      } else {
        message.clear(field);
      }
    } else if (field.fieldKind === "message") {
      maskMessage(message.get(field));
    } else if (field.fieldKind === "list" && field.listKind === "message") {
      for (const item of message.get(field)) maskMessage(item as ReflectMessage);
    } else if (field.fieldKind === "map" && field.mapKind === "message") {
      for (const item of message.get(field).values()) maskMessage(item as ReflectMessage);
    }
  }
}
