import type { WaitOptions } from "../core/mod.ts";
import { CHUNK } from "./_guard.ts";
import { lookup } from "./_load.ts";
import type { Read } from "./_shared.ts";
import type { Store } from "./_store.ts";
import { requireTags, type TagVersion } from "./_tags.ts";
import { type Item, keepNear, lifeOf, ttlOf, write, writeOne } from "./_write.ts";
import type { CommitHooks, Keyspace, Loader, LoadOptions, Lookup, SetOptions } from "./keyspace.ts";
import type { CacheKey } from "./types.ts";

/** A keyspace over its store. */
export class StoreKeyspace<V, I = V> implements Keyspace<V, I> {
  readonly name: string;
  readonly #store: Store<V, I>;

  constructor(store: Store<V, I>) {
    this.#store = store;
    this.name = store.settings.name;
  }

  get(key: CacheKey, options?: WaitOptions): Promise<V | undefined> {
    const store = this.#store;
    return store.traced("get", (span) => {
      const full = store.key(key);
      const near = store.readNear(full);
      if (near !== undefined) span?.set({ "cqi.cache.tier": "near" });
      const take = (read: Read<V>): V | undefined => {
        span?.set({ "cqi.cache.result": plainResult(read) });
        return this.#take("get", full, read);
      };
      // Promises by hand: an async function more would be felt in what a hit costs.
      const answer = near ?? store.read(full, options?.signal, true);
      return answer instanceof Promise ? answer.then(take) : Promise.resolve(take(answer));
    });
  }

  getMany(keys: readonly CacheKey[], options: WaitOptions = {}): Promise<(V | undefined)[]> {
    const store = this.#store;
    return store.traced("get_many", async () => {
      const fulls = keys.map((key) => store.key(key));
      store.shared.guard.requireOpen();
      if (fulls.length === 0) return [];
      const reads = await store.readMany(fulls, options.signal);
      return reads.map((read, i) => this.#take("get", fulls[i]!, read));
    });
  }

  exists(key: CacheKey, options: WaitOptions = {}): Promise<boolean> {
    const store = this.#store;
    return store.traced("exists", async () => {
      const full = store.key(key);
      const read = store.readNear(full) ?? await store.read(full, options.signal);
      return this.#take("exists", full, read) !== undefined;
    });
  }

  getOrLoad(
    key: CacheKey,
    loader: Loader<I>,
    options: LoadOptions<V> = {},
  ): Promise<V | undefined> {
    const store = this.#store;
    return store.traced("get_or_load", (span) => {
      const found = lookup(store, key, loader, options, span);
      return found instanceof Promise ? found.then(valueOf) : Promise.resolve(found.value);
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
    const store = this.#store;
    if (options.tags !== undefined || store.shared.tier.isKept(store.prefix)) {
      return this.setMany([[key, value]], options);
    }
    return store.traced("set", async () => {
      const { signal } = options;
      const own = store as unknown as Store<unknown, never>;
      const ttlMs = ttlOf(own, options.ttl)();
      const payload = store.codec.encode(store.codec.take(value), true);
      const item = { full: store.key(key), payload, ttlMs };
      store.shared.guard.requireOpen();
      signal?.throwIfAborted();
      store.shared.flights.detach(item.full);
      const isStored = await writeOne(own, item, signal);
      // A load that began meanwhile may have the old value.
      store.shared.flights.detach(item.full);
      return isStored;
    });
  }

  setMany(
    entries: Iterable<readonly [CacheKey, I]>,
    options: SetOptions = {},
  ): Promise<boolean> {
    const store = this.#store;
    return store.traced("set", async () => {
      const tags = requireTags(options.tags ?? []);
      const own = store as unknown as Store<unknown, never>;
      const keeping = { signal: options.signal };
      const nextTtl = ttlOf(own, options.ttl);
      const items = Array.from(entries, ([key, value]) => ({
        full: store.key(key),
        payload: store.codec.encode(store.codec.take(value)),
        ttlMs: nextTtl(),
      }));
      store.shared.guard.requireOpen();
      options.signal?.throwIfAborted();
      this.#store.forget(items.map(({ full }) => full));
      if (tags.length === 0) return await this.#write(items, keeping);
      const versions = await this.#versions(tags, options);
      return versions !== undefined && await this.#write(items, { ...keeping, tags: versions });
    });
  }

  async delete(key: CacheKey, options: WaitOptions = {}): Promise<boolean> {
    return (await this.deleteMany([key], options)) > 0;
  }

  deleteMany(keys: readonly CacheKey[], options: WaitOptions = {}): Promise<number> {
    const store = this.#store;
    const { guard } = store.shared;
    return store.traced("delete", async () => {
      const fulls = keys.map((key) => store.key(key));
      this.#store.forget(fulls);
      guard.requireOpen();
      if (fulls.length === 0) return 0;
      const { signal } = options;
      let count = 0;
      for (let i = 0; i < fulls.length; i += CHUNK) {
        const some = fulls.slice(i, i + CHUNK);
        const remove = (wait: WaitOptions) => guard.driver.delete(some, wait);
        try {
          count += await store.require("delete", remove, { signal, keys: some.length });
        } finally {
          // Again: what was read meanwhile may have been read before it was deleted.
          store.forget(some);
        }
        store.shared.tier.tellKeys(store.prefix, some);
      }
      return count;
    });
  }

  deleteAfterCommit(tx: CommitHooks, keys: readonly CacheKey[]): void {
    // Refused at the call, where the mistake is, and not after the commit.
    const wanted = keys.map((key) => (this.#store.key(key), key));
    const { deletions } = this.#store.shared;
    tx.afterCommit(() => deletions.run(this.name, () => this.deleteMany(wanted)));
  }

  invalidateTags(tags: readonly string[], options: WaitOptions = {}): Promise<void> {
    const store = this.#store;
    const { guard, tags: versions, tier } = store.shared;
    return store.traced("invalidate_tags", async () => {
      const names = requireTags(tags);
      guard.requireFeature("atomic", "invalidate tags");
      guard.requireOpen();
      if (names.length === 0) return;
      const { signal } = options;
      const forget = (): void => tier.forget("tags", names);
      forget();
      const invalidate = () => versions.invalidate(names, signal);
      // Not in the deadline of one call: there are two.
      await store.attempt("invalidate_tags", invalidate, signal).finally(forget);
      tier.tellTags(names);
    });
  }

  clear(options: WaitOptions = {}): Promise<number> {
    const store = this.#store;
    const { guard, tier } = store.shared;
    return store.traced("clear", async () => {
      guard.requireFeature("clear", "clear a cache keyspace");
      const forget = (): void => tier.forget("prefix", [store.prefix]);
      forget();
      const { signal } = options;
      const remove = (wait: WaitOptions) => guard.driver.clear(store.prefix, wait);
      // Again after: what was read meanwhile may have been read before it was deleted.
      const count = await store.require("clear", remove, { signal, kind: "long" }).finally(forget);
      tier.tellPrefix(store.prefix);
      return count;
    });
  }

  async #write(items: readonly Item[], keeping: Parameters<typeof write>[2]): Promise<boolean> {
    const store = this.#store as unknown as Store<unknown, never>;
    const { near, prefix, shared } = store;
    const fulls = items.map(({ full }) => full);
    // Again: a load may have begun while the tags were read, and again while it was written.
    store.forget(fulls);
    const tickets = items.map(({ full }) => near?.begin(full));
    const isStored = await write(store, items, keeping).catch((error) => {
      for (const ticket of tickets) if (ticket !== undefined) near?.end(ticket, undefined);
      store.forget(fulls);
      throw error;
    });
    if (near === undefined || !isStored) store.forget(fulls);
    else for (const full of fulls) shared.flights.detach(full);
    for (const [i, ticket] of tickets.entries()) {
      if (ticket === undefined) continue;
      if (isStored) keepNear(store, ticket, items[i]!, keeping.tags);
      else near?.end(ticket, undefined);
    }
    shared.tier.tellKeys(prefix, fulls);
    return isStored;
  }

  // Undefined, and counted, when the backend cannot say.
  async #versions(
    tags: readonly string[],
    { ttl, signal }: SetOptions,
  ): Promise<readonly TagVersion[] | undefined> {
    const store = this.#store;
    try {
      const lifeMs = lifeOf(store as unknown as Store<unknown, never>, ttl);
      return await store.shared.tags.versions(tags, lifeMs, signal);
    } catch (error) {
      store.passOn(error, signal);
      store.count("set", "error");
      store.shared.logger.debug("Cache tags cannot be read", { keyspace: this.name, error });
      return undefined;
    }
  }

  // Without a loader a value past its time is none.
  #take(op: string, full: string, read: Read<V>): V | undefined {
    if (read.result === "corrupt" && read.stored !== undefined) this.#store.drop(full, read.stored);
    this.#store.count(op, plainResult(read));
    return read.result === "hit" ? read.value : undefined;
  }
}

function valueOf<V>(found: Lookup<V>): V | undefined {
  return found.value;
}

function plainResult(read: Read<unknown>): string {
  return read.result === "stale" ? "miss" : read.result;
}
