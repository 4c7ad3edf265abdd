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
  /** `acquire`, `renew`, `settle` and `release` work: one load among all who share the backend. */
  readonly lease: boolean;
  /** `listen` and `announce` work: messages to all who share the backend. */
  readonly listen: boolean;
  /** Shortest time to live that is honoured, in milliseconds; shorter ones last this long. */
  readonly minTtlMs: number;
}

/** One value to store. */
export interface CacheEntry {
  /** Printable ASCII without spaces, braces and exclamation marks, at most 10,000 characters. */
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
 * - Bytes that were handed over are not changed any more by either side, except that what a
 *   `remote` driver gives belongs to the caller: each read gives bytes of its own.
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
  /**
   * Most that key and value of one entry may have together, in bytes. What has more is not handed
   * over: its key is deleted instead. Left out: any entry that `max_value_bytes` allows is kept.
   */
  readonly maxEntryBytes?: number;
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
  /**
   * Deletes keys; how many of them were there. Breaks their leases, so that what is being loaded
   * now is not stored later.
   */
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
   * nothing, the key is deleted, and its lease is broken as by `delete`).
   * @returns True when it was replaced.
   */
  compareAndSet(swap: CacheSwap, options?: WaitOptions): Answer<boolean>;
  /**
   * Deletes every key that begins with a prefix, and breaks their leases; how many keys there were.
   * May take many steps, each within the driver's own time limit. Needs `clear`.
   */
  clear(prefix: string, options?: WaitOptions): Answer<number>;
  /** Asks to be the one who loads a key. Needs `lease`. */
  acquire(claim: CacheClaim, options?: WaitOptions): Answer<CacheLease>;
  /** Keeps a lease for so long from now; false when it is lost. Needs `lease`. */
  renew(lease: CacheHold, options?: WaitOptions): Answer<boolean>;
  /**
   * Stores what was loaded and ends the lease, in one step; false, and nothing stored, when the
   * lease is lost or the key was written since. A value that was seen and has expired since is no
   * reason not to. Needs `lease`.
   */
  settle(loaded: CacheLoaded, options?: WaitOptions): Answer<boolean>;
  /**
   * Ends a lease without a value: those who wait for it stop waiting, and each loads by itself.
   * Nothing happens when the lease is lost. Needs `lease`.
   */
  release(lease: CacheHold, options?: WaitOptions): Answer<void>;
  /**
   * Sends a message to all who listen on its channel, this process too. May be lost. Needs `listen`.
   *
   * @param channel Printable ASCII without spaces.
   */
  announce(channel: string, message: Uint8Array, options?: WaitOptions): Answer<void>;
  /**
   * Listens to a channel until the driver closes. Resolves at once: what is sent while nobody is
   * connected is lost, and the listener is told so. Needs `listen`.
   */
  listen(channel: string, listener: CacheListener): void;
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

/** What `acquire` of a driver takes. */
export interface CacheClaim {
  /** The key that is to be loaded. */
  readonly key: string;
  /** Milliseconds that the lease holds unless it is renewed: so long do others wait for the dead. */
  readonly ttlMs: number;
  /** The value that is to be replaced, as it was read; undefined: there was none. */
  readonly seen: Uint8Array | undefined;
  /** True for one who has waited: it then does not take a lease that was released without a value. */
  readonly waited: boolean;
}

/**
 * What `acquire` of a driver gives:
 * - `acquired`: load it; `token` fences out whoever held the lease before;
 * - `held`: somebody loads it, ask again soon;
 * - `found`: another value is there than the one that was seen;
 * - `open`: whoever loaded it kept nothing; load it without a lease.
 */
export type CacheLease =
  | { readonly state: "acquired"; readonly token: string }
  | { readonly state: "found"; readonly value: Uint8Array }
  | { readonly state: "held" | "open" };

/** A lease in hand. */
export interface CacheHold {
  /** The key. */
  readonly key: string;
  /** What `acquire` gave. Later tokens of a key are greater, as numbers. */
  readonly token: string;
  /** Milliseconds that `renew` adds from now; to `release`, how long those who wait can see it. */
  readonly ttlMs: number;
}

/** What `settle` of a driver takes. */
export interface CacheLoaded {
  /** What is stored. */
  readonly entry: CacheEntry;
  /** What `acquire` gave. */
  readonly token: string;
  /** What `acquire` took: stored only while the key has that, or nothing any more. */
  readonly seen: Uint8Array | undefined;
}

/** Who listens to a channel. */
export interface CacheListener {
  /** Gets each message, in the order they were sent by one sender. */
  message(bytes: Uint8Array): void;
  /** Messages may have been lost: the connection was, or has just been made. */
  lost(): void;
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
