import {
  activeContext,
  type Clock,
  type ContextKey,
  type Logger,
  runInContext,
  type WaitOptions,
} from "../core/mod.ts";
import { withGrace } from "./_grace.ts";
import type { Scope } from "./_scope.ts";
import type { ListenOptions, NotificationHandler } from "./listen.ts";

// Notifications of one listener that wait for its handler; each is 8,000 bytes at most.
const MAX_QUEUE = 1000;
// What a handler at work may take when its listener is closed, before it is left behind.
const GRACE_MS = 10_000;

/** What a subscription needs. */
export interface SubscriptionEnv {
  readonly onGap: ListenOptions["onGap"];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Under it a transaction is found; handlers run outside of all. */
  readonly key: ContextKey<Scope>;
  /** Under it a handler finds the subscription that called it. */
  readonly caller: ContextKey<Subscription>;
}

/** One handler with its queue: notifications are handled one after the other, in order. */
export class Subscription {
  readonly channel: string;
  readonly #handler: NotificationHandler;
  readonly #env: SubscriptionEnv;
  readonly #queue: string[] = [];
  #hasGap = false;
  #isClosed = false;
  #work: Promise<void> | undefined;

  constructor(channel: string, handler: NotificationHandler, env: SubscriptionEnv) {
    this.channel = channel;
    this.#handler = handler;
    this.#env = env;
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

  /**
   * Takes no more; resolves when the handler is done, or is left behind: after ten seconds, or when
   * the signal aborts. A handler that closes its own subscription does not wait for itself.
   */
  async close({ signal }: WaitOptions): Promise<void> {
    this.#isClosed = true;
    this.#queue.length = 0;
    const { clock, logger, caller } = this.#env;
    const work = this.#work;
    if (work === undefined || activeContext().get(caller) === this) return;
    if (await withGrace(work, { clock, graceMs: GRACE_MS, signal })) return;
    logger.warn("Closed a listener whose handler is still at work", {
      component: "database",
      channel: this.channel,
    });
  }

  #start(): void {
    if (this.#isClosed) return;
    // What starts the work may be anything, also a transaction: handlers are no part of it.
    const context = activeContext()
      .with(this.#env.key, undefined as unknown as Scope)
      .with(this.#env.caller, this);
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
        await this.#call(() => this.#env.onGap?.(), "a gap");
      }
    }
    this.#work = undefined;
  }

  async #call(fn: () => void | Promise<void>, what: string): Promise<void> {
    try {
      await fn();
    } catch (error) {
      this.#env.logger.error(`Handler of ${what} failed`, {
        component: "database",
        channel: this.channel,
        error,
      });
    }
  }
}
