import type { WaitOptions } from "../core/mod.ts";
import type { HeaderValue } from "./types.ts";

/** Why an event could not be handled. */
export type DeadLetterReason =
  | "undecodable"
  | "invalid"
  | "unknown_type"
  | "permanent"
  | "exhausted";

/**
 * What became of a dead letter: `open` waits for somebody, `parked` is kept and left alone,
 * `replayed` was published again, `purged` is of no more use.
 */
export type DeadLetterState = "open" | "replayed" | "parked" | "purged";

/** An event that was set aside, as it came. */
export interface DeadLetter {
  /** Its place in the dead-letter topic, `partition/offset`. */
  readonly id: string;
  /** Places of further copies: a writing whose answer was lost is made again. */
  readonly copies: readonly string[];
  /** What became of it. */
  readonly state: DeadLetterState;
  /** What was said when it was parked or purged. */
  readonly note: string | undefined;
  /** Why it was set aside. */
  readonly reason: DeadLetterReason | "unknown";
  /** Code or class of the error. */
  readonly error: string;
  /** Message of the error. */
  readonly message: string;
  /** Hash over the frames of the error's stack, 8 hexadecimal digits, to count failures alike. */
  readonly stackHash: string | undefined;
  /** Attempts that were made; 0 when it never reached a handler. */
  readonly attempts: number;
  /** How often it has been replayed before. */
  readonly replays: number;
  /** Group that could not handle it. */
  readonly group: string | undefined;
  /** Where it came from. */
  readonly origin: {
    /** Topic name. */
    readonly topic: string;
    /** Partition. */
    readonly partition: number;
    /** Offset. */
    readonly offset: bigint;
    /** When it was written there, in Unix milliseconds. */
    readonly timestampMs: number;
  };
  /** Message name that it carries, if any. */
  readonly type: string | undefined;
  /** Id of the event, if it has one. */
  readonly eventId: string | undefined;
  /** Partition key, or null. */
  readonly key: string | null;
  /** Bytes of the event, untouched. */
  readonly value: Uint8Array | null;
  /** Headers of the event, without those that say why it is here. */
  readonly headers: ReadonlyMap<string, HeaderValue>;
  /** When it was set aside, in Unix milliseconds. */
  readonly timestampMs: number;
}

/** Which dead letters are meant. All that is given must hold. */
export interface DeadLetterFilter {
  /** What became of them. @default {"open"} */
  readonly state?: DeadLetterState | "any";
  /** Group that could not handle them. */
  readonly group?: string;
  /** Why they were set aside. */
  readonly reason?: DeadLetterReason;
  /** Code or class of their error. */
  readonly error?: string;
  /** Their partition key. */
  readonly key?: string;
  /** Set aside at or after this time. */
  readonly since?: Date;
  /** Set aside before this time. */
  readonly until?: Date;
  /** Anything else. */
  readonly where?: (letter: DeadLetter) => boolean;
  /** Most letters taken, 1 to 10,000; the oldest ones. @default {100} */
  readonly limit?: number;
}

/** Letters from a list, or what chooses them. */
export type DeadLetterSelection = DeadLetterFilter | readonly DeadLetter[];

/** How replaying goes. */
export interface ReplayOptions extends WaitOptions {
  /** Letters that were replayed so often already are parked instead, 0 to 1000. @default {3} */
  readonly maxReplays?: number;
}

/** How parking and purging go. */
export interface MarkOptions extends WaitOptions {
  /** Why, for the next operator; at most 1024 characters. */
  readonly note?: string;
}

/** What replaying did. */
export interface ReplayReport {
  /** Published again. */
  readonly replayed: number;
  /** Parked, since they came back too often. */
  readonly parked: number;
  /** Left alone, since somebody has dealt with them since they were listed. */
  readonly passed: number;
}

/**
 * The dead letters of one topic.
 *
 * A log deletes nothing by itself, so what becomes of a letter is written beside it, on the topic
 * `<dead-letter topic>.marks`. The bytes go when the retention of the dead-letter topic is over;
 * the marks must be kept at least as long, else their letters count as open again.
 *
 * All calls read the whole of both topics, and reject with `CQI_BUS_UNAVAILABLE` when that cannot
 * be done. All may be repeated: what is done is passed over.
 */
export interface DeadLetters {
  /** Name of the dead-letter topic. */
  readonly topic: string;
  /**
   * Lists letters, oldest first.
   *
   * @param filter Which.
   * @param options A signal that ends the wait.
   */
  list(filter?: DeadLetterFilter, options?: WaitOptions): Promise<readonly DeadLetter[]>;
  /**
   * Publishes letters again on the topic they came from: key, bytes and headers as they were, for
   * the group that could not handle them alone, oldest first, attempts counted from 1 again. Marked
   * as replayed once they are written, so one may be published twice when that is cut off.
   *
   * @param which Letters, or what chooses them.
   * @param options How often at most, and a signal that ends the wait.
   */
  replay(which: DeadLetterSelection, options?: ReplayOptions): Promise<ReplayReport>;
  /**
   * Takes letters out of the open ones, to be kept.
   *
   * @param which Letters, or what chooses them.
   * @param options Why, and a signal that ends the wait.
   * @returns How many.
   */
  park(which: DeadLetterSelection, options?: MarkOptions): Promise<number>;
  /**
   * Says that letters are of no more use.
   *
   * @param which Letters, or what chooses them.
   * @param options Why, and a signal that ends the wait.
   * @returns How many.
   */
  purge(which: DeadLetterSelection, options?: MarkOptions): Promise<number>;
}
