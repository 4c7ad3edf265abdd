import { type Clock, type Logger, sleep } from "../core/mod.ts";

/** First and longest wait before a deletion is tried again, in milliseconds. */
const FIRST_MS = 100;
const LONGEST_MS = 5000;
/** How long it is tried, in milliseconds. */
const TRY_MS = 60_000;
/** Most deletions that are tried again at a time; beyond, a failure is logged at once. */
const MAX_PENDING = 1000;

/** What {@linkcode Deletions} is made of. */
export interface DeletionOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Deletions that must not be lost: what fails is tried again, as long as the cache is open. */
export class Deletions {
  readonly #options: DeletionOptions;
  readonly #closing = new AbortController();
  #pending = 0;

  constructor(options: DeletionOptions) {
    this.#options = options;
  }

  close(): void {
    this.#closing.abort();
  }

  /** Tries once, and in the background again and again if that fails. Never rejects. */
  async run(keyspace: string, remove: () => Promise<unknown>): Promise<void> {
    try {
      await remove();
    } catch (error) {
      if (this.#pending >= MAX_PENDING) return this.#giveUp(keyspace, error);
      this.#pending++;
      void this.#again(keyspace, remove).finally(() => this.#pending--);
    }
  }

  async #again(keyspace: string, remove: () => Promise<unknown>): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    const start = clock.monotonic();
    let last: unknown;
    for (let waitMs = FIRST_MS; clock.monotonic() - start < TRY_MS; waitMs *= 2) {
      try {
        await sleep(clock, Math.min(waitMs, LONGEST_MS), { signal, background: true });
        await remove();
        return;
      } catch (error) {
        last = error;
        if (signal.aborted) break;
      }
    }
    this.#giveUp(keyspace, last);
  }

  #giveUp(keyspace: string, error: unknown): void {
    this.#options.logger.error(
      "Cache could not delete after a commit, the old value is served until its time is over",
      { keyspace, error },
    );
  }
}
