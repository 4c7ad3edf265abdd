import type { WaitOptions } from "../core/mod.ts";
import { lookup } from "./_load.ts";
import type { Read, Store } from "./_store.ts";
import type { Keyspace, Loader, LoadOptions, Lookup, SetOptions } from "./keyspace.ts";
import type { CacheKey } from "./types.ts";

/** A keyspace over its store. */
export class StoreKeyspace<V, I = V> implements Keyspace<V, I> {
  readonly name: string;
  readonly #store: Store<V, I>;

  constructor(store: Store<V, I>) {
    this.#store = store;
    this.name = store.settings.name;
  }

  get(key: CacheKey, options: WaitOptions = {}): Promise<V | undefined> {
    const store = this.#store;
    return store.traced("get", async (span) => {
      const answer = store.read(store.key(key), options.signal);
      const read = answer instanceof Promise ? await answer : answer;
      span?.set({ "cqi.cache.result": plainResult(read) });
      return this.#take("get", read);
    });
  }

  getMany(keys: readonly CacheKey[], options: WaitOptions = {}): Promise<(V | undefined)[]> {
    const store = this.#store;
    return store.traced("get_many", async () => {
      const fulls = keys.map((key) => store.key(key));
      store.shared.guard.requireOpen();
      if (fulls.length === 0) return [];
      const reads = await store.readMany(fulls, options.signal);
      return reads.map((read) => this.#take("get", read));
    });
  }

  exists(key: CacheKey, options: WaitOptions = {}): Promise<boolean> {
    const store = this.#store;
    return store.traced("exists", async () => {
      const read = await store.read(store.key(key), options.signal);
      return this.#take("exists", read) !== undefined;
    });
  }

  getOrLoad(
    key: CacheKey,
    loader: Loader<I>,
    options: LoadOptions<V> = {},
  ): Promise<V | undefined> {
    const store = this.#store;
    return store.traced("get_or_load", async (span) => {
      const found = lookup(store, key, loader, options, span);
      return found instanceof Promise ? (await found).value : found.value;
    });
  }

  lookup(key: CacheKey, loader: Loader<I>, options: LoadOptions<V> = {}): Promise<Lookup<V>> {
    const store = this.#store;
    return store.traced(
      "get_or_load",
      async (span) => await lookup(store, key, loader, options, span),
    );
  }

  set(key: CacheKey, value: I, options: SetOptions = {}): Promise<boolean> {
    return this.setMany([[key, value]], options);
  }

  setMany(
    entries: Iterable<readonly [CacheKey, I]>,
    options: SetOptions = {},
  ): Promise<boolean> {
    const store = this.#store;
    return store.traced("set", async () => {
      const ttlOf = store.ttlOf(options.ttl);
      const items = Array.from(entries, ([key, value]) => ({
        full: store.key(key),
        payload: store.codec.encode(store.codec.take(value)),
      }));
      store.shared.guard.requireOpen();
      options.signal?.throwIfAborted();
      for (const { full } of items) store.shared.flights.detach(full);
      return await store.write(items, ttlOf, options.signal);
    });
  }

  async delete(key: CacheKey, options: WaitOptions = {}): Promise<boolean> {
    return (await this.deleteMany([key], options)) > 0;
  }

  deleteMany(keys: readonly CacheKey[], options: WaitOptions = {}): Promise<number> {
    const store = this.#store;
    const { guard, flights } = store.shared;
    return store.traced("delete", async () => {
      const fulls = keys.map((key) => store.key(key));
      for (const full of fulls) flights.detach(full);
      guard.requireOpen();
      if (fulls.length === 0) return 0;
      const { signal } = options;
      const remove = (wait: WaitOptions) => guard.driver.delete(fulls, wait);
      return await store.require("delete", remove, signal, fulls.length);
    });
  }

  clear(options: WaitOptions = {}): Promise<number> {
    const store = this.#store;
    const { guard, flights } = store.shared;
    return store.traced("clear", async () => {
      guard.requireFeature("clear", "clear a cache keyspace");
      flights.detachAll(store.prefix);
      const { signal } = options;
      return await store.require("clear", (wait) => guard.driver.clear(store.prefix, wait), signal);
    });
  }

  // Without a loader a value past its time is none.
  #take(op: string, read: Read<V>): V | undefined {
    this.#store.count(op, plainResult(read));
    return read.result === "hit" ? read.value : undefined;
  }
}

function plainResult(read: Read<unknown>): string {
  return read.result === "stale" ? "miss" : read.result;
}
