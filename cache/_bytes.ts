import type { WaitOptions } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { refuse } from "../internal/options.ts";
import { StoreKeyspace } from "./_keyspace.ts";
import { BYTES_CODEC } from "./_codec.ts";
import { exchange } from "./_exchange.ts";
import { type Defaults, readSettings } from "./_settings.ts";
import type { Shared } from "./_shared.ts";
import { Store } from "./_store.ts";
import { requireTags, type TagVersion } from "./_tags.ts";
import { entryOf, lifeOf, ttlOf } from "./_write.ts";
import type {
  BytesKeyspace,
  BytesSwap,
  Counters,
  CountersOptions,
  SetOptions,
} from "./keyspace.ts";
import type { CacheEntry, CacheKey } from "./types.ts";

/** A keyspace of bytes, with the writes that are decided in one step. */
export class StoreBytesKeyspace extends StoreKeyspace<Uint8Array> implements BytesKeyspace {
  readonly #store: Store<Uint8Array>;

  constructor(store: Store<Uint8Array>) {
    super(store);
    this.#store = store;
  }

  setIfAbsent(key: CacheKey, value: Uint8Array, options: SetOptions = {}): Promise<boolean> {
    return this.#exchange("set_if_absent", key, { expected: undefined, value }, options);
  }

  compareAndSet(key: CacheKey, swap: BytesSwap, options: SetOptions = {}): Promise<boolean> {
    return this.#exchange("compare_and_set", key, swap, options);
  }

  #exchange(op: string, key: CacheKey, swap: BytesSwap, options: SetOptions): Promise<boolean> {
    const store = this.#store;
    const own = asAny(store);
    return store.traced(op, async () => {
      const full = store.key(key);
      const { signal } = options;
      const ttlMs = ttlOf(own, options.ttl)();
      const names = requireTags(options.tags ?? []);
      const expected = swap.expected && this.#payload(swap.expected);
      const payload = swap.value && this.#payload(swap.value);
      store.shared.guard.requireFeature("atomic", op);
      store.forget([full]);
      const done = await store.attempt(op, async () => {
        const tags = payload && await this.#versions(names, lifeOf(own, options.ttl), signal);
        const value = payload && this.#stored(entryOf(own, { full, payload, ttlMs }, tags));
        const likely = expected &&
          entryOf(own, { full, payload: expected, ttlMs: undefined })?.value;
        return await exchange(store, { full, expected, likely, value, ttlMs }, signal);
      }, signal).finally(() => store.forget([full]));
      if (done) store.shared.tier.tellKeys(store.prefix, [full]);
      return done;
    });
  }

  // A copy, since what comes next is awaited.
  #payload(value: Uint8Array): Uint8Array {
    const { codec, settings } = this.#store;
    const payload = codec.encode(codec.take(value));
    if (payload.length <= settings.maxValueBytes) return payload;
    refuse("value", value.length, `at most ${settings.maxValueBytes} bytes long`);
  }

  // Not even a value of its largest size may fit, with its key, into all the room that there is.
  #stored(entry: CacheEntry | undefined): Uint8Array {
    if (entry !== undefined) return entry.value;
    const { maxEntryBytes } = this.#store.shared.guard.driver;
    refuse("value", "one too large", `at most ${maxEntryBytes} bytes long, its key included`);
  }

  async #versions(
    names: readonly string[],
    lifeMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<readonly TagVersion[]> {
    if (names.length === 0) return [];
    const versions = await this.#store.shared.tags.versions(names, lifeMs, signal);
    if (versions !== undefined) return versions;
    throw new CqiError(
      "CQI_CACHE_UNAVAILABLE",
      "Cannot keep a value with tags in the cache: they change all the time",
    );
  }
}

function asAny(store: Store<Uint8Array>): Store<unknown, never> {
  return store as unknown as Store<unknown, never>;
}

/** Counters over the driver's own numbers: no envelope, since the backend has to read them. */
export function createCounters(
  shared: Shared,
  options: CountersOptions,
  defaults: Defaults,
): Counters {
  const settings = readSettings({ ...options, jitter: 0 }, defaults);
  const store = new Store(shared, settings, { ...BYTES_CODEC, fingerprint: "-count" });
  const { driver } = shared.guard;
  const { name, ttlMs } = settings;
  shared.guard.requireFeature("atomic", "open cache counters");
  return {
    name,
    increment: (key, by = 1, { signal } = {}) =>
      store.traced("increment", async () => {
        const full = store.key(key);
        if (!Number.isSafeInteger(by)) refuse("by", by, "a whole number within 2^53");
        const step = { key: full, by, ttlMs };
        const add = (wait: WaitOptions) => driver.increment(step, wait);
        return await store.require("increment", add, { signal, kind: "once" });
      }),
    delete: (key, { signal } = {}) =>
      store.traced("delete", async () => {
        const full = store.key(key);
        return await store.require("delete", (wait) => driver.delete([full], wait), { signal }) > 0;
      }),
  };
}
