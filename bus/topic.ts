import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import { eventOptions, messageType, partitionKeyFields } from "../contracts/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { Topic } from "./types.ts";

/** Settings of a topic. */
export interface TopicOptions<S extends DescMessage> {
  /** Name on the broker. @default {the one in the message's event option} */
  readonly name?: string;
  /** Partition key of an event. @default {the path in the message's event option} */
  readonly key?: (event: MessageShape<S>) => string | undefined;
}

// Kafka's own rule: 249 characters, so that "<topic>-<partition>" is a legal directory name.
const TOPIC_REGEXP = /^[a-zA-Z0-9._-]{1,249}$/;

/**
 * Checks a topic name: `[a-zA-Z0-9._-]{1,249}`, not `.` or `..` (Kafka, Topic.java).
 *
 * @param name The name.
 */
export function requireTopicName(name: string): string {
  if (name.length <= 249 && TOPIC_REGEXP.test(name) && name !== "." && name !== "..") return name;
  throw new CqiError(
    "CQI_BUS_TOPIC_INVALID",
    `Cannot use topic '${name.slice(0, 64)}': a name has 1 to 249 characters of [a-zA-Z0-9._-] ` +
      `and is not '.' or '..', current value has ${name.length} characters`,
  );
}

/**
 * Makes a typed topic from a message descriptor. For events of the contracts name and key come
 * from the message's own option `(cqc.events.v1.event)`.
 *
 * @param schema Descriptor of the events.
 * @param options Another name or key.
 *
 * @example
 * ```ts
 * import { topic } from "@cq/cqi/bus";
 * import { PriceUpdatedSchema } from "@cq/cqi/cqc/events/v1";
 * import assert from "node:assert/strict";
 *
 * const prices = topic(PriceUpdatedSchema);
 * assert.equal(prices.name, "cqc.events.v1.price_updated");
 * ```
 */
export function topic<S extends DescMessage>(
  schema: S,
  options: TopicOptions<S> = {},
): Topic<S> {
  const name = options.name ?? eventOptions(schema)?.topic;
  if (name === undefined) {
    throw new CqiError(
      "CQI_BUS_TOPIC_INVALID",
      `Cannot make a topic of ${schema.typeName}: it has no event option, so name it in 'name'`,
    );
  }
  return { name: requireTopicName(name), schema, key: options.key ?? optionKey(schema) };
}

// The path of the option, resolved once rather than at each event.
function optionKey<S extends DescMessage>(schema: S): Topic<S>["key"] {
  const path = partitionKeyFields(schema)?.map((field) => field.localName);
  if (path === undefined) return () => undefined;
  return (event) => {
    let value: unknown = event;
    for (const name of path) value = (value as Record<string, unknown> | undefined)?.[name];
    return value === undefined || value === "" ? undefined : String(value);
  };
}

/** Finds topics by whatever names them. */
export interface Topics {
  /**
   * A topic by a typed topic, a descriptor, or a name. Of a name the schema is undefined: each
   * record's own type decides.
   */
  resolve(
    target: string | Topic | DescMessage,
  ): { readonly name: string; readonly topic: Topic | undefined };
  /** The typed topic to publish a message on a topic by name. */
  forMessage(name: string, message: Message): Topic;
}

/** Makes a finder, which looks up the option and key path of each descriptor once. */
export function topicFinder(): Topics {
  const known = new WeakMap<DescMessage, Topic>();
  const typed = (schema: DescMessage): Topic => {
    let found = known.get(schema);
    if (found === undefined) {
      found = topic(schema);
      known.set(schema, found);
    }
    return found;
  };
  return {
    resolve(target) {
      if (typeof target === "string") return { name: requireTopicName(target), topic: undefined };
      if (typeof target !== "object" || target === null) throw notATopic(target);
      // A descriptor has a kind; a topic has none.
      const found = "kind" in target ? typed(target) : target;
      return { name: requireTopicName(found.name), topic: found };
    },
    forMessage(name, message) {
      const typeName: unknown = message?.$typeName;
      const schema = typeof typeName === "string" ? messageType(typeName) : undefined;
      if (schema === undefined) throw notOfTheContracts(name, typeName);
      if (eventOptions(schema) === undefined) return topic(schema, { name });
      return { ...typed(schema), name };
    },
  };
}

function notATopic(target: unknown): CqiError {
  const shown = target === null ? "null" : typeof target;
  return new CqiError(
    "CQI_BUS_TOPIC_INVALID",
    `Cannot use a topic of type ${shown}: it must be a topic, a message descriptor or a name`,
  );
}

function notOfTheContracts(name: string, typeName: unknown): CqiError {
  const shown = typeof typeName === "string" ? `type '${typeName.slice(0, 128)}'` : "no type";
  return new CqiError(
    "CQI_CONTRACT_UNKNOWN",
    `Cannot publish on '${name}': the event has ${shown}, wanted a message of the contracts; ` +
      `publish others on a topic made by topic(Schema, { name })`,
  );
}
