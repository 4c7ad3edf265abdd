import { type Clock, type HealthReport, type Instruments, withDeadline } from "../core/mod.ts";
import type { WaitOptions } from "../core/mod.ts";
import { CqiError, messageOf } from "../errors/mod.ts";
import type { VerifyKey } from "./_algorithms.ts";
import { fetchDocument } from "./_fetch_document.ts";
import type { FetchLike } from "./types.ts";
import { unavailable } from "./_failure.ts";
import { findKey, type KeySet, parseKeySet } from "./_key_set.ts";
import type { KeySource } from "./_keys.ts";

/** How a JWK set is fetched and kept. Times in milliseconds. */
export interface RemoteKeysOptions {
  /** Where the set is. */
  readonly url: URL;
  /** Allowed algorithms. */
  readonly algorithms: readonly string[];
  /** How it is fetched. */
  readonly fetch: FetchLike;
  /** Age at which a set is fetched again, while the old one still serves. */
  readonly maxAgeMs: number;
  /** Age beyond which a set is not used any more. */
  readonly maxStaleMs: number;
  /** Least time between two fetches while a set is held. */
  readonly cooldownMs: number;
  /** Limit of one fetch. */
  readonly timeoutMs: number;
}

const FIRST_RETRY_MS = 1000;

/** Keys of a JWK set behind a URL: cached, refreshed, and never fetched on a caller's whim. */
export class RemoteKeys implements KeySource {
  readonly #options: RemoteKeysOptions;
  readonly #clock: Clock;
  readonly #logger: Instruments["logger"];
  readonly #tracer: Instruments["tracer"];
  readonly #count: (result: string) => void;
  readonly #closing = new AbortController();
  #set: KeySet | undefined;
  #loadedAt = -Infinity;
  #triedAt = -Infinity;
  #failures = 0;
  #flight: Promise<void> | undefined;

  constructor(options: RemoteKeysOptions, env: Instruments) {
    this.#options = options;
    this.#clock = env.clock;
    this.#tracer = env.tracer;
    this.#logger = env.logger.child({ component: "auth" });
    const fetches = env.metrics.counter({
      name: "auth_jwks_fetches_total",
      help: "Fetches of the JWK set, by result.",
      labels: ["result"],
    });
    this.#count = (result) => fetches.with({ result }).add();
  }

  async find(
    kid: string | undefined,
    alg: string,
    options: WaitOptions,
  ): Promise<VerifyKey | undefined> {
    const age = this.#age();
    if (age >= this.#options.maxStaleMs) await this.#refresh(options);
    else if (age >= this.#options.maxAgeMs) this.#start();
    const set = this.#current();
    const key = findKey(set, kid, alg);
    // Perhaps a key of a rotation that is not known here yet. The cool-down bounds what a flood
    // of made-up ids can cause.
    if (key !== undefined || kid === undefined || set.byKid.has(kid)) return key;
    await this.#refresh(options);
    return findKey(this.#current(), kid, alg);
  }

  async check(options: WaitOptions): Promise<HealthReport> {
    if (this.#age() >= this.#options.maxAgeMs) await this.#refresh(options);
    const age = this.#age();
    if (age >= this.#options.maxStaleMs) return { status: "down", message: "No JWK set is held" };
    if (age < this.#options.maxAgeMs) return { status: "ok" };
    return { status: "degraded", message: "The JWK set is old and cannot be fetched" };
  }

  close(): void {
    this.#closing.abort(new CqiError("CQI_CLOSED", "Cannot fetch the JWK set: auth is closed"));
  }

  #age(): number {
    return this.#clock.monotonic() - this.#loadedAt;
  }

  #current(): KeySet {
    if (this.#set !== undefined && this.#age() < this.#options.maxStaleMs) return this.#set;
    throw unavailable("no JWK set is held and none could be fetched");
  }

  async #refresh(options: WaitOptions): Promise<void> {
    this.#start();
    const flight = this.#flight;
    if (flight === undefined) return;
    await withDeadline(this.#clock, Infinity, () => flight, options);
  }

  // One fetch at a time; not before the cool-down, or while no set is held the shorter backoff.
  #start(): void {
    if (this.#flight !== undefined || this.#closing.signal.aborted) return;
    const { cooldownMs, maxStaleMs } = this.#options;
    const backoff = this.#failures === 0
      ? 0
      : FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 20);
    const pause = this.#age() < maxStaleMs ? cooldownMs : Math.min(backoff, cooldownMs);
    if (this.#clock.monotonic() - this.#triedAt < pause) return;
    this.#triedAt = this.#clock.monotonic();
    this.#flight = this.#load().finally(() => (this.#flight = undefined));
  }

  async #load(): Promise<void> {
    const { url, fetch, timeoutMs, algorithms } = this.#options;
    try {
      const attributes = { "http.request.method": "GET", "server.address": url.hostname };
      // The caller that happens to come first is no parent: the fetch serves all of them.
      const spanOptions = { kind: "client", parent: null, attributes } as const;
      const bytes = await this.#tracer.span("fetch JWK set", spanOptions, () =>
        withDeadline(
          this.#clock,
          timeoutMs,
          (signal) => fetchDocument(url, fetch, signal),
          { signal: this.#closing.signal, action: "the fetch of the JWK set" },
        ));
      const set = await parseKeySet(bytes, algorithms);
      this.#set = set;
      this.#loadedAt = this.#clock.monotonic();
      this.#failures = 0;
      this.#count("ok");
      this.#logger.debug("JWK set fetched", { keys: set.all.length, ignored: set.ignored });
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#failures++;
      this.#count("error");
      this.#logger.warn("JWK set not fetched, the last good one serves until it is too old", {
        host: url.host,
        failures: this.#failures,
        reason: messageOf(error),
      });
    }
  }
}

/** Whether a host is this machine itself. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
