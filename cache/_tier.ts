import type { Clock } from "../core/mod.ts";
import type { Flights } from "./_flights.ts";
import { Near, type NearBounds } from "./_near.ts";
import { News, type NewsKind, type NewsOptions } from "./_news.ts";

/** What a {@linkcode Tier} is made of. */
export interface TierOptions extends Omit<NewsOptions, "forget" | "lost"> {
  readonly clock: Clock;
  readonly bounds: NearBounds;
  readonly flights: Flights;
}

/**
 * What one process has of a backend that others share: values near at hand and loads under way. One
 * for all views of a cache, so that a change made through one of them reaches what another keeps.
 */
export class Tier {
  readonly #options: TierOptions;
  readonly #news: News | undefined;
  // Prefixes of keyspaces with a view that keeps values here, and of those that others hear of.
  readonly #kept = new Set<string>();
  readonly #told = new Set<string>();
  #near: Near | undefined;

  constructor(options: TierOptions) {
    this.#options = options;
    const { remote, listen } = options.guard.driver.features;
    if (!remote || !listen) return;
    this.#news = new News({
      ...options,
      forget: (kind, lines) => this.forget(kind, lines),
      lost: () => this.#near?.expire(),
    });
  }

  /**
   * Opens it to a view that keeps values in the process.
   *
   * @param isTold Whether changes are told to other processes, and heard from them. What is kept for
   * the loss of the backend alone is not worth a message.
   */
  open(prefix: string, isTold: boolean): Near {
    this.#kept.add(prefix);
    this.#near ??= new Near(this.#options.clock, this.#options.bounds);
    if (isTold) {
      this.#told.add(prefix);
      this.#news?.listen();
    }
    return this.#near;
  }

  /** Whether a view keeps values of this keyspace in the process. */
  isKept(prefix: string): boolean {
    return this.#near !== undefined && this.#kept.has(prefix);
  }

  /** What is loading or near by now may be older than a change. */
  forget(kind: NewsKind, lines: readonly string[]): void {
    const { flights } = this.#options;
    if (kind === "keys") {
      for (const key of lines) flights.detach(key);
      this.#near?.drop(lines);
    } else if (kind === "tags") {
      flights.detachTags(lines);
      this.#near?.dropTags(lines);
    } else {
      for (const prefix of lines) {
        flights.detachAll(prefix);
        this.#near?.dropPrefix(prefix);
      }
    }
  }

  /** Tells other processes of keys that have changed, where a view keeps any of their keyspace. */
  tellKeys(prefix: string, keys: readonly string[]): void {
    if (this.#told.has(prefix)) this.#news?.tell("keys", keys);
  }

  /** As `tellKeys` of all keys of a keyspace. */
  tellPrefix(prefix: string): void {
    if (this.#told.has(prefix)) this.#news?.tell("prefix", [prefix]);
  }

  /** Tells other processes of tags: they go with values of any keyspace. */
  tellTags(tags: readonly string[]): void {
    this.#news?.tell("tags", tags);
  }
}
