import type { Cluster, Redis } from "ioredis";
import type { Limited } from "../deadlines.ts";
import type { Seat } from "../ring.ts";

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

/**
 * Commands of one kind that can leave as one.
 *
 * @typeParam T What one of them is about.
 */
export interface Joint<T> {
  /** What one costs of {@linkcode limit}. */
  weigh(item: T): number;
  /** Most that leaves as one. */
  readonly limit: number;
  /** Sends one. Nothing may come as null. */
  one(client: Client, item: T): Promise<unknown>;
  /** The answer that a failure of `one` amounts to; undefined: none, it is a failure. */
  answerOf?(error: unknown): unknown;
  /** Sends several as one; their answers in order. */
  many(client: Client, items: readonly T[]): Promise<readonly unknown[]>;
}

/** What is to be sent: by itself, or with others of its kind. */
export type Sending =
  | { readonly run: (client: Client) => Promise<unknown>; readonly joint?: undefined }
  | { readonly joint: Joint<unknown>; readonly item: unknown };

/** One command from the call to its answer. */
export class Op implements Limited {
  readonly sending: Sending;
  readonly options: SendOptions;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Its place among those that end with the same signal. */
  inGroup: Seat | undefined = undefined;
  /** Its place among those that end at the same deadline. */
  atDeadline: Seat | undefined = undefined;
  sent = false;
  settled = false;
  readonly #expired: (op: Op) => void;

  constructor(
    sending: Sending,
    options: SendOptions,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    expired: (op: Op) => void,
  ) {
    this.sending = sending;
    this.options = options;
    this.resolve = resolve;
    this.reject = reject;
    this.#expired = expired;
  }

  /** Sends it by itself. */
  send(client: Client): Promise<unknown> {
    const { sending } = this;
    return sending.joint === undefined
      ? sending.run(client)
      : sending.joint.one(client, sending.item);
  }

  expire(): void {
    this.#expired(this);
  }
}
