import type { Codec } from "./_codec.ts";

/** Bytes of payloads whose values are remembered; some four times as much memory. */
const BUDGET_BYTES = 4_194_304;

/**
 * Values of stored bytes that are read again and again: decoded once, then copied for each caller,
 * which takes a third of the time. Keyed by the very bytes that the store holds, so a value that is
 * replaced or pushed out is forgotten with them.
 */
export class Decoded<V> {
  readonly #codec: Codec<V, never>;
  #values = new WeakMap<Uint8Array, V>();
  #used = 0;

  constructor(codec: Codec<V, never>) {
    this.#codec = codec;
  }

  /**
   * The caller's own value. Throws for bytes that cannot be read.
   *
   * @param stored What the store holds, the same object each time.
   * @param payload The value's bytes within it.
   */
  get(stored: Uint8Array, payload: Uint8Array): V {
    const { copy, decode } = this.#codec;
    if (copy === undefined || payload.length > BUDGET_BYTES / 64) return decode(payload);
    const known = this.#values.get(stored);
    if (known !== undefined) return copy(known);
    const value = decode(payload);
    this.#used += payload.length;
    if (this.#used > BUDGET_BYTES) {
      // All at once: what is in use comes back with its next read.
      this.#values = new WeakMap();
      this.#used = payload.length;
    }
    this.#values.set(stored, copy(value));
    return value;
  }
}
