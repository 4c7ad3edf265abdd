import {
  type ContextKey,
  contextKey,
  type Instruments,
  sleep,
  type Timer,
  type WaitOptions,
  withDeadline,
} from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { delays } from "../retry/mod.ts";
import { databaseError } from "./_errors.ts";
import type { Opener } from "./_opener.ts";
import { closed } from "./_pool_settings.ts";
import type { Scope } from "./_scope.ts";
import { Subscription } from "./_subscription.ts";
import type { Listener, ListenOptions, NotificationHandler } from "./listen.ts";
import type { DatabaseDriver, DriverConnection } from "./types.ts";

/** What the hub needs. */
export interface ListenEnv {
  readonly driver: DatabaseDriver;
  readonly opener: Opener;
  readonly instruments: Instruments;
  /** Under it a transaction is found; handlers run outside of all. */
  readonly key: ContextKey<Scope>;
}

// How often the connection is asked whether it still answers: a half-open one would stay silent.
const PROBE_EVERY_MS = 15_000;
// What a statement of the hub may take.
const STATEMENT_MS = 5000;
const BACKOFF = { initialMs: 100, maxMs: 5000, jitter: "equal" } as const;

/** Listens to all channels of a database over one connection, and heals it. */
export class ListenHub {
  readonly #env: ListenEnv;
  readonly #stop = new AbortController();
  readonly #subscriptions = new Map<string, Set<Subscription>>();
  readonly #caller = contextKey<Subscription>("handler of notifications");
  /** What listened when it was closed. */
  #closing: readonly Subscription[] | undefined;
  #connection: DriverConnection | undefined;
  /** Channels that the connection listens to. */
  #listening = new Set<string>();
  #probe: Timer | undefined;
  #isHealing = false;
  /** One thing at a time happens to the connection. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(env: ListenEnv) {
    this.#env = env;
  }

  /** Starts to listen; resolves when the server has said so. */
  async listen(
    channel: string,
    handler: NotificationHandler,
    options: ListenOptions,
  ): Promise<Listener> {
    const { driver, instruments, key } = this.#env;
    if (!driver.features.listen) {
      throw new CqiError(
        "CQI_FEATURE_UNSUPPORTED",
        `Cannot listen: the database driver '${driver.name}' has no LISTEN`,
      );
    }
    options.signal?.throwIfAborted();
    const { clock, logger } = instruments;
    const { onGap } = options;
    const caller = this.#caller;
    const subscription = new Subscription(channel, handler, { onGap, clock, logger, key, caller });
    const others = this.#subscriptions.get(channel) ?? new Set();
    this.#subscriptions.set(channel, others.add(subscription));
    let removed: Promise<void> | undefined;
    const close = async (closeOptions: WaitOptions = {}): Promise<void> => {
      await (removed ??= this.#remove(subscription));
      await subscription.close(closeOptions);
    };
    try {
      await this.#within(() => this.#attach(channel), options);
    } catch (error) {
      await close();
      throw error;
    }
    return { channel, close, [Symbol.asyncDispose]: () => close() };
  }

  /** Ends all listening; the signal cuts the wait for handlers short. */
  async close(options: WaitOptions): Promise<void> {
    this.#stop.abort(closed());
    this.#closing ??= [...this.#subscriptions.values()].flatMap((each) => [...each]);
    this.#subscriptions.clear();
    await this.#drop();
    await Promise.all(this.#closing.map((subscription) => subscription.close(options)));
  }

  async #remove(subscription: Subscription): Promise<void> {
    const others = this.#subscriptions.get(subscription.channel);
    others?.delete(subscription);
    if (others?.size === 0) this.#subscriptions.delete(subscription.channel);
    if (this.#subscriptions.size === 0) await this.#drop();
  }

  /** Runs something when what was asked for before is done. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => {
      // The one who asked hears of it; the next one has its turn all the same.
    });
    return done;
  }

  /** Waits for its turn with the connection, and for the work, no longer than the caller does. */
  async #within(work: () => Promise<void>, { signal }: WaitOptions): Promise<void> {
    const done = this.#inTurn(work);
    const { clock } = this.#env.instruments;
    await withDeadline(clock, Infinity, () => done, signal === undefined ? {} : { signal });
  }

  async #attach(channel: string): Promise<void> {
    if (this.#stop.signal.aborted) throw closed();
    if (!this.#subscriptions.has(channel)) return;
    const connection = this.#connection?.broken === false ? this.#connection : await this.#open();
    if (this.#listening.has(channel)) return;
    const onMessage = (payload: string): void => {
      for (const each of this.#subscriptions.get(channel) ?? []) each.push(payload);
    };
    const onLost = (): void => {
      if (connection === this.#connection) void this.#heal();
    };
    const { clock } = this.#env.instruments;
    try {
      await withDeadline(
        clock,
        STATEMENT_MS,
        () => connection.listen!(channel, onMessage, onLost),
        { action: "listen" },
      );
    } catch (error) {
      // What was asked may yet be done: nobody knows what the connection listens to.
      if (connection === this.#connection) await this.#lose();
      throw error instanceof CqiError ? error : databaseError(error, "listen");
    }
    this.#listening.add(channel);
    if (this.#subscriptions.size === 0) await this.#drop();
  }

  async #open(): Promise<DriverConnection> {
    this.#listening = new Set();
    const again = (): boolean => this.#subscriptions.size > 0;
    const { signal } = this.#stop;
    const { connection } = await this.#env.opener.open({ signal, cut: signal, again });
    if (this.#subscriptions.size === 0) {
      await connection.close();
      throw closed();
    }
    this.#connection = connection;
    this.#probeLater();
    return connection;
  }

  /** Gives the connection up; for those who listen on it another is opened. */
  async #lose(): Promise<void> {
    const others = this.#listening.size;
    await this.#drop();
    if (others > 0) void this.#heal();
  }

  async #drop(): Promise<void> {
    this.#probe?.cancel();
    const connection = this.#connection;
    this.#connection = undefined;
    this.#listening = new Set();
    await connection?.close();
  }

  #probeLater(): void {
    this.#probe?.cancel();
    const { clock } = this.#env.instruments;
    this.#probe = clock.timer(() => void this.#ask(), PROBE_EVERY_MS, { background: true });
  }

  async #ask(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    const { clock } = this.#env.instruments;
    const work = (): Promise<unknown> =>
      withDeadline(
        clock,
        STATEMENT_MS,
        (signal) => connection.query("select 1", [], { signal, timeoutMs: STATEMENT_MS }),
      );
    try {
      await this.#inTurn(work);
      if (connection === this.#connection) this.#probeLater();
    } catch {
      // Lost, in whatever way: heal() opens another and tells of the gap.
      if (connection === this.#connection) await this.#heal();
    }
  }

  /** Connects and listens again, for as long as somebody listens. */
  async #heal(): Promise<void> {
    if (this.#isHealing) return;
    this.#isHealing = true;
    const { clock, random, logger } = this.#env.instruments;
    const delayAfter = delays(BACKOFF, random);
    logger.warn("Lost the connection that listens, notifications may be missed", {
      component: "database",
      channels: this.#subscriptions.size,
    });
    try {
      for (let attempt = 1; this.#subscriptions.size > 0; attempt++) {
        try {
          await this.#drop();
          for (const channel of [...this.#subscriptions.keys()]) {
            await this.#within(() => this.#attach(channel), {});
          }
          if (this.#subscriptions.size === 0) return;
          // A server may take a connection and drop it at once: that is no reason not to wait.
          if (this.#connection?.broken === false) {
            for (const each of this.#subscriptions.values()) for (const one of each) one.gap();
            logger.info("Listening again", { component: "database", attempts: attempt });
            return;
          }
        } catch (error) {
          if (this.#stop.signal.aborted) return;
          logger.debug("Cannot listen again yet", { component: "database", error });
        }
        await sleep(clock, delayAfter(attempt), { signal: this.#stop.signal, background: true })
          .catch(() => {
            // Closed meanwhile: nobody listens any more, and the loop ends.
          });
      }
    } finally {
      this.#isHealing = false;
    }
  }
}
