import type { Clock } from "../core/mod.ts";

/** Entries and bytes kept unless the configuration says otherwise. */
const MAX_ENTRIES = 10_000;
const MAX_BYTES = 67_108_864;
/** What an entry costs besides key and value, in bytes. */
const ENTRY_OVERHEAD = 256;
/** What a tag costs besides its text, in bytes. */
const TAG_OVERHEAD = 24;

/** A value in the near tier: what the far one has, for a while. */
export interface NearValue {
  /** Undefined when the value is known to be absent. */
  readonly payload: Uint8Array | undefined;
  /** Milliseconds for which it may be served as it is. */
  readonly ttlMs: number;
  /** Milliseconds for which it may be served, past its time, when the far tier is lost. */
  readonly keepMs: number;
  /** Unix milliseconds until which it is fresh; `Infinity` when the far tier alone decides. */
  readonly freshUntil: number;
  /** Tags that it goes with. */
  readonly tags: readonly string[];
}

interface Entry extends NearValue {
  /** Monotonic milliseconds. */
  until: number;
  readonly keptUntil: number;
}

/** A read of the far tier that is under way; what it brings is kept unless the key was dropped. */
export interface Ticket {
  readonly key: string;
  isValid: boolean;
}

/** Bounds of a near tier. */
export interface NearBounds {
  readonly maxEntries?: number | undefined;
  readonly maxBytes?: number | undefined;
}

/**
 * Values in the memory of the process, in front of a backend that others share: bounded by entries
 * and bytes, the least recently used goes first. A value is kept only if nothing was said of its
 * key since its read began.
 */
export class Near {
  readonly #clock: Clock;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  // A map gives its keys in the order they were put in: the first is the least recently used.
  readonly #entries = new Map<string, Entry>();
  readonly #tickets = new Map<string, Set<Ticket>>();
  #bytes = 0;

  constructor(clock: Clock, bounds: NearBounds = {}) {
    this.#clock = clock;
    this.#maxEntries = bounds.maxEntries ?? MAX_ENTRIES;
    this.#maxBytes = bounds.maxBytes ?? MAX_BYTES;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): NearValue | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const now = this.#clock.monotonic();
    if (now >= entry.until) {
      if (now >= entry.keptUntil) this.#remove(key, entry);
      return undefined;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** The last that was known of a key, for when the far tier is lost. */
  last(key: string): NearValue | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#clock.monotonic() < entry.keptUntil ? entry : undefined;
  }

  /** Call before the far tier is read, and `end` after. */
  begin(key: string): Ticket {
    const ticket = { key, isValid: true };
    const open = this.#tickets.get(key);
    if (open === undefined) this.#tickets.set(key, new Set([ticket]));
    else open.add(ticket);
    return ticket;
  }

  /** Keeps what was read, or nothing when it is undefined or out of date by now. */
  end(ticket: Ticket, value: NearValue | undefined): void {
    const open = this.#tickets.get(ticket.key);
    open?.delete(ticket);
    if (open?.size === 0) this.#tickets.delete(ticket.key);
    if (ticket.isValid && value !== undefined) this.#put(ticket.key, value);
  }

  drop(keys: readonly string[]): void {
    for (const key of keys) {
      this.#invalidate(key);
      const entry = this.#entries.get(key);
      if (entry !== undefined) this.#remove(key, entry);
    }
  }

  dropPrefix(prefix: string): void {
    for (const key of this.#tickets.keys()) if (key.startsWith(prefix)) this.#invalidate(key);
    for (const [key, entry] of this.#entries) if (key.startsWith(prefix)) this.#remove(key, entry);
  }

  dropTags(tags: readonly string[]): void {
    // What is being read may have them.
    for (const key of this.#tickets.keys()) this.#invalidate(key);
    const gone = new Set(tags);
    for (const [key, entry] of this.#entries) {
      if (entry.tags.some((tag) => gone.has(tag))) this.#remove(key, entry);
    }
  }

  /** Something may have changed: nothing is served any more, unless the far tier is lost. */
  expire(): void {
    for (const key of this.#tickets.keys()) this.#invalidate(key);
    for (const entry of this.#entries.values()) entry.until = -Infinity;
  }

  #invalidate(key: string): void {
    for (const ticket of this.#tickets.get(key) ?? []) ticket.isValid = false;
  }

  #put(key: string, value: NearValue): void {
    const old = this.#entries.get(key);
    if (old !== undefined) this.#remove(key, old);
    const now = this.#clock.monotonic();
    const entry: Entry = {
      ...value,
      // A copy: what a driver gives may be a view of a much larger buffer.
      payload: value.payload && new Uint8Array(value.payload),
      until: now + value.ttlMs,
      keptUntil: now + Math.max(value.ttlMs, value.keepMs),
    };
    if (sizeOf(key, entry) > this.#maxBytes) return;
    this.#entries.set(key, entry);
    this.#bytes += sizeOf(key, entry);
    for (const [oldest, first] of this.#entries) {
      if (this.#bytes <= this.#maxBytes && this.#entries.size <= this.#maxEntries) return;
      this.#remove(oldest, first);
    }
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= sizeOf(key, entry);
  }
}

function sizeOf(key: string, entry: NearValue): number {
  const tags = entry.tags.reduce((sum, tag) => sum + TAG_OVERHEAD + tag.length, 0);
  return ENTRY_OVERHEAD + key.length + (entry.payload?.length ?? 0) + tags;
}
