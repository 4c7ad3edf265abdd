import { type Clock, type WaitOptions, withDeadline } from "../core/mod.ts";
import type { RecordStream } from "./bus.ts";
import type { BusRecord, DriverConsumer } from "./driver.ts";
import type { Environment } from "./_environment.ts";
import { type Feed, type HandedStream, stream } from "./_stream.ts";
import { copyHeaders } from "./headers.ts";
import type { StartAt } from "./types.ts";

/** The streams of a bus. */
export interface Readers {
  /**
   * A stream that the bus ends when it closes: a reader's at once, a group's when its reader is done
   * with the event that it has.
   */
  tracked<T>(
    begin: Feed<T>,
    options: WaitOptions & { readonly group?: string | undefined },
  ): HandedStream<T>;
  /** The records of a topic, untouched; a name that is not allowed is refused where it is read. */
  records(name: string, options: WaitOptions & { readonly startAt: StartAt }): RecordStream;
  /** Ends all of them. */
  close(): Promise<void>;
}

/**
 * Makes the streams of a bus.
 *
 * @param requireOpen Throws once the bus is closed.
 */
export function readers(env: Environment, requireOpen: (action: string) => void): Readers {
  const open = new Set<() => Promise<void> | void>();

  const tracked: Readers["tracked"] = <T>(
    begin: Feed<T>,
    { signal, group }: WaitOptions & { readonly group?: string | undefined },
  ): HandedStream<T> => {
    const made: HandedStream<T> = stream<T>(async (hand, leaving) => {
      const end = (): Promise<void> | void => group === undefined ? made.close() : made.finish();
      open.add(end);
      try {
        const feed = await begin(hand, leaving);
        return { close: () => feed.close().finally(() => open.delete(end)) };
      } catch (error) {
        open.delete(end);
        throw error;
      }
    }, { signal });
    return made;
  };

  return {
    tracked,
    records: (name, { signal, startAt }) =>
      tracked<BusRecord>((hand, leaving) => {
        requireOpen("read records");
        const topic = env.nameOf(name);
        const consuming = env.driver.consume({
          group: undefined,
          topics: new Map([[topic, startAt]]),
        }, {
          async records(batch) {
            for (const record of batch) {
              // A closed stream takes no more; what it did not take is still on the log.
              await hand(ownCopy(record)).catch(() => {});
            }
          },
          revoked: () => Promise.resolve(),
          state: (error) => {
            if (error !== undefined) env.logger.warn("Reader lost its broker", { error, topic });
          },
        });
        return consumerOf(env.clock, consuming, { signal: leaving });
      }, { signal }),
    async close() {
      const results = await Promise.allSettled([...open].map((end) => end()));
      for (const result of results) if (result.status === "rejected") throw result.reason;
    },
  };
}

/**
 * Waits for a consumer that starts. One that comes when nobody waits any longer is closed behind
 * them.
 *
 * @param options What ends the wait: a signal, or `limitMs` milliseconds with `error`.
 */
export async function consumerOf(
  clock: Clock,
  consuming: Promise<DriverConsumer>,
  { limitMs = Infinity, ...options }: WaitOptions & {
    readonly limitMs?: number;
    readonly error?: () => Error;
  },
): Promise<DriverConsumer> {
  try {
    return await withDeadline(clock, limitMs, () => consuming, options);
  } catch (error) {
    // Why it did not start, or could not be closed, is for those who wait.
    consuming.then((late) => late.close()).catch(() => {});
    throw error;
  }
}

// Drivers may share one log among readers.
function ownCopy(record: BusRecord): BusRecord {
  return { ...record, value: record.value?.slice() ?? null, headers: copyHeaders(record.headers) };
}
