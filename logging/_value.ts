import { Secret } from "../core/mod.ts";
import { REDACTED } from "../internal/redact_secrets.ts";
import { errorJson, isError } from "./_error.ts";
import { type FindMessage, messageFields, wellKnownText } from "./_message.ts";
import { classify, cut, ESCAPE, escapeText } from "./_quote.ts";
import { type KeyRules, redactText } from "./_redact.ts";

/** Objects within objects deeper than this are left out. */
export const MAX_DEPTH = 8;
/** Entries of one object, array, map or set beyond this are left out. */
export const MAX_ENTRIES = 128;
/** Longest key, in UTF-16 units. */
export const MAX_KEY = 128;
// A BigInt's text takes time that grows with the square of its length.
const BIGINT_LIMIT = 1n << 4096n;
// Redaction looks a little beyond the cut, so that a secret is not cut before it is seen.
const LOOK_BEYOND = 1024;

const REDACTED_JSON = `"${REDACTED}"`;
const UNREADABLE = '"[unreadable]"';

/** How values become JSON. */
export interface ValueRules {
  /** Which keys are secret. */
  readonly keys: KeyRules;
  /** Finds descriptors of protobuf messages. */
  readonly findMessage: FindMessage;
  /** Longest text, in UTF-16 units. */
  readonly maxText: number;
  /** Most characters of one value's JSON, about. */
  readonly maxValue: number;
}

/** The JSON string of a text: cut, cleaned of secrets, escaped. */
export function textJson(text: string, maxText: number): string {
  const long = text.length > maxText;
  const seen = long ? text.slice(0, maxText + LOOK_BEYOND) : text;
  const classes = classify(seen);
  const safe = redactText(seen, classes);
  // The cut's mark counts from the text as it came.
  const short = long ? cut(safe, maxText) + `[of ${text.length}]` : safe;
  if (short === text && (classes & ESCAPE) === 0) return `"${text}"`;
  return escapeText(short);
}

/** Writes one value as JSON, whatever it is, within bounds. Never throws. */
export class ValueWriter {
  readonly #rules: ValueRules;
  readonly #ancestors: object[] = [];
  readonly #path: string[] = [];
  #left: number;

  /** @param rules Secrets and bounds. */
  constructor(rules: ValueRules) {
    this.#rules = rules;
    this.#left = rules.maxValue;
  }

  /**
   * The JSON of a value, or undefined for what has none (undefined, and functions in objects).
   *
   * @param value Anything.
   * @param key Key under which it stands, if it stands under one.
   */
  write(value: unknown, key?: string): string | undefined {
    if (key !== undefined) this.#path.push(key);
    try {
      const json = this.#isSecret(key, value) ? REDACTED_JSON : this.#any(value);
      if (json !== undefined) this.#left -= json.length;
      return json;
    } catch {
      // A getter, proxy trap or toJSON that throws, or the end of the stack.
      return UNREADABLE;
    } finally {
      if (key !== undefined) this.#path.pop();
    }
  }

  /** The JSON string of a text. */
  text(text: string): string {
    return textJson(text, Math.max(0, Math.min(this.#rules.maxText, this.#left)));
  }

  #isSecret(key: string | undefined, value: unknown): boolean {
    if (key === undefined || value === undefined || value === null) return false;
    const { keys } = this.#rules;
    return keys.isSecretKey(key) || (keys.hasPaths && keys.isSecretPath(this.#path));
  }

  #any(value: unknown): string | undefined {
    switch (typeof value) {
      case "string":
        return this.text(value);
      case "number":
        // JSON has no NaN and no infinities.
        return Number.isFinite(value) ? String(value) : `"${value}"`;
      case "boolean":
        return value ? "true" : "false";
      case "bigint":
        return value < BIGINT_LIMIT && value > -BIGINT_LIMIT ? `"${value}"` : '"[large bigint]"';
      case "symbol":
        return this.text(value.toString());
      case "function":
        return this.text(`[function ${value.name}]`);
      case "object":
        return value === null ? "null" : this.#object(value);
      default:
        return undefined;
    }
  }

  #object(value: object): string {
    if (value instanceof Secret) return REDACTED_JSON;
    if (this.#ancestors.includes(value)) return '"[cyclic]"';
    if (this.#ancestors.length >= MAX_DEPTH) return '"[too deep]"';
    if (this.#left <= 0) return '"[too long]"';
    this.#ancestors.push(value);
    try {
      return this.#known(value) ?? this.#entries(Object.keys(value), value);
    } finally {
      this.#ancestors.pop();
    }
  }

  /** The JSON of what has a better form than its own properties. */
  #known(value: object): string | undefined {
    if (Array.isArray(value)) return this.#list(value, value.length);
    if (isError(value)) return errorJson(value, this);
    if (value instanceof Date) return isNaN(+value) ? '"[no date]"' : `"${value.toISOString()}"`;
    if (value instanceof Map || value instanceof Headers) return this.#pairs(value);
    if (value instanceof Set) return this.#list(value, value.size);
    if (value instanceof RegExp) return this.text(String(value));
    if (value instanceof URL) return this.text(value.href);
    if (value instanceof URLSearchParams) return this.#pairs(value);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      return `"[${value.byteLength} bytes]"`;
    }
    if (value instanceof Request) {
      return this.#pairs([["method", value.method], ["url", value.url]]);
    }
    if (value instanceof Response) return this.#pairs([["status", value.status]]);
    const moment = wellKnownText(value);
    if (moment !== undefined) return this.text(moment);
    const fields = messageFields(value, this.#rules.findMessage);
    if (fields !== undefined) return this.#pairs(fields);
    const toJson = (value as { toJSON?: unknown }).toJSON;
    return typeof toJson === "function" ? this.#any(toJson.call(value)) ?? "null" : undefined;
  }

  #list(values: Iterable<unknown>, length: number): string {
    const parts: string[] = [];
    for (const value of values) {
      if (parts.length >= MAX_ENTRIES || this.#left <= 0) {
        parts.push(`"[${length - parts.length} more]"`);
        break;
      }
      parts.push(this.write(value) ?? "null");
    }
    return `[${parts.join(",")}]`;
  }

  #entries(keys: readonly string[], object: object): string {
    let json = "";
    let count = 0;
    for (const key of keys) {
      if (count >= MAX_ENTRIES || this.#left <= 0) {
        json += `,"[more]":${keys.length - count}`;
        break;
      }
      json += this.#entry(key, () => (object as Record<string, unknown>)[key]);
      count++;
    }
    return `{${json.slice(1)}}`;
  }

  #pairs(pairs: Iterable<readonly [unknown, unknown]>): string {
    const seen = new Set<string>();
    let json = "";
    for (const [key, value] of pairs) {
      if (seen.size >= MAX_ENTRIES || this.#left <= 0) {
        json += ',"[more]":true';
        break;
      }
      const name = typeof key === "object" && key !== null ? "[object]" : String(key);
      // Two keys of a map may have one text; JSON wants names to differ.
      if (!seen.has(name)) json += this.#entry(name, () => value);
      seen.add(name);
    }
    return `{${json.slice(1)}}`;
  }

  #entry(key: string, read: () => unknown): string {
    let value: unknown;
    try {
      value = read();
    } catch {
      return `,${textJson(key, MAX_KEY)}:${UNREADABLE}`;
    }
    const json = this.write(value, key);
    if (json === undefined) return "";
    const name = textJson(key, MAX_KEY);
    this.#left -= name.length;
    return `,${name}:${json}`;
  }
}
