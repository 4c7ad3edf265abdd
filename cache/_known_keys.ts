import { encodeKey } from "./_key.ts";
import type { CacheKey } from "./types.ts";

/** Most keys whose whole text is remembered, and longest of them in characters. */
const MAX_KEYS = 4096;
const MAX_KEY_LENGTH = 128;

/**
 * Whole keys of one keyspace, those of late remembered: to look one up in a map, the engine hashes
 * a text once, and a new one anew.
 */
export class KnownKeys {
  readonly #prefix: string;
  readonly #keys = new Map<string, string>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#keys.size;
  }

  /** The whole key, or `CQI_CACHE_KEY_INVALID`. */
  whole(key: CacheKey): string {
    if (typeof key !== "string" || key.length > MAX_KEY_LENGTH) {
      return this.#prefix + encodeKey(key);
    }
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const full = this.#prefix + encodeKey(key);
    // All at once: what is in use comes back with its next use.
    if (this.#keys.size >= MAX_KEYS) this.#keys.clear();
    this.#keys.set(key, full);
    return full;
  }
}
