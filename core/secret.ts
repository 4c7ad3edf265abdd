const REDACTED = "[redacted]";

/**
 * A value that cannot be printed by mistake: as text, in a template, in JSON and in an inspector it
 * is `[redacted]`, and copies (spread, structuredClone) are empty. Only `reveal()` gives it.
 *
 * @typeParam T What is kept.
 *
 * @example
 * ```ts
 * import { Secret } from "@cq/cqi/core";
 * import assert from "node:assert/strict";
 *
 * const password = new Secret("hunter2");
 * assert.equal(`${password}`, "[redacted]");
 * assert.equal(JSON.stringify({ password }), '{"password":"[redacted]"}');
 * assert.equal(password.reveal(), "hunter2");
 * ```
 */
export class Secret<T = string> {
  static {
    // Names by which Node, Bun and Deno ask an object how to print it.
    for (const name of ["nodejs.util.inspect.custom", "Deno.customInspect"]) {
      Object.defineProperty(this.prototype, Symbol.for(name), { value: () => REDACTED });
    }
  }

  #value: T;

  /**
   * Hides a value.
   *
   * @param value What is kept.
   */
  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. Call it where it is used, and nowhere else. */
  reveal(): T {
    return this.#value;
  }

  /** `[redacted]` */
  toString(): string {
    return REDACTED;
  }

  /** `[redacted]` */
  toJSON(): string {
    return REDACTED;
  }

  /** `[redacted]`, for template strings and concatenation. */
  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  /** `Secret`, for `Object.prototype.toString`. */
  get [Symbol.toStringTag](): string {
    return "Secret";
  }
}
