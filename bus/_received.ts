import type { DescMessage, Message } from "@bufbuild/protobuf";
import { decode, eventOptions, eventTypes, messageType, validate } from "../contracts/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { HEADER, isPrintable, textOf } from "./headers.ts";
import type { BusRecord } from "./driver.ts";
import type { HeaderValue } from "./types.ts";

/** What a record says of itself in its headers. All of it is untrusted. */
export interface Envelope {
  readonly eventId: string;
  readonly correlationId: string;
  /** Full message name, or undefined when the record does not say. */
  readonly type: string | undefined;
}

const MAX_ID = 256;
const CONTENT_TYPE_REGEXP = /^application\/(?:x-)?protobuf$/i;

/** Makes a reader of envelopes; a foreign record without one gets an id from its place in the log. */
export function envelopeReader(): (record: BusRecord) => Envelope {
  // Mostly the same from record to record.
  const typeOf = textReader();
  return (record) => {
    const { headers } = record;
    const id = headers.get(HEADER.id);
    const correlation = headers.get(HEADER.correlationId);
    const eventId = idOf(id) ?? `${record.topic}/${record.partition}/${record.offset}`;
    // What follows from nothing has its own id there.
    const correlationId = isSame(id, correlation) ? eventId : idOf(correlation) ?? eventId;
    return { eventId, correlationId, type: typeOf(headers.get(HEADER.type)) };
  };
}

// Ids go on into logs, spans and the headers of what handlers publish.
function idOf(value: HeaderValue | undefined): string | undefined {
  const id = textOf(value);
  return id !== undefined && id !== "" && id.length <= MAX_ID && isPrintable(id) ? id : undefined;
}

/** Makes a reader of a header that rarely changes: the same bytes are decoded once. */
function textReader(): (value: HeaderValue | undefined) => string | undefined {
  let bytes: Uint8Array | undefined;
  let text: string | undefined;
  return (value) => {
    if (value === undefined || typeof value === "string") return value;
    if (isSame(bytes, value)) return text;
    bytes = value.slice();
    text = textOf(value);
    return text;
  };
}

function isSame(one: HeaderValue | undefined, other: HeaderValue | undefined): boolean {
  if (typeof one !== "object" || typeof other !== "object") return one === other;
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

/**
 * The descriptor to decode a record with.
 *
 * @param type What the record says it is.
 * @param topic Name of the topic, without prefix.
 * @param declared What the subscription declares, if it does.
 */
export function schemaOf(
  type: string | undefined,
  topic: string,
  declared: DescMessage | undefined,
): DescMessage | undefined {
  if (type === undefined) {
    return declared ?? eventTypes.find((schema) => eventOptions(schema)?.topic === topic);
  }
  return declared?.typeName === type ? declared : messageType(type);
}

/** Decodes and validates an event; throws what the dead letter will say. */
export type EventReader = (
  record: BusRecord,
  schema: DescMessage,
  check: (validate: () => void) => void,
) => Message;

/** Makes a reader of events. */
export function eventReader(): EventReader {
  const contentTypeOf = textReader();
  return (record, schema, check) => {
    if (record.value === null) throw undecodable(schema, "the value is null");
    const contentType = contentTypeOf(record.headers.get(HEADER.contentType));
    if (contentType !== undefined && !CONTENT_TYPE_REGEXP.test(contentType.slice(0, 64))) {
      throw undecodable(
        schema,
        `content-type must be 'application/protobuf', current value has ${contentType.length} ` +
          "characters",
      );
    }
    const event = decode(schema, record.value);
    check(() => validate(schema, event));
    return event;
  };
}

function undecodable(schema: DescMessage, why: string): CqiError {
  return new CqiError("CQI_CONTRACT_DECODE", `Cannot decode ${schema.typeName}: ${why}`);
}
