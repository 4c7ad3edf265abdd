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
import type { Deletions } from "./_after_commit.ts";
import type { Codec } from "./_codec.ts";
import { Decoded } from "./_decoded.ts";
import { type Opened, typeHash, unseal } from "./_envelope.ts";
import type { Flights } from "./_flights.ts";
import type { CallKind, Guard } from "./_guard.ts";
import { encodeKey, encodePrefix } from "./_key.ts";
import type { Near, Ticket } from "./_near.ts";
import type { News } from "./_news.ts";
import type { Settings } from "./_settings.ts";
import type { Tags } from "./_tags.ts";
import { CHUNK } from "./_write.ts";
import type { Answer, CacheKey } from "./types.ts";

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
  readonly tags: Tags;
  readonly deletions: Deletions;
  /** The tier in the process, once a keyspace wants it. */
  readonly tier: () => { readonly near: Near; readonly news: News | undefined };
}

/** A value that may be served, or that is known to be absent. */
export type Found<V> =
  | {
    readonly result: "hit" | "stale";
    readonly value: V;
    readonly payload: Uint8Array;
    /** Milliseconds since it stopped being fresh. */
    readonly staleMs: number;
    /** What is stored, byte for byte. */
    readonly stored: Uint8Array;
  }
  | { readonly result: "negative" };

/** What a look into the cache found. */
export type Read<V> = Found<V> | {
  readonly result: "miss" | "corrupt" | "error";
  /** What is stored and cannot be served. */
  readonly stored?: Uint8Array;
};

const MISS = { result: "miss" } as const;
const NEGATIVE = { result: "negative" } as const;
const ERROR = { result: "error" } as const;
const NO_TAGS: readonly string[] = [];

/** The reads of one keyspace, and what its writes share: keys, envelopes, counters and spans. */
export class Store<V, I = V> {
  readonly shared: Shared;
  readonly settings: Settings;
  readonly codec: Codec<V, I>;
  /** Begins every key of this keyspace and none of another. */
  readonly prefix: string;
  /** Marks values of this type. */
  readonly hash: number;
  readonly near: Near | undefined;
  readonly news: News | undefined;
  readonly #decoded: Decoded<V>;
  // By operation, then by result: joining the two for each call would cost more than the count.
  readonly #counters = new Map<string, Map<string, Counter>>();

  constructor(shared: Shared, settings: Settings, codec: Codec<V, I>) {
    this.shared = shared;
    this.settings = settings;
    this.codec = codec;
    this.prefix = encodePrefix(shared.keyPrefix, settings.name, codec.fingerprint);
    this.hash = typeHash(codec.fingerprint);
    this.#decoded = new Decoded<V>(codec as unknown as Codec<V, never>);
    const isTiered = settings.nearTtlMs !== undefined && shared.guard.driver.features.remote;
    if (isTiered) ({ near: this.near, news: this.news } = shared.tier());
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

  /** What the tier in the process has of a key; undefined when that is nothing. */
  readNear(full: string): Found<V> | undefined {
    const value = this.near?.get(full);
    if (value === undefined) return undefined;
    this.count("near", "hit");
    const { payload } = value;
    if (payload === undefined) return NEGATIVE;
    return {
      result: "hit",
      value: this.#decoded.get(payload, payload),
      payload,
      staleMs: 0,
      stored: payload,
    };
  }

  /** Reads one key. Rejects only for an abort and a closed cache; at once for a driver at hand. */
  read(full: string, signal?: AbortSignal): Answer<Read<V>> {
    const { guard } = this.shared;
    const ticket = this.near?.begin(full);
    try {
      const answer = guard.get(full, signal);
      if (!(answer instanceof Promise)) return this.opened(answer, ticket);
      return answer.then(
        (bytes) => this.opened(bytes, ticket),
        (error) => this.#unread(error, signal, ticket),
      );
    } catch (error) {
      return this.#unread(error, signal, ticket);
    }
  }

  async readMany(fulls: readonly string[], signal?: AbortSignal): Promise<Read<V>[]> {
    const { guard } = this.shared;
    const found = fulls.map((full) => this.readNear(full));
    const wanted = fulls.filter((_, i) => found[i] === undefined);
    if (wanted.length === 0) return found as Read<V>[];
    const tickets = wanted.map((full) => this.near?.begin(full));
    try {
      const all: (Uint8Array | undefined)[] = [];
      for (let i = 0; i < wanted.length; i += CHUNK) {
        const keys = wanted.slice(i, i + CHUNK);
        all.push(...await guard.call((options) => guard.driver.getMany(keys, options), signal));
      }
      const reads = await Promise.all(
        wanted.map((_, i) => this.opened(all[i], tickets[i])),
      );
      return found.map((read) => read ?? reads.shift()!);
    } catch (error) {
      for (const ticket of tickets) if (ticket !== undefined) this.near?.end(ticket, undefined);
      const failed = this.#unread(error, signal);
      return found.map((read) => read ?? failed);
    }
  }

  /** Takes unreadable bytes away in the background, unless something else lies there by now. */
  drop(full: string, stored: Uint8Array): void {
    const { guard, logger } = this.shared;
    const { driver } = guard;
    const failed = (error: unknown): void =>
      logger.debug("Cache delete failed", { keyspace: this.settings.name, error });
    const swap = { key: full, expected: stored, value: undefined, ttlMs: undefined };
    try {
      const done = guard.call<unknown>((options) =>
        driver.features.atomic
          ? driver.compareAndSet(swap, options)
          : driver.delete([full], options)
      );
      if (done instanceof Promise) done.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** What stored bytes say; a value with tags is held against their versions first. */
  opened(stored: Uint8Array | undefined, ticket?: Ticket): Answer<Read<V>> {
    if (stored === undefined) return this.#ended(MISS, ticket);
    const opened = unseal(this.hash, stored);
    if (opened === undefined) return this.#ended(this.#unreadable(stored), ticket);
    if (opened.tags === undefined) {
      return this.#ended(this.#judge(stored, opened), ticket, opened);
    }
    return this.shared.tags.areValid(opened.tags).then(
      (isValid) => {
        const read = isValid ? this.#judge(stored, opened) : { ...MISS, stored };
        return this.#ended(read, ticket, opened);
      },
      (error) => this.#unread(error, undefined, ticket),
    );
  }

  /** Calls the driver for an operation whose failure the caller has to know; counts its keys. */
  require<T>(
    op: string,
    fn: (options: WaitOptions) => Answer<T>,
    options: WaitOptions & { readonly keys?: number; readonly kind?: CallKind } = {},
  ): Promise<T> {
    const { signal, keys = 1, kind } = options;
    return this.attempt(op, () => this.shared.guard.call(fn, signal, kind), signal, keys);
  }

  /** As `require`, of what calls the driver by itself. */
  async attempt<T>(
    op: string,
    fn: () => Answer<T>,
    signal: AbortSignal | undefined,
    keys = 1,
  ): Promise<T> {
    try {
      const value = await fn();
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

  #judge(stored: Uint8Array, { payload, freshUntil }: Opened): Read<V> {
    const staleMs = freshUntil === Infinity ? 0 : Math.max(0, this.shared.clock.now() - freshUntil);
    if (staleMs > this.settings.graceMs) return { ...MISS, stored };
    if (payload === undefined) return NEGATIVE;
    try {
      const value = this.shared.guard.driver.features.remote
        ? this.codec.decode(payload)
        : this.#decoded.get(stored, payload);
      return { result: staleMs > 0 ? "stale" : "hit", value, payload, staleMs, stored };
    } catch {
      return this.#unreadable(stored);
    }
  }

  // Keeps a fresh value in the tier of the process, no longer than it is fresh.
  #ended(read: Read<V>, ticket: Ticket | undefined, opened?: Opened): Read<V> {
    if (ticket === undefined) return read;
    const { nearTtlMs = 0 } = this.settings;
    const isKept = read.result === "hit" || read.result === "negative";
    const freshMs = (opened?.freshUntil ?? 0) - this.shared.clock.now();
    this.near?.end(
      ticket,
      !isKept ? undefined : {
        payload: opened?.payload,
        ttlMs: Math.min(nearTtlMs, freshMs),
        tags: opened?.tags?.map(({ tag }) => tag) ?? NO_TAGS,
      },
    );
    return read;
  }

  // Reported, and left where it is: a load replaces it, `drop` takes it away.
  #unreadable(stored: Uint8Array): Read<V> {
    this.shared.logger.warn("Unreadable value in the cache is dropped", {
      keyspace: this.settings.name,
    });
    return { result: "corrupt", stored };
  }

  #unread(error: unknown, signal: AbortSignal | undefined, ticket?: Ticket): Read<V> {
    if (ticket !== undefined) this.near?.end(ticket, undefined);
    this.passOn(error, signal);
    this.shared.logger.debug("Cache read failed", { keyspace: this.settings.name, error });
    return ERROR;
  }
}
