import process from "node:process";
import type { Redis } from "ioredis";
import type { Clock } from "../../core/mod.ts";
import { CqiError, type CqiErrorOptions } from "../../errors/mod.ts";
import { Deadlines } from "../deadlines.ts";
import { Ring } from "../ring.ts";
import { type Client, type Joint, Op, type Sending, type SendOptions } from "./_redis_op.ts";
import { redisError, unavailable } from "./_redis_errors.ts";

/** Most commands that wait for a connection; beyond, they are refused at once. */
const MAX_WAITING = 1000;
/** Most commands that wait for an answer; beyond, they are refused at once. */
const MAX_IN_FLIGHT = 10_000;

type Details = NonNullable<CqiErrorOptions["details"]>;

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
  readonly #groups = new WeakMap<AbortSignal, Ring<Op>>();
  #queue: Op[] = [];
  #scheduled = false;
  #inFlight = 0;
  #unanswered = 0;
  #closed = false;
  readonly #deadlines: Deadlines;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, options.commandTimeoutMs);
    options.client.on("ready", () => this.#schedule());
  }

  /** Whether the client has a connection that takes commands. */
  get isReady(): boolean {
    return this.#options.client.status === "ready";
  }

  /** How many commands wait for an answer, given up or not. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Sends a command in its turn, with those of its kind that stand beside it. */
  join<T>(joint: Joint<T>, item: T, options: SendOptions): Promise<unknown> {
    return this.#enter({ joint: joint as Joint<unknown>, item }, options);
  }

  /** Sends a command in its turn. */
  send<T>(run: (client: Client) => Promise<T>, options: SendOptions): Promise<T> {
    return this.#enter({ run }, options) as Promise<T>;
  }

  /** Refuses what waits, and all that comes, with `CQI_CLOSED`. */
  close(): void {
    this.#closed = true;
    const queue = this.#queue;
    this.#queue = [];
    for (const op of queue) this.#fail(op, closedError());
  }

  #enter(sending: Sending, options: SendOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      if (this.#closed) return reject(closedError());
      if (signal?.aborted) return reject(signal.reason);
      const refused = this.#refusal();
      if (refused !== undefined) {
        const { problem, details } = refused;
        return reject(unavailable(`Cannot ${options.action}: ${problem}`, { details }));
      }
      const op = new Op(sending, options, resolve, reject, this.#expired);
      if (signal !== undefined) this.#join(op, signal);
      op.atDeadline = this.#deadlines.next().calls.add(op);
      // Alone, it need not wait for others to leave with.
      if (this.#inFlight++ === 0 && this.isReady) return this.#one(op);
      this.#queue.push(op);
      this.#schedule();
    });
  }

  // Why a command is not taken. That too many wait is no fault of Redis.
  #refusal(): { readonly problem: string; readonly details: Details } | undefined {
    // Those that were given up too: the client keeps them until Redis answers.
    if (this.#inFlight >= MAX_IN_FLIGHT || this.#unanswered >= MAX_IN_FLIGHT) {
      const problem = `${MAX_IN_FLIGHT} commands wait for answers of Redis`;
      return { problem, details: { refused: true } };
    }
    if (this.isReady) return undefined;
    const problem = "no connection to Redis";
    if (this.#options.isDown()) return { problem: `${problem}, ${this.#why()}`, details: {} };
    if (this.#queue.length < MAX_WAITING) return undefined;
    this.#queue = this.#queue.filter(({ settled }) => !settled);
    if (this.#queue.length < MAX_WAITING) return undefined;
    return {
      problem: `${problem}, ${MAX_WAITING} commands wait for one`,
      details: { refused: true },
    };
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    // After all promise callbacks that are ready: those who wake up together send together.
    process.nextTick(() => {
      this.#scheduled = false;
      // Without a connection they stay, each until its time is up; the next one calls for them.
      if (this.isReady) this.#flush();
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
        else if (op.sending.joint === undefined || client.isCluster) {
          this.#one(op);
          i++;
        } else i = this.#many(queue, i, op.sending.joint);
      }
    } finally {
      stream?.uncork();
    }
  }

  // Sends those of one kind that stand together; gives where the next command is.
  #many(queue: readonly Op[], from: number, joint: Joint<unknown>): number {
    const ops: Op[] = [];
    const items: unknown[] = [];
    let weight = 0;
    let i = from;
    for (; i < queue.length; i++) {
      const op = queue[i]!;
      const { sending } = op;
      if (op.settled) continue;
      if (sending.joint !== joint) break;
      weight += joint.weigh(sending.item);
      if (weight > joint.limit && ops.length > 0) break;
      ops.push(op);
      items.push(sending.item);
    }
    if (ops.length === 1) {
      this.#one(ops[0]!);
      return i;
    }
    for (const op of ops) op.sent = true;
    this.#answer(
      () => joint.many(this.#options.client, items),
      (values) => {
        for (let n = 0; n < ops.length; n++) this.#succeed(ops[n]!, values[n]);
      },
      (error) => {
        for (const op of ops) this.#fail(op, error);
      },
    );
    return i;
  }

  // By hand, and no promise more than it takes: this is what a command one at a time costs.
  #one(op: Op): void {
    op.sent = true;
    let answer: Promise<unknown>;
    try {
      answer = op.send(this.#options.client);
    } catch (error) {
      return this.#fail(op, error);
    }
    this.#unanswered++;
    answer.then((value) => {
      this.#unanswered--;
      this.#succeed(op, value ?? undefined);
    }, (error) => {
      this.#unanswered--;
      const value = op.sending.joint?.answerOf?.(error);
      if (value === undefined) this.#fail(op, error);
      else this.#succeed(op, value);
    });
  }

  // The client may throw at once too.
  #answer<T>(
    send: () => Promise<T>,
    succeed: (value: T) => void,
    fail: (error: unknown) => void,
  ): void {
    this.#unanswered++;
    try {
      send().then((value) => {
        this.#unanswered--;
        succeed(value);
      }, (error) => {
        this.#unanswered--;
        fail(error);
      });
    } catch (error) {
      this.#unanswered--;
      fail(error);
    }
  }

  readonly #expired = (op: Op): void => {
    const { action } = op.options;
    if (op.sent) {
      const { commandTimeoutMs } = this.#options;
      return this.#fail(op, new Error(`no answer within ${commandTimeoutMs} ms`));
    }
    this.#fail(op, unavailable(`Cannot ${action}: no connection to Redis, ${this.#why()}`));
  };

  #why(): string {
    const { problem, commandTimeoutMs } = this.#options;
    return problem() ?? `none was made within ${commandTimeoutMs} ms`;
  }

  // One listener for all that end with the same signal.
  #join(op: Op, signal: AbortSignal): void {
    let group = this.#groups.get(signal);
    if (group === undefined) {
      const ops = new Ring<Op>();
      signal.addEventListener("abort", () => {
        for (const member of ops.empty()) this.#fail(member, signal.reason);
      }, { once: true });
      this.#groups.set(signal, group = ops);
    }
    op.inGroup = group.add(op);
  }

  #settle(op: Op): boolean {
    if (op.settled) return false;
    op.settled = true;
    this.#inFlight--;
    op.inGroup?.leave();
    op.atDeadline?.leave();
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
