import { seal } from "./_envelope.ts";
import { CHUNK } from "./_guard.ts";
import type { Lease } from "./_lease.ts";
import type { Ticket } from "./_near.ts";
import type { Store } from "./_store.ts";
import type { TagVersion } from "./_tags.ts";
import { MAX_TTL_MS, spread, ttlMilliseconds } from "./_ttl.ts";
import type { CacheEntry, Ttl } from "./types.ts";

/** What one key is to have. */
export interface Item {
  readonly full: string;
  /** Undefined: it is known to be absent. */
  readonly payload: Uint8Array | undefined;
  /** Its time to live, drawn once: the backend and the tier in the process go by the same. */
  readonly ttlMs: number | undefined;
}

/** How a value is kept. */
export interface Keeping {
  readonly tags?: readonly TagVersion[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The time to live of a write: exactly what the call says, or the keyspace's, spread. */
export function ttlOf(
  store: Store<unknown, never>,
  ttl: Ttl | undefined,
): () => number | undefined {
  const { settings, shared } = store;
  if (ttl === undefined) return () => spread(settings.ttlMs, settings.jitter, shared.random);
  const ms = ttlMilliseconds(ttl);
  return () => ms;
}

/** Longest that a value may be in the store; undefined for no end. */
export function lifeOf(store: Store<unknown, never>, ttl: Ttl | undefined): number | undefined {
  const { ttlMs, jitter, graceMs } = store.settings;
  const longest = ttl === undefined ? ttlMs && ttlMs * (1 + jitter) : ttlMilliseconds(ttl);
  return longest && longest + graceMs;
}

/** Makes what is stored; undefined when it is larger than values may be. */
export function entryOf(
  store: Store<unknown, never>,
  { full, payload, ttlMs }: Item,
  tags?: readonly TagVersion[],
): CacheEntry | undefined {
  const { graceMs, maxValueBytes, nearTtlMs } = store.settings;
  if (payload !== undefined && payload.length > maxValueBytes) return undefined;
  // Absence is not served past its time.
  const grace = payload === undefined ? 0 : graceMs;
  const timed = ttlMs !== undefined && (grace > 0 || nearTtlMs !== undefined);
  const freshUntil = timed ? store.shared.clock.now() + ttlMs : Infinity;
  const { allocate, guard } = store.shared;
  const value = seal(store.hash, payload, freshUntil, tags, allocate);
  const { maxEntryBytes = Infinity } = guard.driver;
  if (full.length + value.length > maxEntryBytes) return undefined;
  return {
    key: full,
    value,
    ttlMs: grace > 0 && ttlMs !== undefined
      ? Math.min(MAX_TTL_MS, Math.ceil(ttlMs + grace))
      : ttlMs,
  };
}

/**
 * Stores values; one that is too large takes an earlier value of its key away instead. False when
 * some could not be stored.
 */
export async function write(
  store: Store<unknown, never>,
  items: readonly Item[],
  { tags, signal }: Keeping,
): Promise<boolean> {
  const { guard } = store.shared;
  const entries: CacheEntry[] = [];
  const large: string[] = [];
  for (const item of items) {
    const entry = entryOf(store, item, tags);
    if (entry === undefined) large.push(item.full);
    else entries.push(entry);
  }
  try {
    for (let i = 0; i < entries.length; i += CHUNK) {
      const chunk = entries.length <= CHUNK ? entries : entries.slice(i, i + CHUNK);
      const done = guard.call((options) => guard.driver.set(chunk, options), signal);
      if (done instanceof Promise) await done;
      store.count("set", "ok", chunk.length);
    }
    if (large.length > 0) {
      tooLarge(store, large.length);
      await guard.call((options) => guard.driver.delete(large, options), signal);
    }
    return large.length === 0;
  } catch (error) {
    return notStored(store, error, entries.length, signal);
  }
}

/** As `write` of one value, at the cost of one. */
export async function writeOne(
  store: Store<unknown, never>,
  item: Item,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const entry = entryOf(store, item);
  if (entry === undefined) return write(store, [item], { signal });
  const { guard } = store.shared;
  try {
    const done = guard.call((options) => guard.driver.set([entry], options), signal);
    if (done instanceof Promise) await done;
    store.count("set", "ok");
    return true;
  } catch (error) {
    return notStored(store, error, 1, signal);
  }
}

// A write that fails is counted and costs nobody more than the value; an abort is the caller's own.
function notStored(
  store: Store<unknown, never>,
  error: unknown,
  times: number,
  signal: AbortSignal | undefined,
): false {
  store.passOn(error, signal);
  store.count("set", "error", times);
  store.shared.logger.debug("Cache write failed", { keyspace: store.settings.name, error });
  return false;
}

/** Stores what was loaded under a lease, unless that was lost or the key was written meanwhile. */
export async function settle<V>(
  store: Store<V, never>,
  item: Item,
  lease: Lease<V>,
  { tags }: Keeping,
): Promise<boolean> {
  const { guard } = store.shared;
  const { token, seen } = lease;
  const entry = entryOf(store, item, tags);
  if (entry === undefined) {
    tooLarge(store, 1);
    dropOld(store, item.full, seen);
    await lease.release();
    return false;
  }
  lease.stop();
  try {
    const loaded = { entry, token, seen };
    const isStored = await guard.call(
      (options) => guard.driver.settle(loaded, options),
      undefined,
      "last",
    );
    store.count("set", isStored ? "ok" : "outdated");
    return isStored;
  } catch (error) {
    return notStored(store as unknown as Store<unknown, never>, error, 1, undefined);
  }
}

/** Takes away what a load has superseded without anything that could be kept in its place. */
export function dropOld<V>(
  store: Store<V, never>,
  full: string,
  stored: Uint8Array | undefined,
): void {
  if (stored !== undefined) store.drop(full, stored);
  store.near?.drop([full]);
}

/** Keeps what was written in the tier of the process too; a ticket says whether it still may. */
export function keepNear(
  store: Store<unknown, never>,
  ticket: Ticket | undefined,
  { payload, ttlMs = Infinity }: Item,
  tags: readonly TagVersion[] = [],
): void {
  if (ticket === undefined) return;
  const freshUntil = store.shared.clock.now() + ttlMs;
  store.near?.end(ticket, store.nearValue({ payload, freshUntil, tags }));
}

function tooLarge(store: Store<unknown, never>, times: number): void {
  store.count("set", "too_large", times);
  store.tooLarge.note(times);
}
