import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { JsonValue } from "../../contracts/mod.ts";
import { example } from "../../tests/contracts/_image.ts";
import { byHand } from "./by_hand.ts";
import { samplesOf } from "./samples.ts";
import { isValid, type JsonObject, typeOf } from "./vector.ts";

const isOwn = (field: DescField): boolean => field.message?.typeName.startsWith("cqc.") ?? false;

/** Whether JSON leaves a field out, or gives it an empty list, which is the same. */
const isUnset = (json: JsonObject, field: DescField): boolean => {
  const value = json[field.name];
  return value === undefined || (Array.isArray(value) && value.length === 0);
};

/** Finds valid messages of the contracts; remembers what it found. */
export class ValidMessages {
  readonly #smallest = new Map<string, JsonObject>();
  readonly #covering = new Map<string, Map<string, JsonObject>>();

  /** `smallest` by name. */
  smallestOf(name: string): JsonObject {
    return this.smallest(typeOf(name));
  }

  /** The Example without all that can go, and with the smallest messages within. */
  smallest(type: DescMessage): JsonObject {
    const known = this.#smallest.get(type.typeName);
    if (known !== undefined) return known;
    let json: JsonObject = example(type.typeName);
    this.#smallest.set(type.typeName, json); // For a message that has itself within.
    for (const field of [...type.fields].reverse()) {
      const value = json[field.name];
      if (value === undefined) continue;
      for (const smaller of this.#smaller(field, value)) {
        const { [field.name]: _, ...others } = json;
        const next = smaller === undefined ? others : { ...others, [field.name]: smaller };
        if (!isValid(type, next)) continue;
        json = next;
        break;
      }
    }
    this.#smallest.set(type.typeName, json);
    return json;
  }

  #smaller(field: DescField, value: JsonValue): (JsonValue | undefined)[] {
    const inner = isOwn(field) ? this.smallest(field.message!) : undefined;
    if (field.fieldKind === "list") {
      const items = value as JsonValue[];
      return [
        undefined,
        [],
        [inner ?? items[0]!],
        inner === undefined ? items : items.map(() => inner),
      ];
    }
    return field.fieldKind === "message" && inner !== undefined ? [undefined, inner] : [undefined];
  }

  /** The Example with every further field that finds a valid value beside the others. */
  full(type: DescMessage): JsonObject {
    let json: JsonObject = example(type.typeName);
    const count = (): number => type.fields.filter((field) => !isUnset(json, field)).length;
    for (let before = -1; before !== count();) {
      before = count();
      for (const field of type.fields) {
        if (isUnset(json, field)) json = this.#with(type, json, field) ?? json;
      }
    }
    return json;
  }

  /**
   * Valid messages that together have every field that can be set: the full one, then one for each
   * field that excludes another.
   */
  covering(type: DescMessage): Map<string, JsonObject> {
    const known = this.#covering.get(type.typeName);
    if (known !== undefined) return known;
    const found = new Map([["full", this.full(type)]]);
    this.#covering.set(type.typeName, found);
    for (const field of type.fields) {
      if ([...found.values()].some((json) => !isUnset(json, field))) continue;
      const json = byHand(type.typeName, field.name) ?? this.#withAtAnyPrice(type, field);
      if (json !== undefined) found.set(`with ${field.name}`, json);
    }
    return found;
  }

  #with(type: DescMessage, json: JsonObject, field: DescField): JsonObject | undefined {
    for (const value of samplesOf(field, (name) => this.#nested(name))) {
      const next = { ...json, [field.name]: value };
      if (!isUnset(next, field) && isValid(type, next)) return next;
    }
    return undefined;
  }

  /** Sets a field, and for that changes, takes out or adds another one, or changes two. */
  #withAtAnyPrice(type: DescMessage, field: DescField): JsonObject | undefined {
    for (const base of [this.smallest(type), example(type.typeName), this.full(type)]) {
      const alone = this.#with(type, base, field);
      if (alone !== undefined) return alone;
    }
    for (const base of [this.smallest(type), example(type.typeName), this.full(type)]) {
      for (const other of type.fields.filter((each) => each !== field)) {
        const { [other.name]: _, ...without } = base;
        const removed = this.#with(type, without, field);
        if (removed !== undefined) return removed;
        for (const value of samplesOf(other, (name) => this.#nested(name)).slice(0, 40)) {
          const changed = this.#with(type, { ...base, [other.name]: value }, field);
          if (changed !== undefined) return changed;
        }
      }
    }
    return undefined;
  }

  #nested(name: string): readonly JsonValue[] {
    return [example(name), this.smallestOf(name)];
  }
}
