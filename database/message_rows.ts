import type { DescField, DescMessage, MessageShape } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { fromJson, type JsonValue, toJson, validate } from "../contracts/mod.ts";
import { CqiError, messageOf } from "../errors/mod.ts";
import type { Row } from "./_decode.ts";
import { JsonDocument } from "./value.ts";
import type { RowReader } from "./_rows.ts";
import type { SqlRecord, SqlValue } from "./sql.ts";

/** How rows become messages. */
export interface MessageRowOptions {
  /** Columns that the message has no field for and that are left out. @default {[]} */
  readonly ignore?: readonly string[];
}

function invalid(index: number, type: string, what: string, column?: string): CqiError {
  return new CqiError(
    "CQI_DATABASE_ROW_INVALID",
    `Cannot read row ${index + 1} as ${type}: ${what}`,
    { details: { row: index, type, ...(column === undefined ? {} : { column }) } },
  );
}

/** A column's value as the JSON that its field takes. */
function jsonOf(value: unknown): JsonValue {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return base64Encode(value);
  if (Array.isArray(value)) return value.map(jsonOf);
  return value as JsonValue;
}

/** A reader that makes a valid message of each row: columns are named as the message's fields. */
export function messageReader<Desc extends DescMessage>(
  schema: Desc,
  options: MessageRowOptions,
): RowReader<MessageShape<Desc>> {
  const names = new Set(schema.fields.map((field) => field.name));
  const ignored = new Set(options.ignore);
  function read(row: Row, index: number): MessageShape<Desc> {
    const json: Record<string, JsonValue> = {};
    for (const [name, value] of Object.entries(row)) {
      if (ignored.has(name) || (value === null && names.has(name))) continue;
      if (!names.has(name)) {
        throw invalid(
          index,
          schema.typeName,
          `it has no field for column '${name}', select fewer columns or name it in 'ignore'`,
          name,
        );
      }
      json[name] = jsonOf(value);
    }
    try {
      const message = fromJson(schema, json);
      validate(schema, message);
      return message;
    } catch (error) {
      // Errors of contracts/ name fields and rules, never values.
      throw invalid(index, schema.typeName, messageOf(error));
    }
  }
  const reader = (rows: Row[], firstIndex: number): MessageShape<Desc>[] =>
    rows.map((row, i) => read(row, firstIndex + i));
  return Object.assign(reader, { isExact: true });
}

function valueOf(field: DescField, json: JsonValue | undefined): SqlValue {
  if (field.fieldKind === "list" && field.listKind !== "message") {
    const items = (json ?? []) as JsonValue[];
    return field.scalar === 12
      ? items.map((item) => base64Decode(item as string))
      : items as SqlValue[];
  }
  if (field.fieldKind === "list" || field.fieldKind === "map") {
    return new JsonDocument(json ?? (field.fieldKind === "list" ? [] : {}));
  }
  if (json === undefined) return null;
  if (field.fieldKind === "scalar" && field.scalar === 12) return base64Decode(json as string);
  // A message that JSON says as text, such as a Timestamp, is text for PostgreSQL too.
  return typeof json === "object" ? new JsonDocument(json) : json;
}

/**
 * The columns of a message, for `sql.records`: a column for each field, null where the field is not
 * set. Decimals and 64-bit numbers keep every digit, times their microseconds; enums go by name,
 * nested messages and maps as documents, lists of scalars as arrays.
 *
 * @param schema Descriptor of the message.
 * @param message The message; checked before.
 *
 * @example
 * ```ts
 * import { messageRecord } from "@cq/cqi/database";
 * import { FeeSchema } from "@cq/cqi/cqc/venues/v1";
 * import { create } from "@bufbuild/protobuf";
 * import assert from "node:assert/strict";
 *
 * const fee = create(FeeSchema, {
 *   assetId: "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
 *   amount: "0.10",
 *   kind: 1,
 * });
 * assert.equal(messageRecord(FeeSchema, fee).amount, "0.10");
 * ```
 */
export function messageRecord<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): SqlRecord {
  validate(schema, message);
  const json = toJson(schema, message);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new CqiError(
      "CQI_OPTION_INVALID",
      `Cannot make columns of ${schema.typeName}: in JSON it is one value, bind it as such`,
    );
  }
  return Object.fromEntries(
    schema.fields.map((field) => [field.name, valueOf(field, json[field.name])]),
  );
}
