import type { DescMessage, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type {
  Checkable,
  DriverTable,
  DurationInput,
  Instruments,
  Middleware,
  WaitOptions,
} from "../core/mod.ts";
import type { BusDriverModule, BusRecord, RecordToSend } from "./driver.ts";

/**
 * A topic whose events are of one message type.
 *
 * @typeParam S Descriptor of the message.
 */
export interface Topic<S extends DescMessage = DescMessage> {
  /** Name on the broker, such as `cqc.events.v1.price_updated`. */
  readonly name: string;
  /** Descriptor of its events. */
  readonly schema: S;
  /**
   * Partition key of an event: events of one key are handled in the order they were published.
   *
   * @param event The event.
   * @returns The key, or undefined when order does not matter.
   */
  key(event: MessageShape<S>): string | undefined;
}

/** Value of a record header: text, or bytes where it is not UTF-8. */
export type HeaderValue = string | Uint8Array;

/** Where a published event landed. */
export interface Published {
  /** The event's id; equals header `ce_id`. */
  readonly eventId: string;
  /** Topic it was written to. */
  readonly topic: string;
  /** Partition, from 0. */
  readonly partition: number;
  /** Offset within the partition. */
  readonly offset: bigint;
}

/** What a publication may say besides its event. */
export interface PublishOptions extends WaitOptions {
  /** Partition key in place of the topic's own; `null` for none. */
  readonly key?: string | null;
  /** Extra headers; names in lower case `[a-z0-9._-]`, none that this library writes itself. */
  readonly headers?: Readonly<Record<string, HeaderValue>>;
  /** Id shared by all that follows from one request. @default {that of the event being handled} */
  readonly correlationId?: string;
  /** Id of what caused this event. @default {id of the event being handled} */
  readonly causationId?: string;
}

/**
 * One event as it reaches a handler.
 *
 * @typeParam E The message.
 */
export interface Delivery<E extends Message = Message> {
  /** The decoded event; each delivery has its own copy. */
  readonly event: E;
  /** Id of the event: header `ce_id`, or topic, partition and offset when a foreign record has none. */
  readonly eventId: string;
  /** Full message name, such as `cqc.events.v1.PriceUpdated`. */
  readonly type: string;
  /** Topic it was read from. */
  readonly topic: string;
  /** Partition it was read from. */
  readonly partition: number;
  /** Its offset. */
  readonly offset: bigint;
  /** Partition key, or undefined. */
  readonly key: string | undefined;
  /** Headers as they came; untrusted. */
  readonly headers: ReadonlyMap<string, HeaderValue>;
  /** When the record was written, in Unix milliseconds. */
  readonly timestampMs: number;
  /** 1 at the first try, one more at each retry. */
  readonly attempt: number;
  /** Id shared by all that follows from one request. */
  readonly correlationId: string;
  /** Aborts at the handler's time limit and when the subscription gives up. */
  readonly signal: AbortSignal;
  /**
   * Says that the event needs no handling: it counts as skipped and is acknowledged. Return it.
   *
   * @param reason Low in variety, for logs.
   */
  skip(reason: string): Skip;
}

/** What {@linkcode Delivery.skip} gives a handler to return. */
export interface Skip {
  /** Why. */
  readonly skip: string;
}

/**
 * Handles one event. Resolving acknowledges it. Throwing has it retried with backoff and in the end
 * dead-lettered; an error whose `retryable` is false is dead-lettered at once.
 */
export type EventHandler<E extends Message = Message> = (
  event: E,
  delivery: Delivery<E>,
) => void | Skip | Promise<void | Skip>;

/** A layer around handlers, on the way in. */
export type ConsumeMiddleware = Middleware<Delivery, SubscriptionInfo, void | Skip>;

/** A layer around publishing, on the way out: it sees the record before it is sent. */
export type PublishMiddleware = Middleware<RecordToSend, WaitOptions, Published>;

/** What a subscription is. */
export interface SubscriptionInfo {
  /** Topic name. */
  readonly topic: string;
  /** Consumer group; undefined for a reader, which has the whole log to itself. */
  readonly group: string | undefined;
}

/** Where a group without a committed offset, or a reader, starts. */
export type StartAt = "earliest" | "latest" | Date;

/** Settings of a subscription. What is absent comes from the configuration. */
export interface SubscribeOptions extends WaitOptions {
  /**
   * Consumer group, `[a-zA-Z0-9._-]{1,249}`. Members of one group share the partitions.
   *
   * @default {the service's name}
   */
  readonly group?: string;
  /** Where to start when nothing is committed yet. @default {"earliest"} */
  readonly startAt?: StartAt;
  /** Handler time limit; the delivery's signal aborts at it. @default {"30s"} */
  readonly timeout?: DurationInput;
  /** Tries in all, 1 to 100, before the event is dead-lettered. @default {5} */
  readonly attempts?: number;
  /** Layers around this handler, outermost first; inside those of the bus. */
  readonly middleware?: readonly ConsumeMiddleware[];
}

/** Settings of a stream. */
export interface StreamOptions extends WaitOptions {
  /**
   * Consumer group, `[a-zA-Z0-9._-]{1,249}`. Without one the stream reads the whole log and commits
   * nothing.
   */
  readonly group?: string;
  /** Where to start. @default {"earliest"} */
  readonly startAt?: StartAt;
}

/** A running subscription. */
export interface Subscription extends SubscriptionInfo, AsyncDisposable {
  /** Stops handling; membership of the group stays. Events in hand are finished. */
  pause(): void;
  /** Goes on where it was paused. */
  resume(): void;
  /** Stops, finishes what is in hand within the budget, commits. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Events as an async iterable. Asking for the next one acknowledges the one before; leaving the
 * loop, or aborting the signal, closes it.
 *
 * @typeParam E The message.
 */
export interface Stream<E extends Message = Message>
  extends AsyncIterable<Delivery<E>>, AsyncDisposable {
  /** Ends the loop. Safe to call twice. */
  close(): Promise<void>;
}

/** How far a group is behind on a topic, over the partitions that this process owns. */
export interface GroupLag {
  /** Consumer group. */
  readonly group: string;
  /** Topic name. */
  readonly topic: string;
  /** Records written and not yet committed. */
  readonly lag: bigint;
}

/** Records as an async iterable; leaving the loop or aborting the signal closes it. */
export interface RecordStream extends AsyncIterable<BusRecord>, AsyncDisposable {
  /** Ends the loop. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * The event bus. Publishing is durable when it resolves; delivery is at least once, in order per
 * key within a group. What is published is valid: there is no switch for that. Wrong options are
 * refused with `CQI_OPTION_INVALID` at the call.
 */
export interface Bus extends Checkable, AsyncDisposable {
  /**
   * Publishes an event of a typed topic. Absent `event_id`, `timestamp` and `actor_id` are filled in.
   *
   * @param topic The topic, or the descriptor of an event of the contracts.
   * @param event The event's fields.
   * @param options Key, headers, ids, signal.
   */
  publish<S extends DescMessage>(
    topic: Topic<S> | S,
    event: MessageInitShape<S>,
    options?: PublishOptions,
  ): Promise<Published>;
  /**
   * Publishes a message on a topic by name.
   *
   * @param topic Name of the topic.
   * @param event A message made by `create`.
   * @param options Key, headers, ids, signal.
   */
  publish(topic: string, event: Message, options?: PublishOptions): Promise<Published>;
  /**
   * Handles the events of a typed topic.
   *
   * @param topic The topic, or the descriptor of an event of the contracts.
   * @param handler Called for each event; see {@linkcode EventHandler}.
   * @param options Group, start, limits.
   */
  subscribe<S extends DescMessage>(
    topic: Topic<S> | S,
    handler: EventHandler<MessageShape<S>>,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  /**
   * Handles the events of a topic by name, each decoded as the type that its header names.
   *
   * @param topic Name of the topic.
   * @param handler Called for each event.
   * @param options Group, start, limits.
   */
  subscribe(
    topic: string,
    handler: EventHandler,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  /**
   * Reads the events of a typed topic as an async iterable.
   *
   * @param topic The topic, or the descriptor of an event of the contracts.
   * @param options Group, start, signal.
   */
  subscribe<S extends DescMessage>(
    topic: Topic<S> | S,
    options?: StreamOptions,
  ): Stream<MessageShape<S>>;
  /**
   * Reads the events of a topic by name.
   *
   * @param topic Name of the topic.
   * @param options Group, start, signal.
   */
  subscribe(topic: string, options?: StreamOptions): Stream;
  /**
   * Reads the records of a topic undecoded and untouched, commits nothing and joins no group: for
   * dead letters and other tools.
   *
   * @param topic Name of the topic.
   * @param options Start, signal; `group` is not used.
   */
  records(topic: string, options?: Omit<StreamOptions, "group">): RecordStream;
  /** How far behind the groups of this process are. */
  lag(): Promise<readonly GroupLag[]>;
  /**
   * Stops taking in, finishes what is in hand within the budget, flushes. Safe to call twice. A
   * handler that awaits it waits for itself, until `drain_timeout` is over: start it there without
   * awaiting.
   */
  close(): Promise<void>;
}

/** Who publishes. */
export interface BusIdentity {
  /** Name of the service; makes the default actor `service:<name>` and the default group. */
  readonly name: string;
  /** Which instance of it. */
  readonly instanceId?: string;
}

/** What a bus is opened with besides its configuration. */
export interface OpenOptions extends Partial<Instruments> {
  /** Drivers by name. The root entry point fills them in; `@cq/cqi/bus` by itself knows none. */
  readonly drivers?: DriverTable<BusDriverModule>;
  /** Who publishes. @default {nobody: actor "system"} */
  readonly service?: BusIdentity;
  /** Layers around each publication, outermost first. */
  readonly publishMiddleware?: readonly PublishMiddleware[];
  /** Layers around each handler, outermost first. */
  readonly consumeMiddleware?: readonly ConsumeMiddleware[];
}
