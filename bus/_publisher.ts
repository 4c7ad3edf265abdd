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
import { activeContext, chain, type Span, uuid, type WaitOptions } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { inject } from "../tracing/mod.ts";
import type { Batcher } from "./_batcher.ts";
import { CAUSE, type Environment } from "./_environment.ts";
import { HEADER, requireHeaders, requireHeaderText, sizeOf } from "./headers.ts";
import type { RecordToSend } from "./driver.ts";
import type { HeaderValue, Published, PublishMiddleware, PublishOptions, Topic } from "./types.ts";

/** Publishes an event of a typed topic. */
export type Publish = (
  topic: Topic,
  event: MessageInitShape<DescMessage>,
  options: PublishOptions,
) => Promise<Published>;

/** Makes the publishing half of a bus. */
export function publisher(
  env: Environment,
  out: Batcher,
  middleware: readonly PublishMiddleware[],
): Publish {
  const { settings, clock, tracer, metrics } = env;
  const send = chain(
    middleware,
    (record: RecordToSend, wait: WaitOptions) => out.send(record, wait),
  );

  return async (topic, init, options) => {
    const name = env.nameOf(topic.name);
    try {
      const event = prepare(env, topic.schema, init);
      validate(topic.schema, event);
      const value = encode(topic.schema, event);
      const published = await tracer.span(
        `send ${name}`,
        {
          kind: "producer",
          attributes: {
            "messaging.system": settings.driver,
            "messaging.operation.type": "send",
            "messaging.destination.name": name,
          },
        },
        async (span) => {
          const headers = envelope(env, topic, event, span, options);
          const key = options.key === undefined ? topic.key(event) ?? null : options.key;
          if (key !== null) {
            headers.set(HEADER.partitionKey, requireHeaderText(HEADER.partitionKey, key));
          }
          const record = { topic: name, key, value, headers, timestampMs: clock.now() };
          const bytes = sizeOf(record);
          if (bytes > settings.maxMessageBytes) throw tooLarge(name, bytes, settings);
          span.set({ "messaging.message.id": headers.get(HEADER.id) as string });
          return await send(record, { signal: options.signal });
        },
      );
      metrics.published.with({ topic: name, result: "ok" }).add();
      return published;
    } catch (error) {
      metrics.published.with({ topic: name, result: "error" }).add();
      throw error;
    }
  };
}

// Events of the contracts begin with event_id, timestamp and actor_id; what the caller left out is
// filled in on a copy, so that a message handed in stays as it was. A shallow one: it is encoded
// before anybody else runs.
function prepare(
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
    event.timestamp = timestampFromMs(env.clock.now());
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
