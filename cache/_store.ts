import { type Counter, noopTracer, type Span, type WaitOptions } from "../core/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";
import type { Codec } from "./_codec.ts";
import { Decoded } from "./_decoded.ts";
import { type Opened, tagsWithin, typeHash, unseal } from "./_envelope.ts";
import { type CallKind, CHUNK } from "./_guard.ts";
import { encodePrefix } from "./_key.ts";
import { KnownKeys } from "./_known_keys.ts";
import type { Near, NearValue, Ticket } from "./_near.ts";
import { RareWarning } from "./_rare_warning.ts";
import type { Settings } from "./_settings.ts";
import { type Found, type Read, settled, type Shared } from "./_shared.ts";
import type { TagVersion } from "./_tags.ts";
import type { Answer, CacheKey } from "./types.ts";

const MISS = { result: "miss" } as const;
const NEGATIVE = { result: "negative" } as const;
const ERROR = { result: "error" } as const;
const UNREADABLE = "Unreadable values in the cache are dropped";
const TOO_LARGE = "Values are too large for the cache and are not kept";

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
  readonly #decoded: Decoded<V>;
  readonly #unreadableValues: RareWarning;
  /** Warns of values that are too large to be kept. */
  readonly tooLarge: RareWarning;
  readonly #keys: KnownKeys;
  // By operation, then by result: joining the two for each call would cost more than the count.
  readonly #counters = new Map<string, Map<string, Counter>>();

  constructor(shared: Shared, settings: Settings, codec: Codec<V, I>) {
    this.shared = shared;
    this.settings = settings;
    this.codec = codec;
    this.prefix = encodePrefix(shared.keyPrefix, settings.name, codec.fingerprint);
    this.#keys = new KnownKeys(this.prefix);
    this.hash = typeHash(codec.fingerprint);
    const { name: keyspace, maxValueBytes: max_value_bytes } = settings;
    this.#unreadableValues = new RareWarning(shared, UNREADABLE, { keyspace });
    this.tooLarge = new RareWarning(shared, TOO_LARGE, { keyspace, max_value_bytes });
    this.#decoded = new Decoded<V>(codec as unknown as Codec<V, never>);
    const { nearTtlMs, graceMs } = settings;
    if (!shared.guard.driver.features.remote || (nearTtlMs === undefined && graceMs === 0)) return;
    this.near = shared.tier.open(this.prefix, nearTtlMs !== undefined);
  }

  key(key: CacheKey): string {
    return this.#keys.whole(key);
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
    if (tracer === noopTracer) return settled(fn);
    return tracer.span(`cache ${op}`, {
      kind: guard.driver.features.remote ? "client" : "internal",
      attributes: {
        "db.operation.name": op,
        "cqi.cache.keyspace": this.settings.name,
        "cqi.cache.tier": guard.driver.name,
      },
    }, (span) => settled(() => fn(span)));
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

  /**
   * Reads one key. Rejects only for an abort and a closed cache; at once for a driver at hand.
   *
   * @param isOwn True when the answer is one caller's alone, who may have its bytes.
   */
  read(full: string, signal?: AbortSignal, isOwn = false): Answer<Read<V>> {
    const { guard } = this.shared;
    const ticket = this.near?.begin(full);
    try {
      const answer = guard.get(full, signal);
      if (!(answer instanceof Promise)) return this.opened(answer, ticket, isOwn);
      return answer.then(
        (bytes) => this.opened(bytes, ticket, isOwn),
        (error) => this.#unread(full, error, signal, ticket),
      );
    } catch (error) {
      return this.#unread(full, error, signal, ticket);
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
      // All tags in one read: each value by itself would ask for its own, thousands at a time.
      const names = all.flatMap((stored) => tagsWithin(this.hash, stored).map(({ tag }) => tag));
      const areValid = this.shared.tags.check(names);
      const reads = await Promise.all(
        wanted.map((_, i) => this.opened(all[i], tickets[i], true, areValid)),
      );
      return found.map((read) => read ?? reads.shift()!);
    } catch (error) {
      // All of them before an abort is passed on: nobody else would end them.
      for (const ticket of tickets) if (ticket !== undefined) this.near?.end(ticket, undefined);
      const failed = wanted.map((full) => this.#unread(full, error, signal));
      return found.map((read) => read ?? failed.shift()!);
    }
  }

  /** What is loading or near by now is older than what is written. */
  forget(fulls: readonly string[]): void {
    this.shared.tier.forget("keys", fulls);
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
  opened(
    stored: Uint8Array | undefined,
    ticket?: Ticket,
    isOwn = false,
    areValid?: (tags: readonly TagVersion[]) => Promise<boolean>,
  ): Answer<Read<V>> {
    if (stored === undefined) return this.#ended(MISS, ticket);
    const known = this.#decoded.known(stored);
    if (known?.isPlain) {
      return { result: "hit", value: known.make(), payload: known.payload, staleMs: 0, stored };
    }
    const opened = unseal(this.hash, stored);
    if (opened === undefined) return this.#ended(this.#unreadable(stored), ticket);
    if (opened.tags === undefined) {
      return this.#ended(this.#judge(stored, opened, isOwn), ticket, opened);
    }
    const valid = areValid?.(opened.tags) ?? this.shared.tags.areValid(opened.tags);
    return valid.then(
      (isValid) => {
        const read = isValid ? this.#judge(stored, opened, isOwn) : { ...MISS, stored };
        return this.#ended(read, ticket, opened);
      },
      (error) => this.#unread(undefined, error, undefined, ticket),
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

  #judge(stored: Uint8Array, { payload, freshUntil, tags }: Opened, isOwn: boolean): Read<V> {
    const staleMs = freshUntil === Infinity ? 0 : Math.max(0, this.shared.clock.now() - freshUntil);
    if (staleMs > this.settings.graceMs) return { ...MISS, stored };
    if (payload === undefined) return NEGATIVE;
    try {
      const value = this.shared.guard.driver.features.remote
        ? this.codec.decode(payload, isOwn)
        : this.#decoded.get(stored, payload, freshUntil === Infinity && tags === undefined);
      if (staleMs === 0) return { result: "hit", value, payload, staleMs, stored };
      return { result: "stale", value, payload, staleMs, stored, tags: namesOf(tags) };
    } catch {
      return this.#unreadable(stored);
    }
  }

  // Keeps a fresh value in the tier of the process, no longer than it is fresh.
  #ended(read: Read<V>, ticket: Ticket | undefined, opened?: Opened): Read<V> {
    if (ticket === undefined) return read;
    const isKept = opened !== undefined && (read.result === "hit" || read.result === "negative");
    this.near?.end(ticket, isKept ? this.nearValue(opened) : undefined);
    return read;
  }

  /** A value as the tier of the process keeps it. */
  nearValue({ payload, freshUntil, tags }: Opened): NearValue {
    const { nearTtlMs = 0, graceMs } = this.settings;
    const freshMs = freshUntil - this.shared.clock.now();
    return {
      payload,
      freshUntil,
      ttlMs: Math.min(nearTtlMs, freshMs),
      keepMs: graceMs === 0 ? 0 : freshMs + graceMs,
      tags: namesOf(tags),
    };
  }

  // Reported, and left where it is: a load replaces it, `drop` takes it away.
  #unreadable(stored: Uint8Array): Read<V> {
    this.#unreadableValues.note();
    return { result: "corrupt", stored };
  }

  #unread(
    full: string | undefined,
    error: unknown,
    signal: AbortSignal | undefined,
    ticket?: Ticket,
  ): Read<V> {
    if (ticket !== undefined) this.near?.end(ticket, undefined);
    this.passOn(error, signal);
    this.shared.logger.debug("Cache read failed", { keyspace: this.settings.name, error });
    const last = full === undefined ? undefined : this.near?.last(full);
    if (last?.payload === undefined) return ERROR;
    const { payload, freshUntil, tags } = last;
    this.count("near", "stale");
    const value = this.#decoded.get(payload, payload);
    const staleMs = Math.max(0, this.shared.clock.now() - freshUntil);
    return { result: "stale", value, payload, staleMs, stored: undefined, tags };
  }
}

function namesOf(tags: readonly TagVersion[] = []): readonly string[] {
  return tags.map(({ tag }) => tag);
}
