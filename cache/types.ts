import type {
  Checkable,
  DriverTable,
  DurationInput,
  Instruments,
  WaitOptions,
} from "../core/mod.ts";
import type { CacheConfig } from "../gen/ts/cqc/config/v1/mod.ts";

/**
 * Names a value within its keyspace: a string, or a list of strings that is joined so that
 * different lists never meet. `"a"` and `["a"]` are one key. Any text will do, the empty one too; at
 * most
 * 32 parts and 1,024 characters in all.
 */
export type CacheKey = string | readonly string[];

/**
 * How long a value is kept: more than 0 and at most 2^31 seconds, as milliseconds or text with a
 * unit. `"none"` keeps it until it is deleted or pushed out.
 */
export type Ttl = DurationInput | "none";

/** Now or later: a driver that has the answer at hand returns it plainly. */
export type Answer<T> = T | Promise<T>;

/** What a driver can do. What it cannot, the contract suite skips by this name. */
export interface CacheFeatures {
  /** Answers come over a network: each call gets a deadline, and a breaker stands before them. */
  readonly remote: boolean;
  /** `setIfAbsent`, `increment` and `compareAndSet` work, each as one step for all who share it. */
  readonly atomic: boolean;
  /** `clear` works. */
  readonly clear: boolean;
  /** Shortest time to live that is honoured, in milliseconds; shorter ones last this long. */
  readonly minTtlMs: number;
}

/** One value to store. */
export interface CacheEntry {
  /** Printable ASCII without spaces, at most 10,000 characters. */
  readonly key: string;
  /** Never changed once it is handed over, so the driver may keep it as it is. */
  readonly value: Uint8Array;
  /** Whole milliseconds, 1 to 2^31 * 1000; undefined keeps the value until deleted or pushed out. */
  readonly ttlMs: number | undefined;
}

/**
 * Stores bytes under keys: all that a backend has to do. Types, envelopes, jitter, single flight,
 * deadlines, metrics and traces stand above it, once.
 *
 * - A value is gone once its time to live is over, and may be gone earlier: a cache may forget
 *   anything at any time. It never brings back a value that was replaced or deleted.
 * - Bytes that were handed over, either way, are not changed any more by either side.
 * - Calls run side by side. Calls on one key made one after the other, without awaiting, take
 *   effect in that order.
 * - Failures throw or reject, with anything. A call whose signal aborts rejects soon; whether it
 *   took effect is then unknown, and its late answer reaches no other call.
 * - `close` may be called twice; other calls after it reject with `CQI_CLOSED`.
 */
export interface CacheDriver extends Checkable, AsyncDisposable {
  /** Name for spans and health, such as `memory`. */
  readonly name: string;
  /** What it can do. */
  readonly features: CacheFeatures;
  /** The value of a key, or undefined. */
  get(key: string, options?: WaitOptions): Answer<Uint8Array | undefined>;
  /** The values of many keys in their order, in one round trip where the backend can. */
  getMany(
    keys: readonly string[],
    options?: WaitOptions,
  ): Answer<readonly (Uint8Array | undefined)[]>;
  /** Stores values, replacing both earlier values and their time to live. */
  set(entries: readonly CacheEntry[], options?: WaitOptions): Answer<void>;
  /** Stores a value unless the key has one. True when stored. Needs `atomic`. */
  setIfAbsent(entry: CacheEntry, options?: WaitOptions): Answer<boolean>;
  /** Deletes keys; how many of them were there. */
  delete(keys: readonly string[], options?: WaitOptions): Answer<number>;
  /**
   * Adds to a whole number kept as decimal text; an absent key counts as 0. Needs `atomic`.
   *
   * @param entry Key, what to add (may be negative), and the time to live that the key gets if
   * this call makes it: later calls leave it alone.
   * @returns The sum. A value that is no whole number within 2^53 is refused with `CQI_CONFLICT`.
   */
  increment(entry: CacheIncrement, options?: WaitOptions): Answer<number>;
  /**
   * Replaces a value if it is, byte for byte, the one expected. Needs `atomic`.
   *
   * @param swap What is expected (undefined: no value) and what comes in its place (undefined:
   * nothing, the key is deleted).
   * @returns True when it was replaced.
   */
  compareAndSet(swap: CacheSwap, options?: WaitOptions): Answer<boolean>;
  /** Deletes every key that begins with a prefix; how many there were. Needs `clear`. */
  clear(prefix: string, options?: WaitOptions): Answer<number>;
  /** Releases what it holds. */
  close(): Promise<void>;
}

/** What `increment` of a driver takes. */
export interface CacheIncrement {
  /** The key. */
  readonly key: string;
  /** What to add: a whole number, may be negative. */
  readonly by: number;
  /** Milliseconds that a new key lives; undefined for no end. */
  readonly ttlMs: number | undefined;
}

/** What `compareAndSet` of a driver takes. */
export interface CacheSwap {
  /** The key. */
  readonly key: string;
  /** The value it must have; undefined: none. */
  readonly expected: Uint8Array | undefined;
  /** The value it gets; undefined: none. */
  readonly value: Uint8Array | undefined;
  /** Milliseconds that the new value lives; undefined for no end. */
  readonly ttlMs: number | undefined;
}

/** What a driver's module exports. */
export interface CacheDriverModule {
  /**
   * Makes the driver.
   *
   * @param config The validated section.
   * @param env Logger, metrics, tracer, clock and randomness.
   */
  createDriver(config: CacheConfig, env: Instruments): CacheDriver | Promise<CacheDriver>;
}

/** Settings of `open` that are code rather than configuration. */
export interface OpenOptions extends Partial<Instruments> {
  /** Drivers by the name that the configuration gives them. */
  readonly drivers?: DriverTable<CacheDriverModule>;
}
