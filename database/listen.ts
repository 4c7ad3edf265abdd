import type { WaitOptions } from "../core/mod.ts";

/** Called with the payload of each notification; the next one waits until it has settled. */
export type NotificationHandler = (payload: string) => void | Promise<void>;

/** How notifications are listened to. */
export interface ListenOptions extends WaitOptions {
  /**
   * Called when notifications may have been missed: the connection was lost and is back, or more
   * came than the handler took (1,000 are kept). Read what the notifications tell of; what it throws
   * is logged.
   */
  readonly onGap?: () => void | Promise<void>;
}

/** A handler that listens. */
export interface Listener extends AsyncDisposable {
  /** Name of the channel. */
  readonly channel: string;
  /**
   * Stops listening, and waits up to ten seconds for the handler if it is at work; a handler that
   * closes its own listener does not wait for itself. Twice is fine.
   *
   * @param options Ends the waiting, not the closing.
   */
  close(options?: WaitOptions): Promise<void>;
}
