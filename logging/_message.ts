import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { Secret } from "../core/mod.ts";

/** Finds the descriptor of a message by its full name; undefined for a message nobody knows. */
export type FindMessage = (typeName: string) => DescMessage | undefined;

const HIDDEN = new Secret(undefined);
const NANOS_PER_MS = 1_000_000;
// Bounds of google.protobuf.Timestamp: years 1 to 9999.
const MIN_SECONDS = -62_135_596_800n;
const MAX_SECONDS = 253_402_300_799n;

interface Moment {
  readonly seconds: bigint;
  readonly nanos: number;
}

const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function timestampText({ seconds, nanos }: Moment): string {
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) return `[timestamp ${seconds}]`;
  const text = new Date(Number(seconds) * 1000 + Math.floor(nanos / NANOS_PER_MS)).toISOString();
  const rest = nanos % NANOS_PER_MS;
  return rest === 0 ? text : `${text.slice(0, -1)}${String(rest).padStart(6, "0")}Z`;
}

function durationText({ seconds, nanos }: Moment): string {
  const sign = seconds < 0n || nanos < 0 ? "-" : "";
  const whole = seconds < 0n ? -seconds : seconds;
  const rest = String(Math.abs(nanos)).padStart(9, "0").replace(/0+$/, "");
  return `${sign}${whole}${rest === "" ? "" : `.${rest}`}s`;
}

/** The short text of a well-known message, as proto JSON has it; undefined for another one. */
export function wellKnownText(value: object): string | undefined {
  const { $typeName: name } = value as { $typeName?: unknown };
  const moment = value as Moment;
  if (typeof moment.seconds !== "bigint" || typeof moment.nanos !== "number") return undefined;
  if (name === "google.protobuf.Timestamp") return timestampText(moment);
  return name === "google.protobuf.Duration" ? durationText(moment) : undefined;
}

function fieldValue(field: DescField, value: unknown): unknown {
  // Option debug_redact of google.protobuf.FieldOptions.
  if (field.proto.options?.debugRedact === true) return HIDDEN;
  if (field.enum === undefined) return value;
  const name = (number: unknown): unknown => field.enum.value[number as number]?.name ?? number;
  if (Array.isArray(value)) return value.map(name);
  if (field.fieldKind !== "map") return name(value);
  return Object.fromEntries(Object.entries(value as object).map(([key, n]) => [key, name(n)]));
}

function* describedFields(desc: DescMessage, message: Record<string, unknown>): Generator<Pair> {
  for (const field of desc.fields) {
    const group = field.oneof === undefined ? undefined : message[field.oneof.localName];
    const chosen = group as { case?: string; value?: unknown } | undefined;
    // An unset field is not an own property: its default is on the prototype.
    if (chosen?.case === field.localName) yield [field.name, fieldValue(field, chosen.value)];
    else if (Object.hasOwn(message, field.localName) && field.oneof === undefined) {
      const value = message[field.localName];
      if (!isEmpty(value)) yield [field.name, fieldValue(field, value)];
    }
  }
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && value !== null && !("$typeName" in value) &&
    Object.keys(value).length === 0;
}

function* namedFields(message: Record<string, unknown>): Generator<Pair> {
  for (const [key, value] of Object.entries(message)) {
    if (key === "$typeName" || key === "$unknown" || isEmpty(value)) continue;
    const group = value as { case?: unknown; value?: unknown } | null;
    if (typeof group === "object" && typeof group?.case === "string" && "value" in group) {
      yield [snake(group.case), group.value];
    } else yield [snake(key), value];
  }
}

type Pair = readonly [string, unknown];

/**
 * The set fields of a protobuf message by their proto names, with enums by name and fields marked
 * `debug_redact` hidden; undefined for what is no message. A message whose descriptor is not known
 * is read by its properties.
 */
export function messageFields(value: object, find: FindMessage): Iterable<Pair> | undefined {
  const message = value as Record<string, unknown>;
  const name = message.$typeName;
  if (typeof name !== "string") return undefined;
  const desc = find(name);
  return desc === undefined ? namedFields(message) : describedFields(desc, message);
}
