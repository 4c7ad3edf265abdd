import { type DescField, type DescMessage, getOption } from "@bufbuild/protobuf";
import {
  message as messageRules,
  oneof as oneofRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { JsonValue } from "../../contracts/mod.ts";
import { CASES } from "../../tests/contracts/_cel_cases.ts";
import { badValues, NO_DECIMALS } from "./bad_values.ts";
import { changed } from "./by_hand.ts";
import { rulesOf, rulesWithin, samplesOf } from "./samples.ts";
import type { ValidMessages } from "./valid.ts";
import { type JsonObject, type Vector, vectorOf } from "./vector.ts";

/** A change to a valid message that should break a rule. */
interface Try {
  /** Name of the vector. */
  readonly name: string;
  /** What one of the broken rules looks like. */
  readonly wanted: RegExp;
  /** Messages, one of which is taken. */
  readonly messages: Iterable<JsonValue>;
}

/** A rule that no vector breaks, and why. */
export interface LeftOut {
  readonly rule: string;
  readonly reason: string;
}

/** Lists and maps that may hold more than this are not filled beyond it: each checker is to end. */
const MOST_ITEMS = 1000;

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const ruleAt = (path: string, rule: string): RegExp => new RegExp(`^${path} ${literal(rule)}`);
const without = (json: JsonObject, name: string): JsonObject => {
  const { [name]: _, ...others } = json;
  return others;
};

/** Bounds are one rule to the checkers, whose id names both: `gte_lte`. */
const idOf = (rule: string): string => rule.replace(/\.(?:gte?|lte?)$/, ".");

/** Makes messages that break one rule each. */
export class InvalidMessages {
  readonly #valid: ValidMessages;
  /** Patterns of decimals that got all of NO_DECIMALS already. */
  readonly #patterns = new Set<string>();
  /** Rules that no vector breaks. */
  readonly leftOut: LeftOut[] = [];

  /** @param valid Where the messages come from that are changed. */
  constructor(valid: ValidMessages) {
    this.#valid = valid;
  }

  /** One vector for each rule of a message, its fields and its oneofs. */
  of(type: DescMessage): Vector[] {
    const tries = [
      ...type.fields.flatMap((field) => this.#ofField(type, field)),
      ...this.#ofMessage(type),
      ...this.#nested(type),
    ];
    return tries.flatMap((each) => this.#first(type, each) ?? []);
  }

  #first(type: DescMessage, { name, wanted, messages }: Try): Vector | undefined {
    for (const json of messages) {
      let vector: Vector;
      try {
        vector = vectorOf(type, name, json);
      } catch {
        continue; // Not even a message, such as a number beyond its type.
      }
      if (vector.rules?.some((rule) => wanted.test(rule))) return vector;
    }
    const rule = `${type.typeName} ${name}`;
    if (!this.leftOut.some((each) => each.rule === rule)) {
      this.leftOut.push({ rule, reason: "no value breaks it" });
    }
    return undefined;
  }

  /** Valid messages to change, the smallest first, then those that have the field. */
  #bases(type: DescMessage, field: DescField): JsonObject[] {
    const covering = [...this.#valid.covering(type).values()];
    return [
      this.#valid.smallest(type),
      ...covering.filter((json) => json[field.name] !== undefined),
    ];
  }

  *#with(type: DescMessage, field: DescField, values: readonly JsonValue[]): Iterable<JsonObject> {
    for (const base of this.#bases(type, field)) {
      for (const value of values) yield { ...base, [field.name]: value };
    }
  }

  #ofField(type: DescMessage, field: DescField): Try[] {
    const rules = rulesOf(field);
    const tries: Try[] = [];
    if (rules.required) {
      const messages = [without(this.#valid.smallest(type), field.name)];
      tries.push({
        name: `${field.name} required`,
        wanted: ruleAt(field.name, "required"),
        messages,
      });
    }
    const within = rulesWithin(field);
    if (field.fieldKind === "list") tries.push(...this.#ofList(type, field));
    if (field.fieldKind === "map") tries.push(...this.#ofMap(type, field));
    for (const { rule, values } of badValues(field, within.value)) {
      const wrap = (value: JsonValue): JsonValue =>
        field.fieldKind === "list" ? [value] : field.fieldKind === "map" ? { a: value } : value;
      const path = `${field.name}${field.fieldKind === "list" ? "\\[0\\]" : ""}(?:\\["a"\\])?`;
      tries.push({
        name: `${field.name} ${rule}`,
        wanted: ruleAt(path, idOf(rule)),
        messages: this.#with(type, field, values.map(wrap)),
      });
    }
    return [...tries, ...this.#decimals(type, field)];
  }

  /** For the first field with a pattern of decimals in a message: everything that is no decimal. */
  #decimals(type: DescMessage, field: DescField): Try[] {
    const { value } = rulesWithin(field);
    if (value.case !== "string" || field.fieldKind !== "scalar") return [];
    const { pattern } = value.value;
    if (!pattern.includes("{0,37}") && !pattern.includes("{1,38}")) return [];
    const key = `${type.file.proto.package} ${pattern}`;
    if (this.#patterns.has(key)) return [];
    this.#patterns.add(key);
    return NO_DECIMALS.map((bad) => ({
      name: `${field.name} ${JSON.stringify(bad.length > 20 ? `${bad.slice(0, 4)}…` : bad)}`,
      wanted: ruleAt(field.name, "string.pattern"),
      messages: this.#with(type, field, [bad]),
    }));
  }

  #items(type: DescMessage, field: DescField): JsonValue[] {
    const nested = (name: string): JsonValue[] => [this.#valid.smallestOf(name)];
    const lists = [
      ...this.#bases(type, field).map((base) => base[field.name]),
      ...samplesOf(field, nested),
    ];
    return lists.flatMap((list) => Array.isArray(list) ? list : []);
  }

  #ofList(type: DescMessage, field: DescField): Try[] {
    const { type: rules } = rulesOf(field);
    if (rules.case !== "repeated") return [];
    const { minItems, maxItems, unique } = rules.value;
    const [item = ""] = this.#items(type, field);
    const tries: Try[] = [];
    const add = (rule: string, lists: readonly JsonValue[]): void =>
      void tries.push({
        name: `${field.name} ${rule}`,
        wanted: ruleAt(field.name, rule),
        messages: this.#with(type, field, lists),
      });
    if (minItems > 0n) {
      // An empty list is an absent one; `required` speaks first where both are asked for.
      if (minItems > 1n || !rulesOf(field).required) {
        add("repeated.min_items", [Array(Number(minItems) - 1).fill(item)]);
      }
    }
    if (unique) add("repeated.unique", this.#items(type, field).map((each) => [each, each]));
    if (maxItems > BigInt(MOST_ITEMS)) {
      const rule = `${type.typeName} ${field.name} repeated.max_items`;
      this.leftOut.push({ rule, reason: `${maxItems} items are too many for a vector` });
    } else if (maxItems > 0n) {
      const small = field.message === undefined ? item : {};
      add("repeated.max_items", [Array(Number(maxItems) + 1).fill(small)]);
    }
    return tries;
  }

  #ofMap(type: DescMessage, field: DescField): Try[] {
    const { type: rules } = rulesOf(field);
    if (rules.case !== "map") return [];
    const nested = (name: string): JsonValue[] => [this.#valid.smallestOf(name)];
    const sample = samplesOf(field, nested).find((each) =>
      Object.keys(each as JsonObject).length > 0
    );
    const value = Object.values((sample ?? {}) as JsonObject)[0] ?? "a";
    const tries = badValues(field, rulesWithin(field).key).map((each): Try => ({
      name: `${field.name} key ${each.rule}`,
      wanted: ruleAt(`${field.name}\\[.*\\]`, each.rule),
      messages: this.#with(type, field, each.values.map((key) => ({ [String(key)]: value }))),
    }));
    const most = Number(rules.value.maxPairs);
    if (most > 0) {
      const pairs = Array.from({ length: most + 1 }, (_, index) => [`k${1000 + index}`, value]);
      tries.push({
        name: `${field.name} map.max_pairs`,
        wanted: ruleAt(field.name, "map.max_pairs"),
        messages: this.#with(type, field, [Object.fromEntries(pairs) as JsonObject]),
      });
    }
    return tries;
  }

  #ofMessage(type: DescMessage): Try[] {
    const { cel, oneof } = getOption(type, messageRules);
    const tries = cel.flatMap((rule) =>
      (CASES[rule.id]?.breaks ?? []).map((change, index): Try => ({
        name: `${rule.id} ${index + 1}`,
        wanted: ruleAt("", rule.id),
        messages: [changed(type.typeName, change)],
      }))
    );
    for (const { fields, required } of oneof) {
      const members = type.fields.filter((field) => fields.includes(field.name));
      const none = fields.reduce(without, this.#valid.smallest(type));
      if (required) tries.push(this.#oneof(`no ${fields.join(", ")}`, [none]));
      const both = members.slice(0, 2).reduce<JsonObject>((json, field) => {
        const has = this.#bases(type, field).find((base) => base[field.name] !== undefined);
        return { ...json, [field.name]: has?.[field.name] ?? null };
      }, none);
      tries.push(
        this.#oneof(`both ${members.slice(0, 2).map((each) => each.name).join(", ")}`, [both]),
      );
    }
    for (
      const { name, fields } of type.oneofs.filter((each) => getOption(each, oneofRules).required)
    ) {
      const none = fields.map((field) => field.name).reduce(without, this.#valid.smallest(type));
      tries.push({ name: `${name} required`, wanted: ruleAt(name, "required"), messages: [none] });
    }
    return tries;
  }

  #oneof(name: string, messages: readonly JsonValue[]): Try {
    return { name, wanted: / message\.oneof$/, messages };
  }

  /** A mistake within a message within: its path is the same in all languages. */
  *#nested(type: DescMessage): Iterable<Try> {
    for (const field of type.fields) {
      if (!field.message?.typeName.startsWith("cqc.")) continue;
      if (!field.message.fields.some((each) => rulesOf(each).required)) continue;
      const bad = field.fieldKind === "list" ? [{}] : field.fieldKind === "map" ? { a: {} } : {};
      yield {
        name: `${field.name} empty`,
        wanted: new RegExp(`^${field.name}[.[].* required$`),
        messages: this.#with(type, field, [bad]),
      };
      return; // One for each message: the others would say the same.
    }
  }
}
