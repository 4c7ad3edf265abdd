import { activeContext, type ContextKey, type Logger, runInContext } from "../core/mod.ts";
import type { Scope } from "./_scope.ts";
import type { ListenOptions, NotificationHandler } from "./listen.ts";

// Notifications of one listener that wait for its handler; each is 8,000 bytes at most.
const MAX_QUEUE = 1000;

/** One handler with its queue: notifications are handled one after the other, in order. */
export class Subscription {
  readonly channel: string;
  readonly #handler: NotificationHandler;
  readonly #onGap: ListenOptions["onGap"];
  readonly #logger: Logger;
  readonly #key: ContextKey<Scope>;
  readonly #queue: string[] = [];
  #hasGap = false;
  #isClosed = false;
  #work: Promise<void> | undefined;

  constructor(
    channel: string,
    handler: NotificationHandler,
    env: {
      readonly onGap: ListenOptions["onGap"];
      readonly logger: Logger;
      readonly key: ContextKey<Scope>;
    },
  ) {
    this.channel = channel;
    this.#handler = handler;
    this.#onGap = env.onGap;
    this.#logger = env.logger;
    this.#key = env.key;
  }

  /** A notification came. */
  push(payload: string): void {
    if (this.#queue.length >= MAX_QUEUE) this.#hasGap = true;
    else this.#queue.push(payload);
    this.#start();
  }

  /** Some may have been missed. */
  gap(): void {
    this.#hasGap = true;
    this.#start();
  }

  /** Takes no more; resolves when the handler is done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#queue.length = 0;
    await this.#work;
  }

  #start(): void {
    if (this.#isClosed) return;
    // What starts the work may be anything, also a transaction: handlers are no part of it.
    const context = activeContext().with(this.#key, undefined as unknown as Scope);
    this.#work ??= runInContext(context, () => this.#drain());
  }

  async #drain(): Promise<void> {
    // A turn, so that #work is set before it is cleared.
    await Promise.resolve();
    while (!this.#isClosed && (this.#queue.length > 0 || this.#hasGap)) {
      const payload = this.#queue.shift();
      if (payload !== undefined) await this.#call(() => this.#handler(payload), "a notification");
      else {
        this.#hasGap = false;
        await this.#call(() => this.#onGap?.(), "a gap");
      }
    }
    this.#work = undefined;
  }

  async #call(fn: () => void | Promise<void>, what: string): Promise<void> {
    try {
      await fn();
    } catch (error) {
      this.#logger.error(`Handler of ${what} failed`, {
        component: "database",
        channel: this.channel,
        error,
      });
    }
  }
}
