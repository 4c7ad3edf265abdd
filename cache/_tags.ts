import type { Clock, Random } from "../core/mod.ts";
import { refuse } from "../internal/options.ts";
import { sameBytes } from "./_codec.ts";
import { CHUNK, type Guard } from "./_guard.ts";
import { encodePart, encodePrefix } from "./_key.ts";
import { MAX_TTL_MS } from "./_ttl.ts";

/** Length of a version in bytes: random, so that none comes twice. */
export const VERSION_BYTES = 8;
/** Most tags of one value, and characters of one tag. */
const MAX_TAGS = 16;
const MAX_TAG_LENGTH = 200;
/** Versions are kept for at least a day, and for twice as long as the values that name them. */
const MIN_TTL_MS = 86_400_000;
/** How much longer than its values a version has to live, so that it is not the first to go. */
const MARGIN = 1.25;
const MARGIN_MS = 60_000;
/** What is stored of a tag: its version, then the end of its life, Unix milliseconds as a float. */
const RECORD_BYTES = VERSION_BYTES + 8;
/** How often a version that others make and take away at the same time is tried for. */
const ATTEMPTS = 3;

/** A tag as a value names it: valid while the tag still has that version. */
export interface TagVersion {
  readonly tag: string;
  readonly version: Uint8Array;
}

/** Checks tags that a caller gave, and takes doubles out. */
export function requireTags(tags: readonly string[]): readonly string[] {
  if (!Array.isArray(tags) || tags.length > MAX_TAGS) {
    refuse("tags", tags, `a list of at most ${MAX_TAGS} texts`);
  }
  for (const tag of tags) {
    if (typeof tag !== "string" || tag.length === 0 || tag.length > MAX_TAG_LENGTH) {
      refuse("tags", tag, `texts of 1 to ${MAX_TAG_LENGTH} characters`);
    }
    // They have no UTF-8, in which a value names its tags.
    if (!tag.isWellFormed()) refuse("tags", tag, "texts without lone surrogates");
  }
  return [...new Set(tags)];
}

function versionOf(record: Uint8Array | undefined): Uint8Array | undefined {
  if (record?.length !== RECORD_BYTES) return undefined;
  // A copy, and not slice: of the Buffers that drivers on Node give, that is a view.
  return new Uint8Array(record.subarray(0, VERSION_BYTES));
}

function endOf(record: Uint8Array | undefined): number {
  if (record?.length !== RECORD_BYTES) return -Infinity;
  const end = new DataView(record.buffer, record.byteOffset).getFloat64(VERSION_BYTES);
  return Number.isNaN(end) ? -Infinity : end;
}

/**
 * Tags by version. Each tag has a random version in the backend; a value carries those of its tags,
 * and is valid only while they are the same. Taking the version away makes all values of the tag
 * invalid at once, however many there are; the next value makes a new one, which no old value has.
 * A version lives longer than any value that names it: who stores one prolongs it where needed.
 */
export class Tags {
  readonly #guard: Guard;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #prefix: string;
  readonly #generation: string;

  constructor(
    guard: Guard,
    { clock, random }: { readonly clock: Clock; readonly random: Random },
    keyPrefix: string,
  ) {
    this.#guard = guard;
    this.#clock = clock;
    this.#random = random;
    // No keyspace is named like this: names begin with a letter.
    this.#prefix = encodePrefix(keyPrefix, "-tag");
    this.#generation = encodePrefix(keyPrefix, "-tags") + "all";
  }

  /** Whether all of these are still the tags' versions. */
  areValid(versions: readonly TagVersion[]): Promise<boolean> {
    return this.check(versions.map(({ tag }) => tag))(versions);
  }

  /**
   * Reads tags, each once, and gives a function that tells whether all of some versions still are
   * theirs; it rejects when they could not be read.
   */
  check(tags: Iterable<string>): (versions: readonly TagVersion[]) => Promise<boolean> {
    const now = this.#read([...new Set(tags)]);
    // Whoever asks hears of it.
    now.catch(() => {});
    return async (versions) => {
      const known = await now;
      return versions.every(({ tag, version }) => sameBytes(known.get(tag), version));
    };
  }

  /**
   * The versions of tags; what has none gets one. Undefined when they change all the time.
   *
   * @param ttlMs Milliseconds that the value lives which will name them; undefined for no end.
   */
  async versions(
    tags: readonly string[],
    ttlMs: number | undefined,
    signal?: AbortSignal,
  ): Promise<readonly TagVersion[] | undefined> {
    const found = await this.#ensure(tags.map((tag) => this.#key(tag)), ttlMs, signal);
    return found?.map((version, i) => ({ tag: tags[i]!, version }));
  }

  /** Changes whenever any tag is invalidated: before and after tell whether one was in between. */
  async generation(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return (await this.#ensure([this.#generation], undefined, signal))?.[0];
  }

  /** Whether nothing was invalidated since. */
  async isStill(generation: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    const { driver } = this.#guard;
    const now = await this.#guard.call((wait) => driver.get(this.#generation, wait), signal);
    return sameBytes(versionOf(now), generation);
  }

  /** Makes all values with one of the tags invalid. */
  async invalidate(tags: readonly string[], signal?: AbortSignal): Promise<void> {
    const { driver } = this.#guard;
    // The generation first: whoever sees a tag without it sees that something has changed.
    await this.#guard.call((wait) => driver.delete([this.#generation], wait), signal);
    const keys = tags.map((tag) => this.#key(tag));
    await this.#guard.call((wait) => driver.delete(keys, wait), signal);
  }

  async #read(tags: readonly string[]): Promise<Map<string, Uint8Array | undefined>> {
    const { driver } = this.#guard;
    const known = new Map<string, Uint8Array | undefined>();
    for (let i = 0; i < tags.length; i += CHUNK) {
      const some = tags.slice(i, i + CHUNK);
      const keys = some.map((tag) => this.#key(tag));
      const records = await this.#guard.call((wait) => driver.getMany(keys, wait));
      for (const [n, tag] of some.entries()) known.set(tag, versionOf(records[n]));
    }
    return known;
  }

  #key(tag: string): string {
    return this.#prefix + encodePart(tag);
  }

  async #ensure(
    keys: readonly string[],
    ttlMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<readonly Uint8Array[] | undefined> {
    const { driver } = this.#guard;
    const wantedMs = ttlMs === undefined ? Infinity : ttlMs * MARGIN + MARGIN_MS;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const now = await this.#guard.call((wait) => driver.getMany(keys, wait), signal);
      const end = this.#clock.now() + wantedMs;
      const short = [...keys.keys()].filter((i) => endOf(now[i]) < end);
      if (short.length === 0) return now.map((record) => versionOf(record)!);
      await Promise.all(short.map((i) => this.#keep(keys[i]!, now[i], ttlMs, signal)));
    }
    return undefined;
  }

  // Makes a version, or lets the one that is there live longer; not if another comes in between.
  async #keep(
    key: string,
    record: Uint8Array | undefined,
    ttlMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { driver } = this.#guard;
    const wanted = ttlMs === undefined ? Infinity : Math.max(MIN_TTL_MS, Math.ceil(ttlMs * 2));
    const lifeMs = wanted > MAX_TTL_MS ? Infinity : wanted;
    const value = new Uint8Array(RECORD_BYTES);
    value.set(versionOf(record) ?? this.#random.bytes(VERSION_BYTES));
    new DataView(value.buffer).setFloat64(VERSION_BYTES, this.#clock.now() + lifeMs);
    const life = lifeMs === Infinity ? undefined : lifeMs;
    const swap = { key, expected: record, value, ttlMs: life };
    await this.#guard.call((wait) => driver.compareAndSet(swap, wait), signal);
  }
}
