import {
  type Clock,
  type Counter,
  type Family,
  type Logger,
  noopTracer,
  type Random,
  type Span,
  type Tracer,
  type WaitOptions,
} from "../core/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";
import { seal, typeHash, unseal } from "./_envelope.ts";
import type { Flights } from "./_flights.ts";
import type { Guard } from "./_guard.ts";
import { encodeKey, encodePrefix } from "./_key.ts";
import type { Settings } from "./_settings.ts";
import { MAX_TTL_MS, spread, ttlMilliseconds } from "./_ttl.ts";
import type { Answer, CacheEntry, CacheKey, Ttl } from "./types.ts";

/** Labels of `cache_operations_total`. */
export type OperationLabel = "keyspace" | "op" | "result";

/** What all keyspaces of a cache share. */
export interface Shared {
  readonly guard: Guard;
  readonly flights: Flights;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracer: Tracer;
  readonly operations: Family<OperationLabel, Counter>;
  readonly keyPrefix: string;
}

/** How values become bytes. */
export interface Codec<V, I = V> {
  /** Part of every key, so that two types under one name do not meet. */
  readonly fingerprint: string;
  /** The value that is made of what a caller gave. */
  take(given: I): V;
  /** Bytes that are copied before anybody else can change them. */
  encode(value: V): Uint8Array;
  /** Keeps no view of the bytes. Throws for bytes it cannot read. */
  decode(bytes: Uint8Array): V;
}

/** What a look into the cache found. */
export type Read<V> =
  | {
    readonly result: "hit" | "stale";
    readonly value: V;
    readonly payload: Uint8Array;
    /** Milliseconds since it stopped being fresh. */
    readonly staleMs: number;
  }
  | { readonly result: "negative" | "miss" | "corrupt" | "error" };

const MISS = { result: "miss" } as const;
const NEGATIVE = { result: "negative" } as const;
const CORRUPT = { result: "corrupt" } as const;
const ERROR = { result: "error" } as const;

/** The reads and writes of one keyspace: keys, envelopes, times, counters and spans. */
export class Store<V, I = V> {
  readonly shared: Shared;
  readonly settings: Settings;
  readonly codec: Codec<V, I>;
  /** Begins every key of this keyspace and none of another. */
  readonly prefix: string;
  readonly #hash: number;
  // By operation, then by result: joining the two for each call would cost more than the count.
  readonly #counters = new Map<string, Map<string, Counter>>();

  constructor(shared: Shared, settings: Settings, codec: Codec<V, I>) {
    this.shared = shared;
    this.settings = settings;
    this.codec = codec;
    this.prefix = encodePrefix(shared.keyPrefix, settings.name, codec.fingerprint);
    this.#hash = typeHash(codec.fingerprint);
  }

  key(key: CacheKey): string {
    return this.prefix + encodeKey(key);
  }

  count(op: string, result: string, times = 1): void {
    const results = this.#counters.get(op) ?? new Map<string, Counter>();
    let counter = results.get(result);
    if (counter === undefined) {
      counter = this.shared.operations.with({ keyspace: this.settings.name, op, result });
      this.#counters.set(op, results.set(result, counter));
    }
    counter.add(times);
  }

  /** Runs an operation in a span. Spans name the keyspace and the tier, never a key. */
  traced<T>(op: string, fn: (span?: Span) => Promise<T>): Promise<T> {
    const { tracer, guard } = this.shared;
    if (tracer === noopTracer) return fn();
    return tracer.span(`cache ${op}`, {
      kind: guard.driver.features.remote ? "client" : "internal",
      attributes: {
        "db.operation.name": op,
        "cqi.cache.keyspace": this.settings.name,
        "cqi.cache.tier": guard.driver.name,
      },
    }, fn);
  }

  /** Reads one key. Rejects only for an abort and a closed cache; at once for a driver at hand. */
  read(full: string, signal?: AbortSignal): Answer<Read<V>> {
    const { guard } = this.shared;
    try {
      const answer = guard.get(full, signal);
      if (!(answer instanceof Promise)) return this.#open(full, answer);
      return answer.then(
        (bytes) => this.#open(full, bytes),
        (error) => this.#unread(error, signal),
      );
    } catch (error) {
      return this.#unread(error, signal);
    }
  }

  async readMany(fulls: readonly string[], signal?: AbortSignal): Promise<Read<V>[]> {
    const { guard } = this.shared;
    try {
      const all = await guard.call((options) => guard.driver.getMany(fulls, options), signal);
      return fulls.map((full, i) => this.#open(full, all[i]));
    } catch (error) {
      const failed = this.#unread(error, signal);
      return fulls.map(() => failed);
    }
  }

  /** Makes what is stored; undefined when it is larger than values may be. */
  entry(
    full: string,
    payload: Uint8Array | undefined,
    ttlMs: number | undefined,
  ): CacheEntry | undefined {
    const { graceMs, maxValueBytes } = this.settings;
    if (payload !== undefined && payload.length > maxValueBytes) return undefined;
    // Absence is not served past its time.
    const timed = graceMs > 0 && ttlMs !== undefined && payload !== undefined;
    const freshUntil = timed ? this.shared.clock.now() + ttlMs : Infinity;
    return {
      key: full,
      value: seal(this.#hash, payload, freshUntil),
      ttlMs: timed ? Math.min(MAX_TTL_MS, Math.ceil(ttlMs + graceMs)) : ttlMs,
    };
  }

  /** The time to live of a write: exactly what the call says, or the keyspace's, spread. */
  ttlOf(ttl: Ttl | undefined): () => number | undefined {
    const { settings, shared } = this;
    if (ttl === undefined) return () => spread(settings.ttlMs, settings.jitter, shared.random);
    const ms = ttlMilliseconds(ttl);
    return () => ms;
  }

  /**
   * Stores values; one that is too large takes an earlier value of its key away instead. False
   * when some could not be stored.
   */
  async write(
    items: readonly { readonly full: string; readonly payload: Uint8Array | undefined }[],
    ttlOf: () => number | undefined,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { guard, logger } = this.shared;
    const entries: CacheEntry[] = [];
    const large: string[] = [];
    for (const { full, payload } of items) {
      const entry = this.entry(full, payload, ttlOf());
      if (entry === undefined) large.push(full);
      else entries.push(entry);
    }
    try {
      if (entries.length > 0) {
        const done = guard.call((options) => guard.driver.set(entries, options), signal);
        if (done instanceof Promise) await done;
        this.count("set", "ok", entries.length);
      }
      if (large.length > 0) {
        this.count("set", "too_large", large.length);
        logger.warn("Value is too large for the cache and is not kept", {
          keyspace: this.settings.name,
          max_value_bytes: this.settings.maxValueBytes,
        });
        await guard.call((options) => guard.driver.delete(large, options), signal);
      }
      return large.length === 0;
    } catch (error) {
      this.passOn(error, signal);
      this.count("set", "error", entries.length);
      logger.debug("Cache write failed", { keyspace: this.settings.name, error });
      return false;
    }
  }

  /** Calls the driver for an operation whose failure the caller has to know; counts its keys. */
  async require<T>(
    op: string,
    fn: (options: WaitOptions) => Answer<T>,
    signal?: AbortSignal,
    keys = 1,
  ): Promise<T> {
    try {
      const value = await this.shared.guard.call(fn, signal);
      this.count(op, "ok", keys);
      return value;
    } catch (error) {
      this.passOn(error, signal);
      this.count(op, "error", keys);
      throw isCqiError(error) ? error : new CqiError(
        "CQI_CACHE_UNAVAILABLE",
        `Cannot ${op} in cache keyspace '${this.settings.name}': the driver failed`,
        { cause: error },
      );
    }
  }

  /** Throws what is no failure of the driver: the caller's abort and a closed cache. */
  passOn(error: unknown, signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw signal.reason;
    if (isCqiError(error, "CQI_CLOSED")) throw error;
  }

  #open(full: string, bytes: Uint8Array | undefined): Read<V> {
    if (bytes === undefined) return MISS;
    const opened = unseal(this.#hash, bytes);
    if (opened === undefined) return this.#discard(full);
    const staleMs = opened.freshUntil === Infinity
      ? 0
      : Math.max(0, this.shared.clock.now() - opened.freshUntil);
    if (staleMs > this.settings.graceMs) return MISS;
    const { payload } = opened;
    if (payload === undefined) return NEGATIVE;
    try {
      const value = this.codec.decode(payload);
      return { result: staleMs > 0 ? "stale" : "hit", value, payload, staleMs };
    } catch {
      return this.#discard(full);
    }
  }

  #discard(full: string): Read<V> {
    const { guard, logger } = this.shared;
    logger.warn("Unreadable value in the cache is dropped", { keyspace: this.settings.name });
    const failed = (error: unknown): void =>
      logger.debug("Cache delete failed", { keyspace: this.settings.name, error });
    try {
      const done = guard.call((options) => guard.driver.delete([full], options));
      if (done instanceof Promise) done.catch(failed);
    } catch (error) {
      failed(error);
    }
    return CORRUPT;
  }

  #unread(error: unknown, signal: AbortSignal | undefined): Read<V> {
    this.passOn(error, signal);
    this.shared.logger.debug("Cache read failed", { keyspace: this.settings.name, error });
    return ERROR;
  }
}
