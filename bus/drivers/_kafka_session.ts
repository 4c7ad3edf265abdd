import { type Clock, type WaitOptions, withDeadline } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { answerOf } from "./_kafka_errors.ts";
import { heartbeats } from "./_kafka_heartbeats.ts";

/** What keeps a member in its group, and knows when it no longer can. */
export interface Session {
  /**
   * Whether the group last heard of the member longer ago than a session lasts: by now others may
   * have its partitions, whoever can be asked about it.
   */
  readonly isOverdue: boolean;
  /** Begins to beat; called when the group has just heard of the member. */
  start(): void;
  /** Called when the group has answered another request as one of a member. */
  answered(): void;
  stop(): void;
}

/** What a session is made with. */
export interface SessionOptions {
  /** Milliseconds between the end of a heartbeat and the next. */
  readonly everyMs: number;
  /** Milliseconds after which a group gives up a member that it does not hear of. */
  readonly sessionMs: number;
  /** One heartbeat. */
  readonly beat: (options: WaitOptions) => Promise<void>;
  /** Hears how each went. */
  readonly heard: (error: CqiError | undefined) => void;
}

/** Makes a session that has not begun. */
export function session(clock: Clock, options: SessionOptions): Session {
  const { sessionMs, beat, heard } = options;
  let heardAt: number | undefined;

  const leftMs = (): number =>
    heardAt === undefined ? sessionMs : heardAt + sessionMs - clock.monotonic();

  const beats = heartbeats(clock, options.everyMs, async ({ signal }) => {
    const sentAt = clock.monotonic();
    try {
      // One that hangs must not hide that the session is over.
      await withDeadline(clock, Math.max(1, leftMs()), (wait) => beat({ signal: wait }), {
        action: "the heartbeat",
        ...signal !== undefined && { signal },
      });
      heardAt = sentAt;
      heard(undefined);
    } catch (error) {
      if (signal?.aborted) return;
      const caught = CqiError.from(error, "CQI_BUS_UNAVAILABLE");
      // That others join or leave is said to members that are heard.
      if (answerOf(caught) === "REBALANCE_IN_PROGRESS") heardAt = sentAt;
      heard(caught);
    }
  });

  return {
    get isOverdue() {
      return leftMs() <= 0;
    },
    start() {
      heardAt = clock.monotonic();
      beats.start();
    },
    answered() {
      heardAt = clock.monotonic();
    },
    stop: () => beats.stop(),
  };
}
