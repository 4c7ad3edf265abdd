import type { WaitOptions } from "../core/mod.ts";
import { refuse } from "../internal/options.ts";
import { StoreKeyspace } from "./_keyspace.ts";
import { BYTES_CODEC } from "./_codec.ts";
import { type Defaults, readSettings } from "./_settings.ts";
import type { Shared } from "./_shared.ts";
import { Store } from "./_store.ts";
import { entryOf, ttlOf } from "./_write.ts";
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
    const { guard } = this.#store.shared;
    return this.#write("set_if_absent", key, options, (full, ttlMs, wait) => {
      const entry = this.#entry(full, value, ttlMs);
      return guard.driver.setIfAbsent(entry, wait);
    });
  }

  compareAndSet(key: CacheKey, swap: BytesSwap, options: SetOptions = {}): Promise<boolean> {
    const { guard } = this.#store.shared;
    return this.#write("compare_and_set", key, options, (full, ttlMs, wait) => {
      const expected = swap.expected && this.#entry(full, swap.expected, undefined).value;
      const value = swap.value && this.#entry(full, swap.value, undefined).value;
      return guard.driver.compareAndSet({ key: full, expected, value, ttlMs }, wait);
    });
  }

  #write(
    op: string,
    key: CacheKey,
    options: SetOptions,
    fn: (
      full: string,
      ttlMs: number | undefined,
      wait: WaitOptions,
    ) => boolean | Promise<boolean>,
  ): Promise<boolean> {
    const store = this.#store;
    return store.traced(op, async () => {
      const full = store.key(key);
      const ttlMs = ttlOf(asAny(store), options.ttl)();
      store.shared.guard.requireFeature("atomic", op);
      store.shared.flights.detach(full);
      store.near?.drop([full]);
      const { signal } = options;
      const done = await store.require(op, (wait) => fn(full, ttlMs, wait), {
        signal,
        kind: "once",
      });
      store.near?.drop([full]);
      if (done) store.news?.tell("keys", [full]);
      return done;
    });
  }

  #entry(full: string, value: Uint8Array, ttlMs: number | undefined): CacheEntry {
    const { maxValueBytes } = this.#store.settings;
    const payload = this.#store.codec.encode(this.#store.codec.take(value));
    const entry = entryOf(asAny(this.#store), { full, payload }, ttlMs);
    return entry ?? refuse("value", value.length, `at most ${maxValueBytes} bytes long`);
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
