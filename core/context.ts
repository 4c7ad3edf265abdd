import { createAmbient } from "../internal/runtime/ambient.ts";

/**
 * Names a value that travels with the work: make one per kind of value, once.
 *
 * @typeParam T What is kept under the key.
 */
export interface ContextKey<T> {
  /** For people; two keys of one name are still two keys. */
  readonly name: string;
  /** Holds the type only; never set. */
  readonly type?: T;
}

/**
 * Values that travel with the work: over calls, awaits and timers, never into other work that runs
 * at the same time. Immutable; `with` makes a new one.
 */
export interface Context {
  /**
   * The value of a key, or undefined.
   *
   * @param key The key.
   */
  get<T>(key: ContextKey<T>): T | undefined;
  /**
   * A context that has one more value.
   *
   * @param key The key.
   * @param value The value; hides an earlier one of the same key.
   */
  with<T>(key: ContextKey<T>, value: T): Context;
}

class Link implements Context {
  readonly #key: ContextKey<unknown> | undefined;
  readonly #value: unknown;
  readonly #rest: Link | undefined;

  constructor(key?: ContextKey<unknown>, value?: unknown, rest?: Link) {
    this.#key = key;
    this.#value = value;
    this.#rest = rest;
  }

  get<T>(key: ContextKey<T>): T | undefined {
    // deno-lint-ignore no-this-alias -- a walk along the chain, the usual reason to alias
    let link: Link | undefined = this;
    while (link !== undefined) {
      if (link.#key === key) return link.#value as T;
      link = link.#rest;
    }
    return undefined;
  }

  with<T>(key: ContextKey<T>, value: T): Context {
    return new Link(key, value, this);
  }
}

const EMPTY: Context = new Link();
// Not state of the library's own: the runtime's, which follows each piece of work by itself.
const ambient = createAmbient<Context>();

/**
 * Makes a key.
 *
 * @param name For people.
 */
export function contextKey<T>(name: string): ContextKey<T> {
  return { name };
}

/**
 * The context of the work that is running. Empty where the runtime cannot follow awaits (workerd
 * without its compatibility flag): pass values by hand there.
 */
export function activeContext(): Context {
  return ambient.getStore() ?? EMPTY;
}

/**
 * Runs a function, and all it awaits, in a context.
 *
 * @param context What `activeContext` gives inside.
 * @param fn The work.
 *
 * @example
 * ```ts
 * import { activeContext, contextKey, runInContext } from "@cq/cqi/core";
 * import assert from "node:assert/strict";
 *
 * const user = contextKey<string>("user");
 * await runInContext(activeContext().with(user, "ada"), async () => {
 *   await Promise.resolve();
 *   assert.equal(activeContext().get(user), "ada");
 * });
 * ```
 */
export function runInContext<T>(context: Context, fn: () => T): T {
  return ambient.run(context, fn);
}
