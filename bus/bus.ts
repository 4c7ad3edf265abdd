import type { DescMessage, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Checkable, DriverTable, Instruments, WaitOptions } from "../core/mod.ts";
import type { DeadLetters } from "./dead_letters.ts";
import type { BusDriverModule, BusRecord } from "./driver.ts";
import type {
  ConsumeMiddleware,
  EventHandler,
  Published,
  PublishMiddleware,
  PublishOptions,
  Stream,
  StreamOptions,
  SubscribeOptions,
  Subscription,
  Topic,
} from "./types.ts";

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
  /**
   * The dead letters of a topic: to list, replay, park and purge.
   *
   * @param topic The topic that they came from, the descriptor of an event, or a name.
   */
  deadLetters(topic: string | Topic | DescMessage): DeadLetters;
  /**
   * Makes topics exist, with what the configuration says of them; those that exist stay as they are.
   *
   * @param topics Topics, descriptors of events of the contracts, or names.
   * @param options A signal that ends the wait.
   */
  ensureTopics(
    topics: readonly (string | Topic | DescMessage)[],
    options?: WaitOptions,
  ): Promise<void>;
  /**
   * How far behind the groups of this process are.
   *
   * @param options A signal that ends the wait.
   */
  lag(options?: WaitOptions): Promise<readonly GroupLag[]>;
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
