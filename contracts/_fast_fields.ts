import type { DescField, DescOneof } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

/** A message as plain properties. */
export type Target = Readonly<Record<string, unknown>>;

/** The property of a oneof. */
export interface Choice {
  readonly case?: string | undefined;
  readonly value?: unknown;
}

/** The chosen member of a oneof. */
export function choiceOf(oneof: DescOneof): (message: Target) => Choice {
  const { localName } = oneof;
  return (message) => message[localName] as Choice;
}

/** How to tell whether a field is set; undefined for one whose zero value counts as absent. */
export function isSet(field: DescField): ((message: Target) => boolean) | undefined {
  const { localName, oneof } = field;
  if (oneof !== undefined) {
    const choice = choiceOf(oneof);
    return (message) => choice(message).case === localName;
  }
  if (field.fieldKind === "list") {
    return (message) => (message[localName] as readonly unknown[]).length > 0;
  }
  if (field.fieldKind === "map") {
    return (message) => Object.keys(message[localName] as object).length > 0;
  }
  if (field.presence === FeatureSet_FieldPresence.IMPLICIT) return undefined;
  // Defaults stand on the prototype.
  return (message) => message[localName] !== undefined && Object.hasOwn(message, localName);
}

/** Reads a field that is set. */
export function valueOf(field: DescField): (message: Target) => unknown {
  const { localName, oneof } = field;
  if (oneof === undefined) return (message) => message[localName];
  const choice = choiceOf(oneof);
  return (message) => choice(message).value;
}
