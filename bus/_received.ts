import type { DescMessage, Message } from "@bufbuild/protobuf";
import { decode, eventOptions, eventTypes, messageType, validate } from "../contracts/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { HEADER, headerText, isPrintable } from "./headers.ts";
import type { BusRecord } from "./driver.ts";

/** What a record says of itself in its headers. All of it is untrusted. */
export interface Envelope {
  readonly eventId: string;
  readonly correlationId: string;
  /** Full message name, or undefined when the record does not say. */
  readonly type: string | undefined;
}

const MAX_ID = 256;

/** Reads the envelope; a foreign record without one gets an id from its place in the log. */
export function readEnvelope(record: BusRecord): Envelope {
  const place = `${record.topic}/${record.partition}/${record.offset}`;
  const eventId = idOf(record, HEADER.id) ?? place;
  const correlationId = idOf(record, HEADER.correlationId) ?? eventId;
  return { eventId, correlationId, type: headerText(record.headers, HEADER.type) };
}

// Ids go on into logs, spans and the headers of what handlers publish.
function idOf(record: BusRecord, name: string): string | undefined {
  const id = headerText(record.headers, name);
  return id !== undefined && id !== "" && id.length <= MAX_ID && isPrintable(id) ? id : undefined;
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

/** Decodes and validates; throws what the dead letter will say. */
export function readEvent(
  record: BusRecord,
  schema: DescMessage,
  check: (validate: () => void) => void,
): Message {
  if (record.value === null) {
    throw new CqiError(
      "CQI_CONTRACT_DECODE",
      `Cannot decode ${schema.typeName}: the value is null`,
    );
  }
  const contentType = headerText(record.headers, HEADER.contentType);
  if (
    contentType !== undefined && !/^application\/(?:x-)?protobuf$/i.test(contentType.slice(0, 64))
  ) {
    throw new CqiError(
      "CQI_CONTRACT_DECODE",
      `Cannot decode ${schema.typeName}: content-type must be 'application/protobuf', current ` +
        `value has ${contentType.length} characters`,
    );
  }
  const event = decode(schema, record.value);
  check(() => validate(schema, event));
  return event;
}
