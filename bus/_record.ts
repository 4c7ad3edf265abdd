import {
  create,
  type DescMessage,
  isFieldSet,
  isMessage,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { type Timestamp, timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { encode, validate } from "../contracts/mod.ts";
import { activeContext, type Span, uuid } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { inject } from "../tracing/mod.ts";
import { CAUSE, type Environment } from "./_environment.ts";
import { HEADER, requireHeaders, requireHeaderText, sizeOf } from "./headers.ts";
import type { RecordToSend } from "./driver.ts";
import type { HeaderValue, PublishOptions, Topic } from "./types.ts";

/** An event filled in and checked, with its bytes. */
export interface Prepared {
  readonly event: Message;
  readonly value: Uint8Array;
}

/** Fills in what the caller left out, validates and encodes. */
export function prepare(
  env: Environment,
  schema: DescMessage,
  init: MessageInitShape<DescMessage>,
): Prepared {
  const event = filled(env, schema, init);
  validate(schema, event);
  return { event, value: encode(schema, event) };
}

/** The record of a prepared event, with its key and headers, in a span that its headers carry on. */
export function recordOf(
  env: Environment,
  topic: Topic,
  { event, value }: Prepared,
  span: Span,
  options: PublishOptions,
): RecordToSend {
  const name = env.nameOf(topic.name);
  const headers = envelope(env, topic, event, span, options);
  const key = options.key === undefined ? topic.key(event) ?? null : options.key;
  if (key !== null) {
    headers.set(HEADER.partitionKey, requireHeaderText(HEADER.partitionKey, key));
  }
  const record = { topic: name, key, value, headers, timestampMs: nowMs(env) };
  requireSize(env, record);
  span.set({ "messaging.message.id": headers.get(HEADER.id) as string });
  return record;
}

// Whole milliseconds, whatever a clock says: a Timestamp's nanoseconds are a whole number.
function nowMs({ clock }: Environment): number {
  return Math.floor(clock.now());
}

/** Refuses a record that is larger than the configuration allows. */
export function requireSize({ settings }: Environment, record: RecordToSend): void {
  const bytes = sizeOf(record);
  if (bytes > settings.maxMessageBytes) throw tooLarge(record.topic, bytes, settings);
}

// Events of the contracts begin with event_id, timestamp and actor_id; what the caller left out is
// filled in on a copy, so that a message handed in stays as it was. A shallow one: it is encoded
// before anybody else runs.
function filled(
  env: Environment,
  schema: DescMessage,
  init: MessageInitShape<DescMessage>,
): Message {
  const { eventId, timestamp, actorId } = schema.field;
  if (isMessage(init) && init.$typeName !== schema.typeName) {
    throw new CqiError(
      "CQI_BUS_TYPE_MISMATCH",
      `Cannot publish a ${init.$typeName} where ${schema.typeName} was wanted`,
    );
  }
  const event =
    (isMessage(init)
      ? Object.assign(Object.create(Object.getPrototypeOf(init)), init)
      : create(schema, init)) as Message & Record<string, unknown>;
  if (eventId !== undefined && !isFieldSet(event, eventId)) {
    event.eventId = uuid(env.clock, env.random);
  }
  if (
    timestamp?.message?.typeName === "google.protobuf.Timestamp" && !isFieldSet(event, timestamp)
  ) {
    event.timestamp = timestampFromMs(nowMs(env));
  }
  if (actorId !== undefined && !isFieldSet(event, actorId)) event.actorId = env.settings.actor;
  return event;
}

function envelope(
  env: Environment,
  topic: Topic,
  event: Message,
  span: Span,
  options: PublishOptions,
): Map<string, HeaderValue> {
  const fields = event as Message & { eventId?: unknown; timestamp?: Timestamp };
  const cause = activeContext().get(CAUSE);
  const id = typeof fields.eventId === "string" && fields.eventId !== ""
    ? fields.eventId
    : uuid(env.clock, env.random);
  const time = fields.timestamp?.$typeName === "google.protobuf.Timestamp"
    ? timestampDate(fields.timestamp)
    : new Date(env.clock.now());
  const headers = new Map<string, HeaderValue>(requireHeaders(options.headers));
  headers.set(HEADER.contentType, "application/protobuf");
  headers.set(HEADER.specVersion, "1.0");
  headers.set(HEADER.id, id);
  headers.set(HEADER.source, env.settings.source);
  headers.set(HEADER.type, topic.schema.typeName);
  headers.set(HEADER.time, time.toISOString());
  headers.set(HEADER.dataSchema, `type.googleapis.com/${topic.schema.typeName}`);
  const setId = (name: string, value: string): void =>
    void headers.set(name, requireHeaderText(name, value));
  setId(HEADER.correlationId, options.correlationId ?? cause?.correlationId ?? id);
  const causationId = options.causationId ?? cause?.eventId;
  if (causationId !== undefined) setId(HEADER.causationId, causationId);
  inject(span.context, (name, value) => headers.set(name, value));
  return headers;
}

function tooLarge(topic: string, bytes: number, settings: Environment["settings"]): CqiError {
  return new CqiError(
    "CQI_CONTRACT_INVALID",
    `Cannot publish on '${topic}': the event has ${bytes} bytes, wanted at most ` +
      `${settings.maxMessageBytes} (event_bus.max_message_bytes)`,
  );
}
