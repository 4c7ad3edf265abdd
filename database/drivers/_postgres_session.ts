import type { Client, Notification } from "pg";
import type { Clock } from "../../core/mod.ts";
import type { DriverConnection, DriverQueryOptions, DriverResult } from "../types.ts";
import { CopyFeed } from "./_postgres_copy.ts";
import {
  CopyExchange,
  type Gathering,
  ScriptExchange,
  StatementExchange,
} from "./_postgres_exchange.ts";
import type { Staleness, Statements } from "./_postgres_statements.ts";
import { type ServerMessage, wireOf } from "./_postgres_wire.ts";

/** What a session needs besides its client. */
export interface SessionOptions {
  readonly clock: Clock;
  /** What it has prepared. */
  readonly statements: Statements;
  /** Whether the server is a standby, which takes no writes. */
  readonly isStandby: boolean;
  /** Asks the server to call off what the session does. */
  readonly cancel: (signal: AbortSignal) => Promise<void>;
}

interface Running {
  readonly exchange: Gathering;
  readonly settled: PromiseWithResolvers<void>;
  /** Set while a cancel request is under way, which could hit a later statement. */
  cancelling: Promise<unknown> | undefined;
}

// What the server may take to call a statement off before the connection is given up.
const CANCEL_MS = 1000;
// What a session may take to end in peace.
const CLOSE_MS = 1000;
const INVALID_STATEMENT_NAME = "26000";
const READ_ONLY = "25006";
// Command tags of what ends prepared statements.
const SESSION_WIDE = new Set(["DISCARD", "DEALLOCATE"]);

/** Whether the server calls a prepared statement unknown, or its columns out of date. */
function stalenessOf({ code, routine }: ServerMessage): Staleness | undefined {
  if (routine === "RevalidateCachedQuery") return "out of date";
  return code === INVALID_STATEMENT_NAME ? "unknown" : undefined;
}

function lost(error?: Error): Error {
  const code = (error as { code?: unknown } | undefined)?.code;
  return Object.assign(new Error("The connection to the server was lost"), {
    code: typeof code === "string" && code.length > 5 ? code : "CONNECTION_LOST",
  });
}

/** A session on a client of `pg`, of which it uses the protocol and nothing above it. */
export class PostgresSession implements DriverConnection {
  readonly #client: Client;
  readonly #options: SessionOptions;
  readonly #statements: Statements;
  readonly #channels = new Map<string, (payload: string) => void>();
  readonly #lostHandlers: (() => void)[] = [];
  readonly #gone = Promise.withResolvers<void>();
  readonly #onAbort: () => void;
  #watched: AbortSignal | undefined;
  #running: Running | undefined;
  #status = "I";
  /** What the server said when it ended the session by itself, such as 25P03. */
  #lastWords: Error | undefined;
  #isBroken = false;
  onLost?: (() => void) | undefined;

  constructor(client: Client, options: SessionOptions) {
    this.#client = client;
    this.#options = options;
    this.#statements = options.statements;
    this.#onAbort = () => {
      const running = this.#running;
      if (running !== undefined) running.cancelling ??= this.#callOff(running);
    };
    client.on("error", (error: Error) => this.#lose(error));
    client.on("end", () => {
      this.#gone.resolve();
      this.#lose();
    });
    client.on(
      "notification",
      ({ channel, payload = "" }: Notification) => this.#channels.get(channel)?.(payload),
    );
    wireOf(client.connection).on("readyForQuery", ({ status = "I" }) => {
      this.#status = status;
      this.#running?.settled.resolve();
    });
  }

  get broken(): boolean {
    return this.#isBroken;
  }

  async query(
    text: string,
    params: readonly (string | null)[],
    options: DriverQueryOptions,
  ): Promise<DriverResult> {
    for (let attempt = 1;; attempt++) {
      const prepared = this.#statements.next(text);
      const exchange = new StatementExchange(text, params, prepared);
      await this.#run(exchange, options);
      const { error } = exchange;
      if (SESSION_WIDE.has(exchange.command)) this.#statements.clear();
      if (error === undefined) {
        const { result } = exchange;
        // What a cursor's name stands for may change; the server says nothing of it by itself.
        const isFixed = exchange.command !== "FETCH";
        this.#statements.succeeded(text, isFixed ? result.columns : undefined);
        return result;
      }
      const staleness = stalenessOf(error);
      this.#statements.failed(text, staleness);
      const isStale = prepared.isParsed && staleness !== undefined;
      // Nothing was run, and outside a transaction nothing has failed with it.
      if (attempt === 1 && isStale && this.#status === "I") continue;
      // On a standby every write fails: the next connection may find the primary.
      if (error.code === READ_ONLY && this.#options.isStandby) this.#destroy();
      throw error;
    }
  }

  async script(text: string, options: DriverQueryOptions): Promise<void> {
    const exchange = new ScriptExchange(text);
    await this.#run(exchange, options);
    this.#statements.clear();
    if (exchange.error !== undefined) throw exchange.error;
  }

  async copyIn(
    text: string,
    lines: AsyncIterable<string>,
    options: DriverQueryOptions,
  ): Promise<number> {
    const feed = new CopyFeed(lines);
    const exchange = new CopyExchange(text, (wire) => feed.start(wire));
    // While the server waits for data it does not look at cancel requests.
    const onAbort = (): void => feed.fail("the copy was called off");
    options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#run(exchange, options);
    } finally {
      options.signal?.removeEventListener("abort", onAbort);
      feed.stop();
    }
    if (exchange.error !== undefined) throw exchange.error;
    return exchange.result.count;
  }

  async listen(
    channel: string,
    onMessage: (payload: string) => void,
    onLost: () => void,
  ): Promise<void> {
    this.#channels.set(channel, onMessage);
    const exchange = new ScriptExchange(`listen "${channel.replaceAll('"', '""')}"`);
    await this.#run(exchange, { timeoutMs: Infinity });
    if (exchange.error !== undefined) throw exchange.error;
    this.#lostHandlers.push(onLost);
  }

  async close(): Promise<void> {
    if (this.#isBroken) return;
    const running = this.#running;
    this.#isBroken = true;
    // The server would go on with a statement whose client has gone, and hold its locks.
    if (running !== undefined) await (running.cancelling ??= this.#callOff(running));
    // In peace: the server sees Terminate and closes the socket when its process is gone.
    void this.#client.end().catch(() => {});
    const timer = this.#options.clock.timer(() => this.#gone.resolve(), CLOSE_MS);
    await this.#gone.promise;
    timer.cancel();
    this.#client.connection.stream.destroy();
  }

  async #run(exchange: Gathering, { signal }: DriverQueryOptions): Promise<void> {
    if (this.#isBroken) throw this.#lastWords ?? lost();
    if (signal?.aborted) throw signal.reason;
    this.#watch(signal);
    const running: Running = {
      exchange,
      settled: Promise.withResolvers(),
      cancelling: undefined,
    };
    this.#running = running;
    try {
      this.#client.query(exchange);
      await running.settled.promise;
      if (running.cancelling !== undefined) await running.cancelling;
    } finally {
      this.#running = undefined;
    }
    // The server ends the session after such an error, whether or not the socket knows yet.
    if (exchange.error?.severity === "FATAL") this.#destroy();
  }

  /** Listens to a signal: one listener for as long as statements come with the same one. */
  #watch(signal: AbortSignal | undefined): void {
    if (signal === this.#watched) return;
    this.#watched?.removeEventListener("abort", this.#onAbort);
    this.#watched = signal;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Calls the running statement off; gives the connection up when that takes too long. */
  async #callOff(running: Running): Promise<void> {
    const controller = new AbortController();
    const timer = this.#options.clock.timer(() => {
      controller.abort();
      this.#lose();
    }, CANCEL_MS);
    try {
      await this.#options.cancel(controller.signal);
      await running.settled.promise;
    } catch {
      // Whether the request has reached the server is unknown: it may yet hit another statement.
      this.#lose();
    } finally {
      timer.cancel();
    }
  }

  #lose(error?: Error): void {
    const running = this.#running;
    // The server's last words (57P01) say more than the loss that follows them.
    const { severity } = (error ?? {}) as ServerMessage;
    const said = severity === undefined ? running?.exchange.error : error;
    this.#lastWords ??= said;
    this.#destroy();
    if (said === undefined) running?.settled.reject(lost(error));
    else running?.settled.reject(said);
  }

  #destroy(): void {
    this.#isBroken = true;
    this.#client.connection.stream.destroy();
    for (const onLost of this.#lostHandlers.splice(0)) onLost();
    this.onLost?.();
  }
}
