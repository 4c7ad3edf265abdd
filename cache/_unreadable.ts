import type { Clock, Logger } from "../core/mod.ts";

/** Shortest time between two warnings, in milliseconds. */
const WARN_MS = 10_000;

/** Warns of values that cannot be read: there may be as many as there are reads. */
export class Unreadable {
  readonly #env: { readonly clock: Clock; readonly logger: Logger };
  readonly #keyspace: string;
  // Since the last warning.
  #count = 0;
  #nextAt = -Infinity;

  constructor(env: { readonly clock: Clock; readonly logger: Logger }, keyspace: string) {
    this.#env = env;
    this.#keyspace = keyspace;
  }

  note(): void {
    this.#count++;
    const { clock, logger } = this.#env;
    const now = clock.monotonic();
    if (now < this.#nextAt) return;
    const facts = { keyspace: this.#keyspace, count: this.#count };
    logger.warn("Unreadable values in the cache are dropped", facts);
    this.#nextAt = now + WARN_MS;
    this.#count = 0;
  }
}
