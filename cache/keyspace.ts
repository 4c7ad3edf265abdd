import type { DurationInput, WaitOptions } from "../core/mod.ts";
import type { CacheKey, Ttl } from "./types.ts";

/** How a keyspace keeps its values. */
export interface KeyspaceOptions {
  /** Names it in keys, metrics and spans: `[a-z][a-z0-9_.-]*`, at most 64 characters. */
  readonly name: string;
  /** How long values are kept, give or take the jitter. @default {default_ttl of the configuration} */
  readonly ttl?: Ttl;
  /**
   * Share by which that time is spread at random, 0 to 1: 0.1 is plus or minus 10 %. A time given
   * with a call is kept as it is. @default {ttl_jitter of the configuration}
   */
  readonly jitter?: number;
  /** How long it is remembered that a loader found nothing. @default {not remembered} */
  readonly negativeTtl?: DurationInput;
  /** How long after its time a value is served without waiting, while it is loaded anew. @default {0} */
  readonly staleWhileRevalidate?: DurationInput;
  /** How long after its time a value is served when its loader fails. @default {0} */
  readonly staleIfError?: DurationInput;
  /** How long a failed loader is left alone while a value past its time is served. @default {"1s"} */
  readonly staleBackoff?: DurationInput;
  /** How long to wait for a loader when a value past its time is at hand. @default {loadTimeout} */
  readonly softTimeout?: DurationInput;
  /** How long a loader may take. @default {load_timeout of the configuration} */
  readonly loadTimeout?: DurationInput;
  /**
   * How long the other processes wait for one that died while it loaded a value; one that lives
   * renews it. Of all processes that share the backend one loads a key at a time, if its driver has
   * the feature `lease`. `"none"` lets each process load for itself. At most 2^31 seconds.
   *
   * @default {"3s"}
   */
  readonly lease?: DurationInput | "none";
  /**
   * How long values are kept in the memory of the process too, in front of a backend that others
   * share. Changes by other processes that give this option as well are heard of within some
   * milliseconds, and after this time at the latest: at most 2^31 seconds. Without effect on a
   * backend in the process.
   *
   * @default {not kept in the process}
   */
  readonly near?: DurationInput;
}

/** What a cache needs of a transaction: the one of `@cq/cqi/database`, or any like it. */
export interface CommitHooks {
  /** Calls a function once, after the commit. */
  readonly afterCommit: (hook: () => void | Promise<void>) => void;
}

/** Settings of a write. */
export interface SetOptions extends WaitOptions {
  /** How long this value is kept, exactly. @default {the keyspace's} */
  readonly ttl?: Ttl;
  /**
   * Names under which `invalidateTags` makes it invalid: at most 16 well-formed texts, each of at
   * most 200 characters. A read of a value with tags costs a second round trip.
   *
   * @default {[]}
   */
  readonly tags?: readonly string[];
}

/** Settings of a get-or-load. */
export interface LoadOptions<V> extends WaitOptions {
  /**
   * How long the loaded value is kept, exactly; a function decides by the value, and answers
   * undefined to have it not kept at all. @default {the keyspace's}
   */
  readonly ttl?: Ttl | ((value: V) => Ttl | undefined);
  /**
   * Names under which `invalidateTags` makes it invalid, also while it is being loaded; a function
   * decides by the value.
   *
   * @default {[]}
   */
  readonly tags?: readonly string[] | ((value: V) => readonly string[]);
}

/**
 * Gets a value from where it comes from.
 *
 * @typeParam I The value, or of a message its fields.
 * @param signal Aborts when time is up, all callers have left or the cache closes. Use this one:
 * the signal of one caller would end the load for all who share it.
 * @returns The value, or undefined when there is none.
 */
export type Loader<I> = (signal: AbortSignal) => I | undefined | Promise<I | undefined>;

/** A value and where it came from. */
export interface Lookup<V> {
  /** The value, or undefined when there is none. */
  readonly value: V | undefined;
  /** Whether the cache had the answer, or the loader had to be asked. */
  readonly source: "cache" | "loader";
  /** True when the value is past its time: its loader fails, is slow, or works in the background. */
  readonly stale: boolean;
}

/**
 * The values of one kind, under keys of their own.
 *
 * A broken backend or unreadable bytes never fail a read: it misses, and is counted. What cannot be
 * deleted is an error (`CQI_CACHE_UNAVAILABLE`), since the old value may be served again. Every
 * value that comes out is the caller's own copy.
 *
 * All calls reject with `CQI_CACHE_KEY_INVALID` for a key that cannot be one, with `CQI_CLOSED`
 * once the cache is closed, and with the signal's reason when it aborts.
 *
 * @typeParam V The values as they come out.
 * @typeParam I What goes in: of a message, its fields will do.
 */
export interface Keyspace<V, I = V> {
  /** Its name. */
  readonly name: string;
  /**
   * The value of a key, or undefined.
   *
   * @param key The key.
   * @param options A signal that ends the wait.
   */
  get(key: CacheKey, options?: WaitOptions): Promise<V | undefined>;
  /**
   * The values of many keys, in their order, in one round trip.
   *
   * @param keys The keys.
   * @param options A signal that ends the wait.
   */
  getMany(keys: readonly CacheKey[], options?: WaitOptions): Promise<(V | undefined)[]>;
  /**
   * Whether a key has a value.
   *
   * @param key The key.
   * @param options A signal that ends the wait.
   */
  exists(key: CacheKey, options?: WaitOptions): Promise<boolean>;
  /**
   * The value of a key; on a miss it is loaded and kept. Callers that ask for the same key at the
   * same time share one load; a caller that aborts frees only itself. What a loader throws reaches
   * all of them and is not kept; a loader that takes too long is `CQI_CACHE_LOAD_TIMEOUT`.
   *
   * @param key The key.
   * @param loader Gets the value on a miss.
   * @param options Time to live, and a signal that ends the wait.
   */
  getOrLoad(key: CacheKey, loader: Loader<I>, options?: LoadOptions<V>): Promise<V | undefined>;
  /**
   * As `getOrLoad`, and says where the value came from.
   *
   * @param key The key.
   * @param loader Gets the value on a miss.
   * @param options Time to live, and a signal that ends the wait.
   */
  lookup(key: CacheKey, loader: Loader<I>, options?: LoadOptions<V>): Promise<Lookup<V>>;
  /**
   * Keeps a value.
   *
   * @param key The key.
   * @param value Copied.
   * @param options Time to live, and a signal that ends the wait.
   * @returns False when it could not be kept (backend down, value too large): the cache may then
   * serve an earlier one until its time is over.
   */
  set(key: CacheKey, value: I, options?: SetOptions): Promise<boolean>;
  /**
   * Keeps many values in one call of the backend.
   *
   * @param entries Keys and values.
   * @param options Time to live of all, and a signal that ends the wait.
   * @returns False when some could not be kept.
   */
  setMany(entries: Iterable<readonly [CacheKey, I]>, options?: SetOptions): Promise<boolean>;
  /**
   * Deletes a value. A load that began earlier does not bring it back.
   *
   * @param key The key.
   * @param options A signal that ends the wait.
   * @returns Whether there was one.
   */
  delete(key: CacheKey, options?: WaitOptions): Promise<boolean>;
  /**
   * Deletes many values in one call of the backend.
   *
   * @param keys The keys.
   * @param options A signal that ends the wait.
   * @returns How many there were.
   */
  deleteMany(keys: readonly CacheKey[], options?: WaitOptions): Promise<number>;
  /**
   * Deletes values once a transaction has committed, and not if it does not: before the commit
   * another process could load the old row again. Deletions that fail are tried again for a minute,
   * then logged.
   *
   * @param tx The transaction.
   * @param keys The keys; there may be more calls for one transaction.
   */
  deleteAfterCommit(tx: CommitHooks, keys: readonly CacheKey[]): void;
  /**
   * Makes all values with one of these tags invalid, in every keyspace of the cache and every
   * process that shares it, at a cost that does not grow with their number. Needs the feature
   * `atomic` of the driver (`CQI_FEATURE_UNSUPPORTED`).
   *
   * @param tags The tags.
   * @param options A signal that ends the wait.
   */
  invalidateTags(tags: readonly string[], options?: WaitOptions): Promise<void>;
  /**
   * Deletes all values of this keyspace and no others. Needs the feature `clear` of the driver
   * (`CQI_FEATURE_UNSUPPORTED`).
   *
   * @param options A signal that ends the wait.
   * @returns How many there were.
   */
  clear(options?: WaitOptions): Promise<number>;
}

/**
 * Bytes under keys, with two more ways of writing that are decided in one step for all who share
 * the backend. They need its feature `atomic` (`CQI_FEATURE_UNSUPPORTED`), and reject with
 * `CQI_CACHE_UNAVAILABLE` when it cannot be reached: whether they took effect is then unknown.
 */
export interface BytesKeyspace extends Keyspace<Uint8Array> {
  /**
   * Keeps a value unless the key has one.
   *
   * @param key The key.
   * @param value Copied.
   * @param options Time to live, and a signal that ends the wait.
   * @returns Whether it was kept.
   */
  setIfAbsent(key: CacheKey, value: Uint8Array, options?: SetOptions): Promise<boolean>;
  /**
   * Replaces a value if it is still the expected one.
   *
   * @param key The key.
   * @param swap The value it must have (undefined: none) and the one it gets (undefined: none).
   * @param options Time to live, and a signal that ends the wait.
   * @returns Whether it was replaced.
   */
  compareAndSet(key: CacheKey, swap: BytesSwap, options?: SetOptions): Promise<boolean>;
}

/** What `compareAndSet` takes. */
export interface BytesSwap {
  /** The value that must be there; undefined: none. */
  readonly expected: Uint8Array | undefined;
  /** The value that comes in its place; undefined: none. */
  readonly value: Uint8Array | undefined;
}

/** Whole numbers under keys, added to in one step for all who share the backend. */
export interface Counters {
  /** Their keyspace's name. */
  readonly name: string;
  /**
   * Adds to a number; an absent one counts as 0, and lives for the `ttl` from that moment on.
   * Rejects with `CQI_CACHE_UNAVAILABLE` when the backend cannot be reached: whether it was added
   * is then unknown.
   *
   * @param key The key.
   * @param by A whole number, may be negative.
   * @param options A signal that ends the wait.
   * @returns The sum.
   */
  increment(key: CacheKey, by?: number, options?: WaitOptions): Promise<number>;
  /**
   * Deletes a number.
   *
   * @param key The key.
   * @param options A signal that ends the wait.
   * @returns Whether there was one.
   */
  delete(key: CacheKey, options?: WaitOptions): Promise<boolean>;
}

/** How counters are kept. */
export interface CountersOptions {
  /** Names them in keys, metrics and spans: `[a-z][a-z0-9_.-]*`, at most 64 characters. */
  readonly name: string;
  /** How long a number lives, counted from its first increment; exact. */
  readonly ttl: Ttl;
}
