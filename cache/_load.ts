import { type Span, withDeadline } from "../core/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";
import type { Flight, Landed } from "./_flights.ts";
import type { Loader, LoadOptions, Lookup } from "./keyspace.ts";
import type { Read, Store } from "./_store.ts";
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
    const near = guard.driver.features.remote ? undefined : store.read(full);
    if (near !== undefined && !(near instanceof Promise)) {
      if (near.result === "hit" || near.result === "negative") return found(store, near, span);
    }
    flight = flights.start(full);
    void fly(store, flight, near ?? store.read(full, flight.signal), loader, options);
  }
  return join(store, flight, signal, span);
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
      // Decoded for each, so that callers share no objects.
      value: landed.payload && store.codec.decode(landed.payload),
      source: isFromCache(landed.result) ? "cache" : "loader",
      stale: landed.result === "stale",
    };
  } catch (error) {
    note(store, signal?.aborted ? "aborted" : flight.result, span);
    throw error;
  }
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
    if (read.result === "hit") flight.land(read);
    else if (read.result === "negative") flight.land({ result: "negative", payload: undefined });
    else if (read.result !== "stale") await load(store, flight, loader, options);
    else await reload(store, flight, read, loader, options);
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
  stale: Landed & { readonly staleMs: number },
  loader: Loader<I>,
  options: LoadOptions<V>,
): Promise<void> {
  const { flights, clock, logger } = store.shared;
  const { revalidateMs, softTimeoutMs, backoffMs, name } = store.settings;
  if (flights.isBackedOff(flight.key)) return flight.land(stale);
  const goOn = (): boolean => {
    const allowed = flights.refresh(flight);
    flight.land(stale);
    return allowed;
  };
  if (stale.staleMs <= revalidateMs && !goOn()) return;
  const soft = softTimeoutMs === Infinity ? undefined : clock.timer(goOn, softTimeoutMs);
  try {
    await load(store, flight, loader, options);
  } catch (error) {
    if (flight.signal.aborted) throw error;
    flights.backOff(flight.key, backoffMs);
    logger.warn("Cache loader failed, a value past its time is served", { keyspace: name, error });
    flight.land(stale);
  } finally {
    soft?.cancel();
  }
}

async function load<V, I>(
  store: Store<V, I>,
  flight: Flight,
  loader: Loader<I>,
  options: LoadOptions<V>,
): Promise<void> {
  const { negativeTtlMs } = store.settings;
  let payload: Uint8Array | undefined;
  let ttlOf: (() => number | undefined) | undefined;
  try {
    const given = await callLoader(store, flight, loader);
    const value = given === undefined ? undefined : store.codec.take(given);
    if (value !== undefined) payload = store.codec.encode(value);
    ttlOf = value === undefined
      ? negativeTtlMs === undefined ? undefined : () => negativeTtlMs
      : timeToLive(store, value, options.ttl);
  } catch (error) {
    store.count("load", loadResult(error, flight));
    throw error;
  }
  store.count("load", payload === undefined ? "absent" : "ok");
  flight.land({ result: flight.result === "stale" ? "miss" : flight.result, payload });
  // Written before anyone who waits goes on, where the driver is at hand.
  if (ttlOf !== undefined && !flight.detached && !flight.signal.aborted) {
    await store.write([{ full: flight.key, payload }], ttlOf);
  }
}

function callLoader<V, I>(
  store: Store<V, I>,
  flight: Flight,
  loader: Loader<I>,
): Promise<I | undefined> {
  const { name, loadTimeoutMs } = store.settings;
  return withDeadline(store.shared.clock, loadTimeoutMs, loader, {
    signal: flight.signal,
    error: () =>
      new CqiError(
        "CQI_CACHE_LOAD_TIMEOUT",
        `Cannot load into cache keyspace '${name}': the loader took over ${loadTimeoutMs} ms`,
      ),
  });
}

function loadResult(error: unknown, flight: Flight): string {
  if (flight.signal.aborted) return "aborted";
  return isCqiError(error, "CQI_CACHE_LOAD_TIMEOUT") ? "timeout" : "error";
}

// Undefined: the value is not kept.
function timeToLive<V, I>(
  store: Store<V, I>,
  value: V,
  ttl: LoadOptions<V>["ttl"],
): (() => number | undefined) | undefined {
  if (typeof ttl !== "function") return store.ttlOf(ttl);
  const wanted = ttl(value);
  return wanted === undefined ? undefined : store.ttlOf(wanted);
}
