import {
  createRegistry,
  type DescField,
  type DescMessage,
  type DescOneof,
  getOption,
  type Message,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import {
  field as fieldOption,
  type FieldRules,
  file_buf_validate_validate,
  message as messageOption,
  type MessageRules,
  oneof as oneofOption,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** Rules of a field. */
export const rulesOfField = (field: DescField): FieldRules => getOption(field, fieldOption);

/** Rules of a message. */
export const rulesOfMessage = (desc: DescMessage): MessageRules => getOption(desc, messageOption);

/** Fields of which one alone may be set. */
export interface Exclusive {
  /** Names of the fields. */
  readonly fields: readonly string[];
  /** Whether one of them must be. */
  readonly required: boolean;
}

/** The `oneof`s of a message, those of the language and those of its rules. */
export function exclusives(desc: DescMessage): Exclusive[] {
  const required = (oneof: DescOneof): boolean => getOption(oneof, oneofOption).required;
  return [
    ...desc.oneofs.map((oneof) => ({
      fields: oneof.fields.map((field) => field.name),
      required: required(oneof),
    })),
    ...rulesOfMessage(desc).oneof.map(({ fields, required }) => ({ fields, required })),
  ];
}

/**
 * Whether a field has to be there. A list or a map that must not be empty has to, since one that
 * is left out is an empty one.
 */
export function isRequired(field: DescField): boolean {
  const rules = rulesOfField(field);
  const { type } = rules;
  return rules.required || (type.case === "repeated" && type.value.minItems > 0n) ||
    (type.case === "map" && type.value.minPairs > 0n);
}

/** Whole numbers that rules allow, both bounds in. */
export interface Bounds<T> {
  readonly min: T | undefined;
  readonly max: T | undefined;
}

/** What rules about numbers have in common. */
interface NumberRules<T> {
  readonly greaterThan: { readonly case: string | undefined; readonly value?: T | undefined };
  readonly lessThan: { readonly case: string | undefined; readonly value?: T | undefined };
}

/** The bounds of whole numbers. */
export function boundsOf<T extends number | bigint>(rules: NumberRules<T>): Bounds<T> {
  const step = (value: T | undefined, by: 1 | -1): T | undefined =>
    value === undefined
      ? undefined
      : (typeof value === "bigint" ? value + BigInt(by) : Number(value) + by) as T;
  const { greaterThan: low, lessThan: high } = rules;
  return {
    min: low.case === "gt" ? step(low.value, 1) : low.value,
    max: high.case === "lt" ? step(high.value, -1) : high.value,
  };
}

const kinds = createRegistry(file_buf_validate_validate);

/**
 * Fails when rules say something that is not asked for, so that no rule is passed over silently.
 *
 * @param rules The rules.
 * @param known Names of the rules that the caller reads.
 */
export function expectOnly(rules: Message, known: readonly string[]): void {
  const message = reflect(kinds.getMessage(rules.$typeName)!, rules);
  const unknown = message.fields.filter((field) =>
    message.isSet(field) && !known.includes(field.name)
  );
  if (unknown.length === 0) return;
  const names = unknown.map((field) => field.name).join(", ");
  throw new Error(`Cannot write a schema for the rules ${names} of ${rules.$typeName}`);
}

/** The rules of a duration in whole seconds. */
export interface DurationBounds {
  readonly min: bigint;
  /** Whether the lower bound itself is out. */
  readonly above: boolean;
  /** The upper bound, which is in; undefined for none. */
  readonly max: bigint | undefined;
}

/**
 * Reads rules about a duration; undefined when there are none.
 *
 * @throws {Error} For bounds that are negative or no whole seconds.
 */
export function durationBounds(rules: FieldRules | undefined): DurationBounds | undefined {
  if (rules?.type.case !== "duration") return undefined;
  const { value } = rules.type;
  expectOnly(value, ["gt", "gte", "lte"]);
  const { greaterThan: low, lessThan: high } = value;
  if (low.case === undefined) throw new Error("Cannot write a range of durations without a start");
  if (low.value.nanos !== 0 || low.value.seconds < 0n || (high.value?.nanos ?? 0) !== 0) {
    throw new Error("Cannot write a range of durations that ends within a second");
  }
  return {
    min: low.value.seconds,
    above: low.case === "gt",
    max: high.value?.seconds,
  };
}
