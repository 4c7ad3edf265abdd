import { sleep, type Timer } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { Flight } from "./_flights.ts";
import type { Found } from "./_shared.ts";
import type { Store } from "./_store.ts";
import type { CacheLease } from "./types.ts";

/** First and longest wait between two looks whether another process has loaded the value, in ms. */
const MIN_POLL_MS = 5;
const MAX_POLL_MS = 200;
/** How long those who wait can see that a lease was given back without a value, in milliseconds. */
const OPEN_MS = 1000;

/**
 * What became of asking to load a key: a lease in hand; a value that somebody else has loaded; no
 * lease where there should be one, so what is loaded is not stored (it could not be told whether the
 * key was deleted meanwhile); or none where none is known.
 */
export type Claimed<V> =
  | { readonly kind: "lease"; readonly lease: Lease<V> }
  | { readonly kind: "found"; readonly found: Found<V> }
  | { readonly kind: "alone" | "free" };

/** The right to load a key, kept alive until it ends. */
export class Lease<V> {
  readonly token: string;
  /** The value that is replaced, byte for byte. */
  readonly seen: Uint8Array | undefined;
  readonly #store: Store<V, never>;
  readonly #key: string;
  readonly #ttlMs: number;
  #timer: Timer | undefined;

  constructor(
    store: Store<V, never>,
    key: string,
    lease: { readonly token: string; readonly seen: Uint8Array | undefined },
    ttlMs: number,
  ) {
    this.#store = store;
    this.#key = key;
    this.#ttlMs = ttlMs;
    this.token = lease.token;
    this.seen = lease.seen;
    this.#renewLater();
  }

  /** Stops keeping it alive; the backend's record of it is the caller's. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Gives it back without a value, so that nobody waits for one. Never fails. */
  async release(): Promise<void> {
    this.stop();
    const { guard, logger } = this.#store.shared;
    const hold = { key: this.#key, token: this.token, ttlMs: OPEN_MS };
    try {
      await guard.call((options) => guard.driver.release(hold, options), undefined, "last");
    } catch (error) {
      logger.debug("Cache lease could not be given back, it ends by itself", { error });
    }
  }

  #renewLater(): void {
    const { clock } = this.#store.shared;
    this.#timer = clock.timer(() => void this.#renew(), this.#ttlMs / 3, { background: true });
  }

  async #renew(): Promise<void> {
    const { guard, logger } = this.#store.shared;
    const hold = { key: this.#key, token: this.token, ttlMs: this.#ttlMs };
    let isHeld = true;
    try {
      isHeld = await guard.call((options) => guard.driver.renew(hold, options));
    } catch (error) {
      logger.debug("Cache lease could not be renewed", { error });
    }
    // A lost one is not taken back: what is loaded is then not stored.
    if (isHeld && this.#timer !== undefined) this.#renewLater();
  }
}

/**
 * Asks to be the one among all processes that loads a key, and waits while another does. Without
 * the backend everybody loads for himself.
 *
 * @param stale The bytes of the value past its time that is to be replaced.
 */
export async function claim<V>(
  store: Store<V, never>,
  flight: Flight,
  stale: Uint8Array | undefined,
): Promise<Claimed<V>> {
  const { guard, clock, random, logger } = store.shared;
  const { leaseMs: ttlMs, loadTimeoutMs, name } = store.settings;
  if (ttlMs === undefined || !guard.driver.features.lease) return { kind: "free" };
  const start = clock.monotonic();
  const { key } = flight;
  let seen = stale;
  let waited = false;
  for (let pollMs = MIN_POLL_MS;; pollMs = Math.min(MAX_POLL_MS, pollMs * 1.6)) {
    let answer: CacheLease;
    try {
      const wanted = { key, ttlMs, seen, waited };
      answer = await guard.call((options) => guard.driver.acquire(wanted, options));
    } catch (error) {
      store.passOn(error, undefined);
      store.count("set", "error");
      logger.debug("Cache lease could not be had, what is loaded is not kept", { error });
      return { kind: "alone" };
    }
    if (flight.isAborted) {
      if (answer.state === "acquired") void giveBack(store, key, answer.token);
      throw flight.signal.reason;
    }
    if (answer.state === "acquired") {
      return { kind: "lease", lease: new Lease(store, key, { token: answer.token, seen }, ttlMs) };
    }
    if (answer.state === "open") return { kind: "alone" };
    if (answer.state === "found") {
      const read = await store.opened(answer.value);
      if (read.result === "hit" || read.result === "negative") {
        return { kind: "found", found: read };
      }
      if (read.result === "corrupt") flight.result = read.result;
      // Past its time, or unreadable: to be replaced as well.
      seen = answer.value;
      continue;
    }
    waited = true;
    if (clock.monotonic() - start > loadTimeoutMs) {
      throw new CqiError(
        "CQI_CACHE_LOAD_TIMEOUT",
        `Cannot load into cache keyspace '${name}': another process took over ${loadTimeoutMs} ms`,
      );
    }
    await sleep(clock, pollMs * (0.5 + random.next() / 2), { signal: flight.signal });
  }
}

async function giveBack<V>(store: Store<V, never>, key: string, token: string): Promise<void> {
  const lease = new Lease(store, key, { token, seen: undefined }, OPEN_MS);
  await lease.release();
}
