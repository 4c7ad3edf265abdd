import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import type { Checkable, DurationInput, Middleware, WaitOptions } from "../core/mod.ts";
import type { RecordToSend } from "./driver.ts";

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
 * One event as it reaches a handler. `headers` and `signal` are made when they are asked for: a copy
 * by spread leaves out these and `skip`, so a layer that changes something passes them on by name.
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
  /** 1 at the first try, one more at each retry, also after a restart (a lower bound). */
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
export type StartAt = "earliest" | "latest" | Date | StartOffsets;

/** Places to start at. */
export interface StartOffsets {
  /**
   * The first offset to read, by partition. One that the log no longer has, or has not yet, counts
   * as its first or its end; a partition that is not named starts at its first record.
   */
  readonly offsets: ReadonlyMap<number, bigint>;
}

/** Settings of a subscription. What is absent comes from the configuration. */
export interface SubscribeOptions extends WaitOptions {
  /**
   * Consumer group, `[a-zA-Z0-9._-]{1,249}`. Members of one group share the partitions.
   *
   * @default {the service's name}
   */
  readonly group?: string;
  /**
   * True hands every event to every instance: no group, nothing is committed, and `group` may not
   * be given. Without `startAt` it begins at what is published from now on. What cannot be handled
   * is passed over with a log line, since an instance that is gone has no dead letters.
   *
   * @default {false}
   */
  readonly broadcast?: boolean;
  /** Where to start when nothing is committed yet. @default {"earliest"} */
  readonly startAt?: StartAt;
  /** Handler time limit; the delivery's signal aborts at it. @default {"30s"} */
  readonly timeout?: DurationInput;
  /** Tries in all, 1 to 100, before the event is dead-lettered. @default {5} */
  readonly attempts?: number;
  /**
   * What handlers cannot do without, such as the database. While any of it is down no handler
   * starts, and failures use up no attempts: what failed is tried again once all is up. Asked once
   * a second and after each failure; an answer that takes over 5 s counts as down.
   *
   * @default {[]}
   */
  readonly dependsOn?: readonly Checkable[];
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

/**
 * What a subscription does: `running`; `paused` by hand; `waiting` for a dependency that is down;
 * `offline` while its consumer has no broker; `closed`.
 */
export type SubscriptionState = "running" | "paused" | "waiting" | "offline" | "closed";

/** A running subscription. */
export interface Subscription extends SubscriptionInfo, AsyncDisposable {
  /** What it does now. Topics of one group pause together, whoever of their handlers asks for it. */
  readonly state: SubscriptionState;
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
