import type { Clock, LogFields, Logger } from "../core/mod.ts";

/** Shortest time between two warnings, in milliseconds. */
const WARN_MS = 10_000;

/** Warns of what may happen as often as there are calls: once in a while, with how often it did. */
export class RareWarning {
  readonly #env: { readonly clock: Clock; readonly logger: Logger };
  readonly #message: string;
  readonly #fields: LogFields;
  // Since the last warning.
  #count = 0;
  #nextAt = -Infinity;

  constructor(
    env: { readonly clock: Clock; readonly logger: Logger },
    message: string,
    fields: LogFields,
  ) {
    this.#env = env;
    this.#message = message;
    this.#fields = fields;
  }

  note(times = 1): void {
    this.#count += times;
    const { clock, logger } = this.#env;
    const now = clock.monotonic();
    if (now < this.#nextAt) return;
    logger.warn(this.#message, { ...this.#fields, count: this.#count });
    this.#nextAt = now + WARN_MS;
    this.#count = 0;
  }
}
