import type { Random } from "../core/mod.ts";
import { refuse } from "../internal/options.ts";
import type { Guard } from "./_guard.ts";
import { encodePart, encodePrefix } from "./_key.ts";
import { MAX_TTL_MS } from "./_ttl.ts";

/** Length of a version in bytes: random, so that none comes twice. */
export const VERSION_BYTES = 8;
/** Most tags of one value, and characters of one tag. */
const MAX_TAGS = 16;
const MAX_TAG_LENGTH = 200;
/** Versions are kept for at least a day, and for twice as long as the values that name them. */
const MIN_TTL_MS = 86_400_000;
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
  }
  return [...new Set(tags)];
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.length === b.length && b.every((byte, i) => byte === a[i]);
}

/**
 * Tags by version. Each tag has a random version in the backend; a value carries those of its tags,
 * and is valid only while they are the same. Taking the version away makes all values of the tag
 * invalid at once, however many there are; the next value makes a new one, which no old value has.
 */
export class Tags {
  readonly #guard: Guard;
  readonly #random: Random;
  readonly #prefix: string;
  readonly #generation: string;

  constructor(guard: Guard, random: Random, keyPrefix: string) {
    this.#guard = guard;
    this.#random = random;
    // No keyspace is named like this: names begin with a letter.
    this.#prefix = encodePrefix(keyPrefix, "-tag");
    this.#generation = encodePrefix(keyPrefix, "-tags") + "all";
  }

  /** Whether all of these are still the tags' versions. */
  async areValid(versions: readonly TagVersion[], signal?: AbortSignal): Promise<boolean> {
    const keys = versions.map(({ tag }) => this.#key(tag));
    const now = await this.#guard.call((wait) => this.#guard.driver.getMany(keys, wait), signal);
    return versions.every(({ version }, i) => same(now[i], version));
  }

  /** The versions of tags; what has none gets one. Undefined when they change all the time. */
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
    return same(
      await this.#guard.call((wait) => driver.get(this.#generation, wait), signal),
      generation,
    );
  }

  /** Makes all values with one of the tags invalid. */
  async invalidate(tags: readonly string[], signal?: AbortSignal): Promise<void> {
    const { driver } = this.#guard;
    // The generation first: whoever sees a tag without it sees that something has changed.
    await this.#guard.call((wait) => driver.delete([this.#generation], wait), signal);
    const keys = tags.map((tag) => this.#key(tag));
    await this.#guard.call((wait) => driver.delete(keys, wait), signal);
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
    const found: (Uint8Array | undefined)[] = keys.map(() => undefined);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const now = await this.#guard.call((wait) => driver.getMany(keys, wait), signal);
      for (const [i, version] of now.entries()) found[i] = version && new Uint8Array(version);
      const missing = keys.filter((_, i) => found[i]?.length !== VERSION_BYTES);
      if (missing.length === 0) return found as Uint8Array[];
      await Promise.all(missing.map((key) => this.#make(key, ttlMs, signal)));
    }
    return undefined;
  }

  async #make(key: string, ttlMs: number | undefined, signal?: AbortSignal): Promise<void> {
    const { driver } = this.#guard;
    const life = ttlMs === undefined
      ? undefined
      : Math.min(MAX_TTL_MS, Math.max(MIN_TTL_MS, Math.ceil(ttlMs * 2)));
    const entry = { key, value: this.#random.bytes(VERSION_BYTES), ttlMs: life };
    await this.#guard.call((wait) => driver.setIfAbsent(entry, wait), signal);
  }
}
