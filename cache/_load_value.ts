import { claim, type Claimed, type Lease } from "./_lease.ts";
import type { Flight } from "./_flights.ts";
import type { Found, Read } from "./_shared.ts";
import type { Store } from "./_store.ts";
import { requireTags, type TagVersion } from "./_tags.ts";
import { dropOld, keepNear, lifeOf, settle, ttlOf, write } from "./_write.ts";
import type { LoadOptions } from "./keyspace.ts";
import type { Answer } from "./types.ts";

/** What a loader gave. */
export interface Given<V> {
  readonly value: V;
  /** A copy. */
  readonly payload: Uint8Array;
}

/** A load to be done. */
export interface Loading<V> {
  /** Calls the loader, within its time. */
  readonly call: () => Promise<Given<V> | undefined>;
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
  readonly versions: (() => ReturnType<TagSource>) | undefined;
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
  loading: Loading<V>,
): Promise<Found<V> | undefined> {
  const own = store as unknown as Store<V, never>;
  const { flights } = store.shared;
  const claimed = await claimOf(own, flight, read);
  if (claimed.kind === "found") return claimed.found;
  const lease = claimed.kind === "lease" ? claimed.lease : undefined;
  const ticket = store.near?.begin(flight.key);
  let isKept = false;
  try {
    // What is loaded alone is not stored with tags, so that nobody waits for their versions: of a
    // backend that is lost they would cost its deadline again.
    const isTagged = claimed.kind !== "alone" && !isLost(read);
    const { payload, keep, versions } = await load(store, loading, isTagged);
    flight.land({ result: flight.result === "stale" ? "miss" : flight.result, payload });
    // Whoever comes from now on looks for himself: what was loaded may be out of date by then.
    flights.leave(flight);
    // Or it would be served again and again, though the loader has said that it is out of date.
    if (keep === undefined) dropOld(own, flight.key, lease?.seen ?? storedOf(read));
    const tags = versions === undefined ? NO_TAGS : await versions();
    if (keep === undefined || tags === undefined || flight.detached || flight.isAborted) {
      return undefined;
    }
    const item = { full: flight.key, payload, ttlMs: keep() };
    if (claimed.kind === "alone") {
      // For as long as the backend is lost: once it is back, nothing in the tier is fresh.
      if (isLost(read)) keepNear(own, ticket, item, tags);
      return undefined;
    }
    isKept = true;
    const storing = lease === undefined
      ? write(own, [item], { tags })
      : settle(own, item, lease, { tags });
    // Where the driver is at hand it is stored by now, so before anyone who waits goes on.
    if (await storing) keepNear(own, ticket, item, tags);
    return undefined;
  } finally {
    if (ticket !== undefined) store.near?.end(ticket, undefined);
    if (!isKept) await giveUp(lease);
  }
}

function claimOf<V>(store: Store<V, never>, flight: Flight, read: Read<V>): Answer<Claimed<V>> {
  // A backend that could not be read is not asked for a lease: that would cost its deadline again.
  if (isLost(read)) {
    return { kind: store.settings.leaseMs === undefined ? "free" : "alone" };
  }
  return claim(store, flight, storedOf(read));
}

function storedOf<V>(read: Read<V>): Uint8Array | undefined {
  return "stored" in read ? read.stored : undefined;
}

// The backend could not be read; what there is comes from the tier of the process.
function isLost<V>(read: Read<V>): boolean {
  return read.result === "error" || (read.result === "stale" && read.stored === undefined);
}

async function giveUp<V>(lease: Lease<V> | undefined): Promise<void> {
  if (lease !== undefined) await lease.release();
}

async function load<V, I>(
  store: Store<V, I>,
  { call, options, failed }: Loading<V>,
  isTagged: boolean,
): Promise<Loaded> {
  const { negativeTtlMs } = store.settings;
  try {
    const source = await tagSource(store, options, isTagged);
    const given = await call();
    if (given === undefined) {
      store.count("load", "absent");
      return {
        payload: undefined,
        keep: negativeTtlMs === undefined ? undefined : () => negativeTtlMs,
        versions: source && (() => source([], negativeTtlMs)),
      };
    }
    const { value, payload } = given;
    const ttl = typeof options.ttl === "function" ? options.ttl(value) : options.ttl;
    const own = store as unknown as Store<unknown, never>;
    const isKept = typeof options.ttl !== "function" || ttl !== undefined;
    const keep = isKept ? ttlOf(own, ttl) : undefined;
    const lifeMs = lifeOf(own, ttl);
    const tags = typeof options.tags === "function" ? requireTags(options.tags(value)) : [];
    store.count("load", "ok");
    return { payload, keep, versions: source && (() => source(tags, lifeMs)) };
  } catch (error) {
    failed(error);
    throw error;
  }
}

/**
 * Gives the versions that a loaded value's tags had before its load; undefined when unknown. They
 * live longer than the value does.
 */
type TagSource = (
  tags: readonly string[],
  lifeMs: number | undefined,
) => Promise<readonly TagVersion[] | undefined>;

async function tagSource<V, I>(
  store: Store<V, I>,
  { tags: wanted, ttl }: LoadOptions<V>,
  isTagged: boolean,
): Promise<TagSource | undefined> {
  if (wanted === undefined) return undefined;
  if (!isTagged) {
    if (typeof wanted !== "function" && requireTags(wanted).length === 0) return undefined;
    return () => Promise.resolve(undefined);
  }
  const { tags } = store.shared;
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
    const own = store as unknown as Store<unknown, never>;
    const isByValue = typeof ttl === "function";
    const expected = lifeOf(own, isByValue ? undefined : ttl);
    const before = await ask(() => tags.versions(names, expected));
    return async (_, lifeMs) => {
      if (before === undefined || !isByValue) return before;
      return await ask(() => tags.versions(names, lifeMs)) && before;
    };
  }
  const before = await ask(() => tags.generation());
  return (names, lifeMs) =>
    ask(async () => {
      if (before === undefined) return undefined;
      if (names.length === 0) return [];
      const now = await tags.versions(names, lifeMs);
      // A tag that was invalidated since may be one of them.
      return await tags.isStill(before) ? now : undefined;
    });
}
