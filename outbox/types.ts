import type { DescMessage, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type {
  Bus,
  Delivery,
  EventHandler,
  PublishOptions,
  Skip,
  SubscribeOptions,
  Subscription,
  Topic,
} from "../bus/mod.ts";
import type { Checkable, HttpMiddleware, Instruments, WaitOptions } from "../core/mod.ts";
import type { Database, Transaction, TransactionOptions } from "../database/mod.ts";
import type { IdempotencyOptions } from "./idempotency.ts";

/** An event that is written and will be sent once its transaction has committed. */
export interface Enqueued {
  /** The event's id; equals header `ce_id`, each time it is sent. */
  readonly eventId: string;
  /** Topic it will be sent to. */
  readonly topic: string;
}

/** A transaction, or a savepoint in one, that can publish. */
export interface OutboxTransaction extends Transaction {
  /**
   * Publishes an event of a typed topic with the transaction: it is sent after the commit, and never
   * if there is none. It is filled in, checked and encoded here, with the trace and the ids of the
   * work that is running; a bad event throws as `bus.publish` does.
   *
   * @param topic The topic, or the descriptor of an event of the contracts.
   * @param event The event's fields.
   * @param options Key, headers, ids, signal.
   */
  publish<S extends DescMessage>(
    topic: Topic<S> | S,
    event: MessageInitShape<S>,
    options?: PublishOptions,
  ): Promise<Enqueued>;
  /**
   * Publishes a message on a topic by name with the transaction.
   *
   * @param topic Name of the topic.
   * @param event A message made by `create`.
   * @param options Key, headers, ids, signal.
   */
  publish(topic: string, event: Message, options?: PublishOptions): Promise<Enqueued>;
  /**
   * Runs a function in a savepoint that can publish; what is undone is not sent.
   *
   * @param fn Gets the savepoint's own handle.
   */
  readonly savepoint: <T>(fn: (savepoint: OutboxTransaction) => T | Promise<T>) => Promise<T>;
}

/**
 * The transaction in which one event is handled.
 *
 * @typeParam E The message.
 */
export interface InboxTransaction<E extends Message = Message> extends OutboxTransaction {
  /** The event's delivery: ids, headers, attempt, `skip`. */
  readonly delivery: Delivery<E>;
}

/**
 * Handles one event in a transaction. What it writes, the note that it was handled and what it
 * publishes are one commit; throwing undoes all three and has the event tried again.
 */
export type InboxHandler<E extends Message = Message> = (
  event: E,
  tx: InboxTransaction<E>,
) => void | Skip | Promise<void | Skip>;

/** How a handler's transaction is run. */
export interface HandlerOptions extends Omit<TransactionOptions, "signal" | "readOnly"> {
  /** Whose handler it is, 1 to 249 characters: each group handles each event once. */
  readonly group: string;
}

/** How a subscription with an inbox is run: as `bus.subscribe` and `database.transaction` have it. */
export interface InboxSubscribeOptions extends Omit<SubscribeOptions, "broadcast"> {
  /** Isolation and attempts of the handler's transaction. */
  readonly transaction?: Omit<TransactionOptions, "signal" | "readOnly">;
}

/** What waits in the outbox. */
export interface Backlog {
  /** Events that wait to be sent, counted up to 100,000. */
  readonly pending: number;
  /** Age of the oldest of them in seconds, 0 for none. */
  readonly oldestSeconds: number;
  /** Events that were parked, and those that wait behind them; counted up to 100,000. */
  readonly parked: number;
}

/** Which events are sent again. */
export interface ResendOptions extends WaitOptions {
  /** Only those written then or later, by the database's clock. @default {all that are kept} */
  readonly since?: Date;
}

/** An event that no attempt could send. Later events of its key wait until it is dealt with. */
export interface ParkedEvent {
  /** Number of its row. */
  readonly id: bigint;
  /** The event's id. */
  readonly eventId: string;
  /** Topic it should go to. */
  readonly topic: string;
  /** Partition key, or undefined. */
  readonly key: string | undefined;
  /** Why it is parked. */
  readonly error: string;
  /** When it was parked. */
  readonly parkedAt: Date;
  /** Events of its key that wait behind it, counted up to 1,000. */
  readonly behind: number;
}

/**
 * Outbox and inbox over one database and one bus. Events that a transaction publishes are sent
 * after it has committed, at least once and with the same id each time, in order per topic and key:
 * an event whose transaction had committed before another was published goes first.
 */
export interface Outbox extends Checkable, AsyncDisposable {
  /**
   * Runs a function in a transaction that can publish; otherwise as `database.transaction`.
   *
   * @param fn The work; use its handle for every query and event.
   * @param options Isolation, access, attempts, signal.
   */
  readonly transaction: <T>(
    fn: (tx: OutboxTransaction) => T | Promise<T>,
    options?: TransactionOptions,
  ) => Promise<T>;
  /**
   * Gives a transaction of this database the ability to publish.
   *
   * @param tx What `database.transaction` handed to its function.
   */
  readonly within: (tx: Transaction) => OutboxTransaction;
  /**
   * Makes an event handler of one that works in a transaction: an event that its group has handled
   * before is skipped.
   *
   * @param handler Gets the event and the transaction.
   * @param options Group, isolation, attempts.
   */
  handler<E extends Message>(handler: InboxHandler<E>, options: HandlerOptions): EventHandler<E>;
  /**
   * Subscribes a handler that works in a transaction, with the subscription's group.
   *
   * @param topic The topic, or the descriptor of an event of the contracts.
   * @param handler Gets the event and the transaction.
   * @param options Group, start, limits, transaction.
   */
  subscribe<S extends DescMessage>(
    topic: Topic<S> | S,
    handler: InboxHandler<MessageShape<S>>,
    options?: InboxSubscribeOptions,
  ): Promise<Subscription>;
  /**
   * Subscribes a handler that works in a transaction to a topic by name.
   *
   * @param topic Name of the topic.
   * @param handler Gets the event and the transaction.
   * @param options Group, start, limits, transaction.
   */
  subscribe(
    topic: string,
    handler: InboxHandler,
    options?: InboxSubscribeOptions,
  ): Promise<Subscription>;
  /**
   * Makes a middleware that answers a repeated request with the first one's response (header
   * `Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header).
   *
   * @param options Methods, bounds, expiry, scope.
   */
  idempotency(options?: IdempotencyOptions): HttpMiddleware;
  /**
   * What waits.
   *
   * @param options A signal that ends the query.
   */
  backlog(options?: WaitOptions): Promise<Backlog>;
  /**
   * Waits until nothing is pending; parked events do not count.
   *
   * @param options A signal that ends the wait.
   */
  drained(options?: WaitOptions): Promise<void>;
  /**
   * Parked events, oldest first, at most 1,000.
   *
   * @param options A signal that ends the query.
   */
  parked(options?: WaitOptions): Promise<readonly ParkedEvent[]>;
  /**
   * Has a parked event sent again, and then those behind it.
   *
   * @param id Number of its row.
   * @param options A signal that ends the wait.
   * @returns False when no such event is parked.
   */
  retry(id: bigint, options?: WaitOptions): Promise<boolean>;
  /**
   * Gives a parked event up for good, and lets those behind it go.
   *
   * @param id Number of its row.
   * @param options A signal that ends the wait.
   * @returns False when no such event is parked.
   */
  discard(id: bigint, options?: WaitOptions): Promise<boolean>;
  /**
   * Has events that were sent sent again, in order and under their ids: for a broker that has lost
   * what it had acknowledged, or keeps nothing. Those that `retention` has taken are gone.
   *
   * @param options Since when they were written, and a signal that ends the wait.
   * @returns How many.
   */
  resend(options?: ResendOptions): Promise<number>;
  /**
   * Stops the relay: finishes the batch in hand within ten seconds and hands its keys over. Events
   * can still be written, and are sent by other relays or after the next start. Closes neither bus
   * nor database; close it before them. Safe to call twice.
   *
   * @param options Ends the waiting, not the closing.
   */
  close(options?: WaitOptions): Promise<void>;
}

/** What an outbox stands on. */
export interface OpenOptions extends Partial<Instruments> {
  /** The bus, as `bus.open` gave it. */
  readonly bus: Bus;
  /** The database, as `database.open` gave it. */
  readonly database: Database;
}
