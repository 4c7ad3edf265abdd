import { Redis } from "ioredis";
import type { Clock, Timer } from "../../core/mod.ts";
import type { CacheListener } from "../types.ts";
import type { NodeOptions } from "./_redis_options.ts";

/** Time between two looks whether the connection still lives, in milliseconds. */
const PING_MS = 5000;
/** Longest that an answer may take, in milliseconds. */
const COMMAND_MS = 2000;
/** Wait before the next connection, in milliseconds. */
const RECONNECT_MS = 200;

/**
 * Listens to channels over a connection of its own, and makes a new one when it breaks: to the next
 * of the given servers.
 */
export class Listening {
  readonly #targets: () => readonly NodeOptions[];
  readonly #clock: Clock;
  readonly #listeners = new Map<string, CacheListener[]>();
  #attempts = 0;
  #client: Redis | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(targets: () => readonly NodeOptions[], clock: Clock) {
    this.#targets = targets;
    this.#clock = clock;
  }

  add(channel: string, listener: CacheListener): void {
    const known = this.#listeners.get(channel);
    if (known !== undefined) known.push(listener);
    else this.#listeners.set(channel, [listener]);
    if (this.#client === undefined) this.#connect();
    // A connection that is ready misses the new channel: it subscribes to all when it gets ready.
    else if (known === undefined && this.#client.status === "ready") this.#subscribe(this.#client);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#client?.disconnect();
  }

  #connect(): void {
    if (this.#closed) return;
    const targets = this.#targets();
    const target = targets[this.#attempts++ % targets.length]!;
    const client = new Redis({
      ...target,
      // One connection is one attempt: the next may be to another server.
      retryStrategy: null,
      autoResubscribe: false,
      failoverDetector: false,
      // Few commands: the client's own timers do.
      commandTimeout: COMMAND_MS,
      lazyConnect: true,
    });
    this.#client = client;
    // Heard, or it would be printed; the end of the connection says the same.
    client.on("error", () => {});
    client.on("ready", () => this.#subscribe(client));
    client.on("messageBuffer", (channel, bytes) => {
      const text = channel.toString("latin1");
      for (const listener of this.#listeners.get(text) ?? []) listener.message(bytes);
    });
    client.once("end", () => {
      if (this.#client !== client || this.#closed) return;
      this.#timer?.cancel();
      this.#lost();
      this.#timer = this.#clock.timer(() => this.#connect(), RECONNECT_MS, { background: true });
    });
    // Its failure ends the connection, which is heard above.
    client.connect().catch(() => {});
  }

  #subscribe(client: Redis): void {
    client.subscribe(...this.#listeners.keys()).then(
      () => {
        // What was sent until now was not heard.
        this.#lost();
        this.#ping(client);
      },
      () => client.disconnect(),
    );
  }

  // A connection that died without a word is seen by a question without an answer.
  #ping(client: Redis): void {
    if (this.#closed || this.#client !== client || client.status !== "ready") return;
    this.#timer?.cancel();
    this.#timer = this.#clock.timer(
      () => {
        client.ping().then(() => this.#ping(client), () => client.disconnect());
      },
      PING_MS,
      { background: true },
    );
  }

  #lost(): void {
    for (const listeners of this.#listeners.values()) {
      for (const listener of listeners) listener.lost();
    }
  }
}
