import {
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { event } from "../gen/ts/cqc/events/v1/mod.ts";
import { messageTypes } from "./registry.ts";

/** Where events of a type go and in which order, as the contracts say. */
export interface EventRoute {
  /** Topic, for example `cqc.events.v1.price_updated`. */
  readonly topic: string;
  /** Path of the field by whose value events are ordered, for example `price.market_id`. */
  readonly partitionKey: string;
}

/** Descriptors of all events of the contracts, ordered by full name. */
export const eventTypes: readonly DescMessage[] = messageTypes.filter((type) =>
  hasOption(type, event)
);

/**
 * Reads the option `(cqc.events.v1.event)` of a message.
 *
 * @param schema Descriptor of the message, of the contracts or of your own.
 * @returns Topic and partition key, or undefined when the message is no event.
 *
 * @example
 * ```ts
 * import { eventOptions } from "@cq/cqi/contracts";
 * import { PriceUpdatedSchema } from "@cq/cqi/cqc/events/v1";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(eventOptions(PriceUpdatedSchema), {
 *   topic: "cqc.events.v1.price_updated",
 *   partitionKey: "price.market_id",
 * });
 * ```
 */
export function eventOptions(schema: DescMessage): EventRoute | undefined {
  if (!hasOption(schema, event)) return undefined;
  const { topic, partitionKey } = getOption(schema, event);
  return { topic, partitionKey };
}

/**
 * Finds the fields along the partition key of an event.
 *
 * @param schema Descriptor of the event.
 * @returns The fields from the event down to the value, or undefined when the message is no event
 * or its path does not end in a text, number or enum field.
 */
export function partitionKeyFields(schema: DescMessage): readonly DescField[] | undefined {
  const path = eventOptions(schema)?.partitionKey.split(".");
  if (path === undefined) return undefined;
  const fields: DescField[] = [];
  let current: DescMessage | undefined = schema;
  for (const name of path) {
    const field: DescField | undefined = current?.fields.find((each) => each.name === name);
    if (field === undefined) return undefined;
    fields.push(field);
    current = field.fieldKind === "message" ? field.message : undefined;
  }
  const last = fields.at(-1);
  const isValue = last?.fieldKind === "enum" ||
    (last?.fieldKind === "scalar" && last.scalar !== ScalarType.BYTES);
  return isValue ? fields : undefined;
}

/**
 * Reads the partition key of an event from the field that its option names.
 *
 * @param schema Descriptor of the event.
 * @param message The event.
 * @returns The value as text (an enum as its number), or undefined when the message is no event or
 * the field is not set.
 *
 * @example
 * ```ts
 * import { partitionKeyOf } from "@cq/cqi/contracts";
 * import { PriceUpdatedSchema } from "@cq/cqi/cqc/events/v1";
 * import { create } from "@bufbuild/protobuf";
 * import assert from "node:assert/strict";
 *
 * const update = create(PriceUpdatedSchema, { price: { marketId: "m-1" } });
 * assert.equal(partitionKeyOf(PriceUpdatedSchema, update), "m-1");
 * ```
 */
export function partitionKeyOf<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): string | undefined {
  const fields = partitionKeyFields(schema);
  if (fields === undefined) return undefined;
  let current: ReflectMessage = reflect(schema, message);
  for (const field of fields) {
    if (!current.isSet(field)) return undefined;
    if (field.fieldKind !== "message") return String(current.get(field));
    current = current.get(field);
  }
  return undefined;
}
