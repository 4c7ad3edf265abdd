import { claim, type Claimed, type Lease } from "./_lease.ts";
import type { Flight } from "./_flights.ts";
import type { Found, Read } from "./_shared.ts";
import type { Store } from "./_store.ts";
import { requireTags, type TagVersion } from "./_tags.ts";
import { keepNear, settle, ttlOf, write } from "./_write.ts";
import type { LoadOptions } from "./keyspace.ts";
import type { Answer } from "./types.ts";

/** A load to be done. */
export interface Loading<V, I> {
  /** Calls the loader, within its time. */
  readonly call: () => Promise<I | undefined>;
  readonly options: LoadOptions<V>;
  /** Told of a loader that failed. */
  readonly failed: (error: unknown) => void;
}

/** What was loaded, and how it is kept. */
interface Loaded {
  readonly payload: Uint8Array | undefined;
  /** The time to live; undefined: it is not kept. */
  readonly keep: (() => number | undefined) | undefined;
  /** Gives the versions of its tags, or undefined if they are not known; left out: it has none. */
  readonly versions: (() => Promise<readonly TagVersion[] | undefined>) | undefined;
}

const NO_TAGS: readonly TagVersion[] = [];

/**
 * Loads a key: alone among all processes where the driver knows leases. The flight lands with the
 * value before it is stored.
 *
 * @param read What is there by now, to be replaced.
 * @returns A value that another process has loaded meanwhile; else undefined.
 */
export async function loadThrough<V, I>(
  store: Store<V, I>,
  flight: Flight,
  read: Read<V>,
  loading: Loading<V, I>,
): Promise<Found<V> | undefined> {
  const own = store as unknown as Store<V, never>;
  const { flights } = store.shared;
  const claimed = await claimOf(own, flight, read);
  if (claimed.kind === "found") return claimed.found;
  const lease = claimed.kind === "lease" ? claimed.lease : undefined;
  const ticket = store.near?.begin(flight.key);
  let isKept = false;
  try {
    const { payload, keep, versions } = await load(store, loading);
    flight.land({ result: flight.result === "stale" ? "miss" : flight.result, payload });
    // Whoever comes from now on looks for himself: what was loaded may be out of date by then.
    flights.leave(flight);
    const tags = versions === undefined ? NO_TAGS : await versions();
    if (keep === undefined || tags === undefined || flight.detached || flight.isAborted) {
      return undefined;
    }
    if (claimed.kind === "alone") return undefined;
    const item = { full: flight.key, payload };
    isKept = true;
    const storing = lease === undefined
      ? write(own, [item], { ttlOf: keep, tags })
      : settle(own, item, lease, { ttlOf: keep, tags });
    // Where the driver is at hand it is stored by now, so before anyone who waits goes on.
    if (await storing) keepNear(own, ticket, payload, tags, keep());
    return undefined;
  } finally {
    if (ticket !== undefined) store.near?.end(ticket, undefined);
    if (!isKept) await giveUp(lease);
  }
}

function claimOf<V>(store: Store<V, never>, flight: Flight, read: Read<V>): Answer<Claimed<V>> {
  // A backend that could not be read is not asked for a lease: that would cost its deadline again.
  const isLost = read.result === "stale" && read.stored === undefined;
  if (read.result === "error" || isLost) {
    return { kind: store.settings.leaseMs === undefined ? "free" : "alone" };
  }
  return claim(store, flight, "stored" in read ? read.stored : undefined);
}

async function giveUp<V>(lease: Lease<V> | undefined): Promise<void> {
  if (lease !== undefined) await lease.release();
}

async function load<V, I>(
  store: Store<V, I>,
  { call, options, failed }: Loading<V, I>,
): Promise<Loaded> {
  const { negativeTtlMs } = store.settings;
  try {
    const source = await tagSource(store, options.tags);
    const given = await call();
    if (given === undefined) {
      store.count("load", "absent");
      return {
        payload: undefined,
        keep: negativeTtlMs === undefined ? undefined : () => negativeTtlMs,
        versions: source && (() => source([])),
      };
    }
    const value = store.codec.take(given);
    const payload = store.codec.encode(value);
    const keep = timeToLive(store, value, options.ttl);
    const tags = typeof options.tags === "function" ? requireTags(options.tags(value)) : [];
    store.count("load", "ok");
    return { payload, keep, versions: source && (() => source(tags)) };
  } catch (error) {
    failed(error);
    throw error;
  }
}

/** Gives the versions that a loaded value's tags had before its load; undefined when unknown. */
type TagSource = (tags: readonly string[]) => Promise<readonly TagVersion[] | undefined>;

async function tagSource<V, I>(
  store: Store<V, I>,
  wanted: LoadOptions<V>["tags"],
): Promise<TagSource | undefined> {
  if (wanted === undefined) return undefined;
  const { tags } = store.shared;
  const { ttlMs, graceMs } = store.settings;
  const lifeMs = ttlMs === undefined ? undefined : ttlMs + graceMs;
  const ask = async <T>(question: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await question();
    } catch (error) {
      // Without versions the value is not kept, and the caller gets it all the same.
      store.passOn(error, undefined);
      store.shared.logger.debug("Cache tags cannot be read, what is loaded is not kept", { error });
      return undefined;
    }
  };
  if (typeof wanted !== "function") {
    const names = requireTags(wanted);
    if (names.length === 0) return undefined;
    const before = await ask(() => tags.versions(names, lifeMs));
    return () => Promise.resolve(before);
  }
  const before = await ask(() => tags.generation());
  return (names) =>
    ask(async () => {
      if (before === undefined) return undefined;
      if (names.length === 0) return [];
      const now = await tags.versions(names, lifeMs);
      // A tag that was invalidated since may be one of them.
      return await tags.isStill(before) ? now : undefined;
    });
}

// Undefined: the value is not kept.
function timeToLive<V, I>(
  store: Store<V, I>,
  value: V,
  ttl: LoadOptions<V>["ttl"],
): (() => number | undefined) | undefined {
  const own = store as unknown as Store<unknown, never>;
  if (typeof ttl !== "function") return ttlOf(own, ttl);
  const wanted = ttl(value);
  return wanted === undefined ? undefined : ttlOf(own, wanted);
}
