import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { SecretRefSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import type { ConfigNode } from "./source.ts";

/** What may stand at a place, as far as names go. */
export type Slot =
  /** One value. */
  | { readonly kind: "leaf" }
  | { readonly kind: "list"; readonly item: Slot }
  | { readonly kind: "map"; readonly value: Slot }
  /** Settings by name. With `secret` a place of a secret, which one variable may stand for. */
  | { readonly kind: "group"; readonly shape: () => Shape; readonly secret?: boolean }
  /** Anything. `known` is what weaker sources have there, to tell names from nesting. */
  | { readonly kind: "open"; readonly known?: ConfigNode | undefined };

/** The names of a group. */
export interface Shape {
  readonly slots: ReadonlyMap<string, Slot>;
  /** Names of which one alone may be set: the `oneof`s of a message. */
  readonly exclusive: readonly (readonly string[])[];
}

export const LEAF: Slot = { kind: "leaf" };
export const SECRET: Slot = {
  kind: "group",
  secret: true,
  shape: () => shapeOf(SecretRefSchema),
};

const OPEN_TYPES: readonly string[] = ["Struct", "Value", "ListValue"];
const WELL_KNOWN = "google.protobuf.";

/** Whether a message is written as one value: a duration, a time, a wrapped number. */
export function isLeafMessage(desc: DescMessage): boolean {
  return desc.typeName.startsWith(WELL_KNOWN) && !isOpenMessage(desc);
}

/** Whether a message holds anything: `google.protobuf.Struct` and its parts. */
export function isOpenMessage(desc: DescMessage): boolean {
  return OPEN_TYPES.some((name) => desc.typeName === WELL_KNOWN + name);
}

function messageSlot(desc: DescMessage): Slot {
  if (desc.typeName === SecretRefSchema.typeName) return SECRET;
  if (isOpenMessage(desc)) return { kind: "open" };
  return isLeafMessage(desc) ? LEAF : { kind: "group", shape: () => shapeOf(desc) };
}

function slotOf(field: DescField): Slot {
  if (field.fieldKind === "message") return messageSlot(field.message);
  if (field.fieldKind === "list") {
    return { kind: "list", item: field.listKind === "message" ? messageSlot(field.message) : LEAF };
  }
  if (field.fieldKind === "map") {
    return { kind: "map", value: field.mapKind === "message" ? messageSlot(field.message) : LEAF };
  }
  return LEAF;
}

/** The names of a message. */
export function shapeOf(desc: DescMessage): Shape {
  return {
    slots: new Map(desc.fields.map((field) => [field.name, slotOf(field)])),
    exclusive: desc.oneofs.map((oneof) => oneof.fields.map((field) => field.name)),
  };
}
