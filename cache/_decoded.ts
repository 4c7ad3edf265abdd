import type { Codec } from "./_codec.ts";

/** Bytes of payloads whose values are remembered; some four times as much memory. */
const BUDGET_BYTES = 4_194_304;

/** What is known of stored bytes. */
export interface Known<V> {
  readonly payload: Uint8Array;
  /** True for a value without tags and end of freshness: it may be served as long as it is there. */
  readonly isPlain: boolean;
  /** Makes a caller's own value. */
  readonly make: () => V;
}

/**
 * Values of stored bytes that are read again and again: opened and decoded once, then copied for
 * each caller, which takes a fraction of the time. Keyed by the very bytes that the store holds, so a
 * value that is replaced or pushed out is forgotten with them.
 */
export class Decoded<V> {
  readonly #codec: Codec<V, never>;
  #values = new WeakMap<Uint8Array, Known<V>>();
  #used = 0;

  constructor(codec: Codec<V, never>) {
    this.#codec = codec;
  }

  /** What is remembered of these bytes. */
  known(stored: Uint8Array): Known<V> | undefined {
    return this.#codec.copies === undefined ? undefined : this.#values.get(stored);
  }

  /**
   * The caller's own value. Throws for bytes that cannot be read.
   *
   * @param stored What the store holds, the same object each time.
   * @param payload The value's bytes within it.
   * @param isPlain Whether it may be served without another look.
   */
  get(stored: Uint8Array, payload: Uint8Array, isPlain = false): V {
    const known = this.known(stored);
    if (known !== undefined) return known.make();
    const { copies, decode } = this.#codec;
    if (copies === undefined || payload.length > BUDGET_BYTES / 64) return decode(payload);
    this.#used += payload.length;
    if (this.#used > BUDGET_BYTES) {
      // All at once: what is in use comes back with its next read.
      this.#values = new WeakMap();
      this.#used = payload.length;
    }
    const make = copies(decode(payload));
    this.#values.set(stored, { payload, isPlain, make });
    return make();
  }
}
