import { errorJson, isError } from "./_error.ts";
import { type FieldJson, LIFTED } from "./_fields.ts";
import { MAX_ENTRIES, MAX_KEY, textJson, type ValueRules, ValueWriter } from "./_value.ts";

/** Fields made into JSON once: those of a child logger or a context, or of one line. */
export interface Part {
  /** The fields as they came. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Their names. */
  readonly keys: ReadonlySet<string>;
  /** Members of the line itself, each with a comma before it. */
  readonly top: string;
  /** Members of `attributes`, each with a comma before it. */
  readonly attributes: string;
}

/** What is known of a key. */
interface KeyInfo {
  /** The key as JSON, with the colon. */
  readonly json: string;
  readonly isSecret: boolean;
  /** Makes the value of a member of the line; absent for what belongs to `attributes`. */
  readonly lift: FieldJson | undefined;
}

const MAX_KNOWN_KEYS = 2048;
const REDACTED_JSON = '"[redacted]"';
const UNREADABLE = '"[unreadable]"';
const NO_FIELDS: Readonly<Record<string, unknown>> = Object.freeze({});

/** A part without any field. */
export const EMPTY_PART: Part = { fields: NO_FIELDS, keys: new Set(), top: "", attributes: "" };

/** Makes parts. Keeps what it learned about keys, for at most some 2,000 of them. */
export class PartWriter {
  readonly #rules: ValueRules;
  readonly #known = new Map<string, KeyInfo>();
  readonly #text: (text: string) => string;

  /** @param rules Secrets and bounds. */
  constructor(rules: ValueRules) {
    this.#rules = rules;
    this.#text = (text) => textJson(text, rules.maxText);
  }

  /** The JSON string of a text, cleaned and cut. */
  text(text: string): string {
    return this.#text(text);
  }

  /** Fields and their names, to be kept. */
  part(fields: Readonly<Record<string, unknown>>): Part {
    const { top, attributes } = this.write(fields, Object.keys(fields));
    return { fields, keys: new Set(Object.keys(fields)), top, attributes };
  }

  /** The JSON of some fields. */
  write(
    fields: Readonly<Record<string, unknown>>,
    keys: readonly string[],
  ): { top: string; attributes: string } {
    let top = "";
    let attributes = "";
    let written = 0;
    for (const key of keys) {
      if (written >= MAX_ENTRIES || top.length + attributes.length > this.#rules.maxValue) {
        attributes += `,"[more]":${keys.length - written}`;
        break;
      }
      written++;
      const info = this.#known.get(key) ?? this.#learn(key);
      try {
        const value = fields[key];
        if (value === undefined) continue;
        const lifted = this.#lift(key, info, value);
        if (lifted !== undefined) top += `,${info.json}${lifted}`;
        else {
          const json = this.#attribute(key, info, value);
          if (json !== undefined) attributes += `,${info.json}${json}`;
        }
      } catch {
        attributes += `,${info.json}${UNREADABLE}`;
      }
    }
    return { top, attributes };
  }

  #lift(key: string, info: KeyInfo, value: unknown): string | undefined {
    if (info.isSecret) return undefined;
    if (key === "error") {
      return isError(value) ? errorJson(value, new ValueWriter(this.#rules)) : undefined;
    }
    return info.lift?.(value, this.#text);
  }

  #attribute(key: string, info: KeyInfo, value: unknown): string | undefined {
    if (info.isSecret) return value === null ? "null" : REDACTED_JSON;
    if (typeof value === "string") return this.#text(value);
    if (typeof value === "number" && Number.isFinite(value)) return String(value);
    if (typeof value === "boolean") return value ? "true" : "false";
    return new ValueWriter(this.#rules).write(value, key);
  }

  #learn(key: string): KeyInfo {
    const info: KeyInfo = {
      json: `${textJson(key, MAX_KEY)}:`,
      isSecret: this.#rules.keys.isSecretKey(key),
      lift: Object.hasOwn(LIFTED, key) ? LIFTED[key] : undefined,
    };
    if (this.#known.size < MAX_KNOWN_KEYS && key.length <= MAX_KEY) this.#known.set(key, info);
    return info;
  }
}
