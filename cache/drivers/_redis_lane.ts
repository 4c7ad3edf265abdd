import process from "node:process";
import type { Cluster, Redis } from "ioredis";
import type { Clock, Timer } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { redisError, replyCode, unavailable } from "./_redis_errors.ts";

/** Most commands that wait for a connection; beyond, they are refused at once. */
const MAX_WAITING = 1000;
/** Most commands that wait for an answer; beyond, they are refused at once. */
const MAX_IN_FLIGHT = 10_000;
/** Most keys of one MGET: it keeps the server from others for some 0.1 ms. */
const MAX_BATCH = 500;

/** The client of either kind. */
export type Client = Redis | Cluster;

/** How a command is sent. */
export interface SendOptions {
  /** Ends the sentence "Cannot ...", for errors. */
  readonly action: string;
  readonly signal?: AbortSignal | undefined;
  /** Doing it twice is not the same as once: a lost answer is not to be asked for again. */
  readonly once?: boolean;
}

/** One command from the call to its answer. */
class Op {
  readonly key: string | undefined;
  readonly run: ((client: Client) => Promise<unknown>) | undefined;
  readonly options: SendOptions;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** The others that end with the same signal. */
  group: Set<Op> | undefined = undefined;
  sent = false;
  settled = false;
  /** Monotonic milliseconds at which waiting for a connection ends. */
  deadline = 0;

  constructor(
    key: string | undefined,
    run: ((client: Client) => Promise<unknown>) | undefined,
    options: SendOptions,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.key = key;
    this.run = run;
    this.options = options;
    this.resolve = resolve;
    this.reject = reject;
  }
}

/** What a lane is made of. */
export interface LaneOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly commandTimeoutMs: number;
  /** Why there is no connection, for errors. */
  readonly problem: () => string | undefined;
  /** Whether connecting has failed: nobody then waits for a connection. */
  readonly isDown: () => boolean;
}

/**
 * Commands on their way to Redis. Those of one turn of the event loop leave together, in order:
 * reads of single keys as one MGET, the rest in one write. While there is no connection a bounded
 * number waits for it, for as long as a command may take.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #groups = new WeakMap<AbortSignal, Set<Op>>();
  #queue: Op[] = [];
  #scheduled = false;
  #inFlight = 0;
  #closed = false;
  #expiry: Timer | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    options.client.on("ready", () => this.#schedule());
  }

  /** Whether the client has a connection that takes commands. */
  get isReady(): boolean {
    return this.#options.client.status === "ready";
  }

  /** The value of one key; a key that holds no plain value has none. */
  get(key: string, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    return this.#enter(key, undefined, { action: "get", signal }) as Promise<
      Uint8Array | undefined
    >;
  }

  /** Sends a command in its turn. */
  send<T>(run: (client: Client) => Promise<T>, options: SendOptions): Promise<T> {
    return this.#enter(undefined, run, options) as Promise<T>;
  }

  /** Refuses what waits, and all that comes, with `CQI_CLOSED`. */
  close(): void {
    this.#closed = true;
    this.#expiry?.cancel();
    const queue = this.#queue;
    this.#queue = [];
    for (const op of queue) this.#fail(op, closedError());
  }

  #enter(key: string | undefined, run: Op["run"], options: SendOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      if (this.#closed) return reject(closedError());
      if (signal?.aborted) return reject(signal.reason);
      if (this.#inFlight >= MAX_IN_FLIGHT) {
        return reject(
          unavailable(
            `Cannot ${options.action}: ${MAX_IN_FLIGHT} commands wait for answers of Redis`,
          ),
        );
      }
      if (!this.isReady) {
        const why = this.#options.isDown()
          ? this.#why()
          : this.#queue.length >= MAX_WAITING && `${MAX_WAITING} commands wait for one`;
        if (why) {
          const problem = `Cannot ${options.action}: no connection to Redis, ${why}`;
          return reject(unavailable(problem));
        }
      }
      const op = new Op(key, run, options, resolve, reject);
      if (signal !== undefined) this.#join(op, signal);
      // Alone, it need not wait for others to leave with.
      if (this.#inFlight++ === 0 && this.isReady) return this.#one(op);
      this.#queue.push(op);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    // After all promise callbacks that are ready: those who wake up together send together.
    process.nextTick(() => {
      this.#scheduled = false;
      if (this.isReady) this.#flush();
      else this.#wait();
    });
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    const { client } = this.#options;
    const isMany = queue.length > 1 && !client.isCluster;
    const stream = isMany ? (client as Redis).stream : undefined;
    stream?.cork();
    try {
      for (let i = 0; i < queue.length;) {
        const op = queue[i]!;
        if (op.settled) i++;
        else if (op.key === undefined || client.isCluster) {
          this.#one(op);
          i++;
        } else i = this.#reads(queue, i);
      }
    } finally {
      stream?.uncork();
    }
  }

  // Sends the reads that stand together; gives where the next command is.
  #reads(queue: readonly Op[], from: number): number {
    const ops: Op[] = [];
    let i = from;
    for (; i < queue.length && ops.length < MAX_BATCH; i++) {
      const op = queue[i]!;
      if (op.settled) continue;
      if (op.key === undefined) break;
      op.sent = true;
      ops.push(op);
    }
    if (ops.length === 1) {
      this.#one(ops[0]!);
      return i;
    }
    const keys = ops.map((op) => op.key!);
    (this.#options.client as Redis).mgetBuffer(keys).then(
      (values) => {
        for (let n = 0; n < ops.length; n++) this.#succeed(ops[n]!, values[n] ?? undefined);
      },
      (error) => {
        for (const op of ops) this.#fail(op, error);
      },
    );
    return i;
  }

  #one(op: Op): void {
    op.sent = true;
    const { client } = this.#options;
    try {
      const answer = op.run === undefined ? client.getBuffer(op.key!) : op.run(client);
      answer.then(
        (value: unknown) => this.#succeed(op, op.run === undefined ? value ?? undefined : value),
        (error: unknown) => {
          if (op.run === undefined && replyCode(error) === "WRONGTYPE") {
            this.#succeed(op, undefined);
          } else this.#fail(op, error);
        },
      );
    } catch (error) {
      this.#fail(op, error);
    }
  }

  // Without a connection: each waits for one as long as a command may take, in order.
  #wait(): void {
    const { clock, commandTimeoutMs } = this.#options;
    const now = clock.monotonic();
    for (const op of this.#queue) {
      if (op.deadline === 0) op.deadline = now + commandTimeoutMs;
    }
    this.#expire();
  }

  #expire(): void {
    const { clock } = this.#options;
    this.#expiry?.cancel();
    this.#expiry = undefined;
    const now = clock.monotonic();
    let gone = 0;
    for (; gone < this.#queue.length; gone++) {
      const op = this.#queue[gone]!;
      if (op.settled) continue;
      if (op.deadline === 0 || op.deadline > now) break;
      const { action } = op.options;
      this.#fail(op, unavailable(`Cannot ${action}: no connection to Redis, ${this.#why()}`));
    }
    this.#queue.splice(0, gone);
    const next = this.#queue[0];
    if (next === undefined || next.deadline === 0 || this.#closed) return;
    this.#expiry = clock.timer(() => this.#expire(), next.deadline - now, { background: true });
  }

  #why(): string {
    const { problem, commandTimeoutMs } = this.#options;
    return problem() ?? `none was made within ${commandTimeoutMs} ms`;
  }

  // One listener for all that end with the same signal.
  #join(op: Op, signal: AbortSignal): void {
    let group = this.#groups.get(signal);
    if (group === undefined) {
      const ops = new Set<Op>();
      signal.addEventListener("abort", () => {
        for (const member of [...ops]) this.#fail(member, signal.reason);
      }, { once: true });
      this.#groups.set(signal, group = ops);
    }
    group.add(op);
    op.group = group;
  }

  #settle(op: Op): boolean {
    if (op.settled) return false;
    op.settled = true;
    this.#inFlight--;
    op.group?.delete(op);
    return true;
  }

  #succeed(op: Op, value: unknown): void {
    if (this.#settle(op)) op.resolve(value);
  }

  #fail(op: Op, error: unknown): void {
    if (!this.#settle(op)) return;
    const { signal, action, once = false } = op.options;
    if (signal?.aborted && error === signal.reason) return op.reject(error);
    if (this.#closed && !(error instanceof CqiError)) return op.reject(closedError());
    op.reject(redisError(error, { action, unknownOutcome: once && op.sent }));
  }
}

function closedError(): CqiError {
  return new CqiError("CQI_CLOSED", "Cannot use the Redis cache: it is closed");
}
