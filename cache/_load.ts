import { type Span, withDeadline } from "../core/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";
import { type Given, loadThrough } from "./_load_value.ts";
import type { Answered, Flight } from "./_flights.ts";
import type { Found, Read } from "./_shared.ts";
import type { Store } from "./_store.ts";
import type { Loader, LoadOptions, Lookup } from "./keyspace.ts";
import type { Answer, CacheKey } from "./types.ts";

/**
 * Looks a key up and loads it on a miss: one flight for each key and process, whose answer every
 * caller decodes for itself. A driver in the process answers at once, so a hit costs no flight.
 */
export function lookup<V, I>(
  store: Store<V, I>,
  key: CacheKey,
  loader: Loader<I>,
  options: LoadOptions<V>,
  span?: Span,
): Answer<Lookup<V>> {
  const { flights, guard } = store.shared;
  const { signal } = options;
  signal?.throwIfAborted();
  guard.requireOpen();
  const full = store.key(key);
  let flight = flights.get(full);
  if (flight === undefined) {
    const near = store.readNear(full);
    if (near !== undefined) {
      span?.set({ "cqi.cache.tier": "near" });
      return found(store, near, span);
    }
    // Where a lease keeps loads apart, a hit needs no flight: those who read together share a
    // round trip all the same.
    const isLeased = guard.driver.features.lease && store.settings.leaseMs !== undefined;
    const read = store.read(full, isLeased ? signal : undefined, isLeased);
    if (isLeased && read instanceof Promise) {
      return read.then(
        (late) => {
          if (late.result === "hit" || late.result === "negative") return found(store, late, span);
          const open = flights.get(full) ?? begin(store, full, late, loader, options);
          return join(store, open, signal, span);
        },
        (error) => {
          note(store, signal?.aborted ? "aborted" : "error", span);
          throw error;
        },
      );
    }
    if (!(read instanceof Promise) && (read.result === "hit" || read.result === "negative")) {
      return found(store, read, span);
    }
    flight = begin(store, full, read, loader, options);
  }
  return join(store, flight, signal, span);
}

function begin<V, I>(
  store: Store<V, I>,
  full: string,
  read: Answer<Read<V>>,
  loader: Loader<I>,
  options: LoadOptions<V>,
): Flight {
  const { flights } = store.shared;
  // What is being read may have any tag.
  const flight = flights.start(full, read instanceof Promise ? undefined : tagsOf(read, options));
  flights.track(fly(store, flight, read, loader, options));
  return flight;
}

// Tags that what is there or what is loaded may have; undefined when only the value will tell.
function tagsOf<V>(read: Read<V>, { tags }: LoadOptions<V>): readonly string[] | undefined {
  if (typeof tags === "function") return undefined;
  // Others than lists are refused before the load.
  return [...(Array.isArray(tags) ? tags : []), ...("tags" in read ? read.tags ?? [] : [])];
}

async function join<V, I>(
  store: Store<V, I>,
  flight: Flight,
  signal: AbortSignal | undefined,
  span: Span | undefined,
): Promise<Lookup<V>> {
  try {
    const landed = await store.shared.flights.wait(flight, signal);
    note(store, landed.result, span);
    return {
      value: valueOf(store, landed),
      source: isFromCache(landed.result) ? "cache" : "loader",
      stale: landed.result === "stale",
    };
  } catch (error) {
    note(store, signal?.aborted ? "aborted" : flight.result, span);
    throw error;
  }
}

// Decoded for each, so that callers share no objects.
function valueOf<V, I>(store: Store<V, I>, landed: Answered): V | undefined {
  const { payload, spare } = landed;
  if (payload === undefined) return undefined;
  // Bytes may be a view of the payload, which the others decode too.
  if (spare === undefined || store.codec.copies === undefined) return store.codec.decode(payload);
  landed.spare = undefined;
  return spare as V;
}

function answered<V>(read: Found<V>): Answered {
  return read.result === "negative"
    ? { result: "negative", payload: undefined }
    : { result: read.result, payload: read.payload, spare: read.value };
}

function isFromCache(result: string): boolean {
  return result === "hit" || result === "stale" || result === "negative";
}

function note<V, I>(store: Store<V, I>, result: string, span: Span | undefined): void {
  store.count("get", result);
  span?.set({ "cqi.cache.result": result });
}

function found<V, I>(store: Store<V, I>, read: Read<V>, span: Span | undefined): Lookup<V> {
  note(store, read.result, span);
  return { value: "value" in read ? read.value : undefined, source: "cache", stale: false };
}

// Never rejects: what goes wrong reaches those who wait for the flight.
async function fly<V, I>(
  store: Store<V, I>,
  flight: Flight,
  first: Answer<Read<V>>,
  loader: Loader<I>,
  options: LoadOptions<V>,
): Promise<void> {
  const { flights } = store.shared;
  try {
    const read = first instanceof Promise ? await first : first;
    flight.result = read.result;
    flight.tags = tagsOf(read, options);
    if (read.result === "hit" || read.result === "negative") flight.land(answered(read));
    else if (read.result === "stale") await reload(store, flight, read, loader, options);
    else await load(store, flight, read, loader, options);
  } catch (error) {
    flight.fail(error);
  } finally {
    flights.end(flight);
  }
}

// A value past its time is at hand: it is served at once, or when the loader is slow or fails.
async function reload<V, I>(
  store: Store<V, I>,
  flight: Flight,
  stale: Found<V> & { readonly result: "stale" | "hit" },
  loader: Loader<I>,
  options: LoadOptions<V>,
): Promise<void> {
  const { flights, clock, logger } = store.shared;
  const { revalidateMs, softTimeoutMs, backoffMs, name } = store.settings;
  const served = answered(stale);
  if (flights.isBackedOff(flight.key)) return flight.land(served);
  const goOn = (): boolean => {
    const allowed = flights.refresh(flight);
    flight.land(served);
    return allowed;
  };
  if (revalidateMs > 0 && stale.staleMs <= revalidateMs && !goOn()) return;
  const soft = softTimeoutMs === Infinity ? undefined : clock.timer(goOn, softTimeoutMs);
  try {
    await load(store, flight, stale, loader, options);
  } catch (error) {
    if (flight.isAborted) throw error;
    flights.backOff(flight.key, backoffMs);
    logger.warn("Cache loader failed, a value past its time is served", { keyspace: name, error });
    flight.land(served);
  } finally {
    soft?.cancel();
  }
}

async function load<V, I>(
  store: Store<V, I>,
  flight: Flight,
  read: Read<V>,
  loader: Loader<I>,
  options: LoadOptions<V>,
): Promise<void> {
  if (flight.isAborted) return;
  const { name, loadTimeoutMs } = store.settings;
  const { codec } = store;
  const ask = async (signal: AbortSignal): Promise<Given<V> | undefined> => {
    const given = await loader(signal);
    if (given === undefined) return undefined;
    // At once: the loader may use its buffer again.
    const value = codec.take(given);
    return { value, payload: codec.encode(value) };
  };
  const call = (): Promise<Given<V> | undefined> =>
    withDeadline(store.shared.clock, loadTimeoutMs, ask, {
      signal: flight.signal,
      error: () =>
        new CqiError(
          "CQI_CACHE_LOAD_TIMEOUT",
          `Cannot load into cache keyspace '${name}': the loader took over ${loadTimeoutMs} ms`,
        ),
    });
  const found = await loadThrough(store, flight, read, {
    call,
    options,
    failed: (error) => store.count("load", loadResult(error, flight)),
  });
  if (found !== undefined) flight.land(answered(found));
}

function loadResult(error: unknown, flight: Flight): string {
  if (flight.isAborted) return "aborted";
  return isCqiError(error, "CQI_CACHE_LOAD_TIMEOUT") ? "timeout" : "error";
}
