import { type WaitOptions, withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { Environment } from "./_environment.ts";
import type { RecordToSend } from "./driver.ts";
import type { Published } from "./types.ts";

// One call to the driver takes at most this many records.
const MAX_BATCH = 500;
// Callers beyond this many wait for room: publishing is as fast as the broker, and no faster.
const MAX_QUEUED = 10_000;

interface TopicQueue {
  entries: Entry[];
  room: PromiseWithResolvers<void>;
  flushing: Promise<void>;
}

interface Entry {
  readonly record: RecordToSend;
  readonly resolve: (published: Published) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Shares calls to the driver among concurrent publishers, without their knowing. While one call is
 * under way the next batch fills; one call at a time keeps the order of each key.
 */
export interface Batcher {
  /**
   * Sends a record with whatever else is waiting.
   *
   * @param record The record.
   * @param options Ends the caller's wait; a record that is already on its way may still arrive.
   */
  send(record: RecordToSend, options: WaitOptions): Promise<Published>;
  /** Sends what is queued, then refuses more. */
  close(): Promise<void>;
}

/** Makes a batcher over the driver of a bus. */
export function batcher(env: Pick<Environment, "driver" | "clock" | "settings">): Batcher {
  // A queue for each topic: a topic that is full holds up only its own publishers. Otherwise a
  // handler could wait behind the very topic that waits for the handler.
  const queues = new Map<string, TopicQueue>();
  let closed = false;

  const flush = async (topic: string, queue: TopicQueue): Promise<void> => {
    // A turn of the microtask queue, so that callers of the same moment share the first batch.
    await Promise.resolve();
    while (queue.entries.length > 0) {
      const batch = queue.entries.slice(0, MAX_BATCH);
      queue.entries = queue.entries.slice(MAX_BATCH);
      queue.room.resolve();
      queue.room = Promise.withResolvers();
      await sendBatch(env, batch);
    }
    queues.delete(topic);
  };

  return {
    async send(record, { signal }) {
      let queue = queues.get(record.topic);
      while (queue !== undefined && queue.entries.length >= MAX_QUEUED && !closed) {
        await raceAbort(queue.room.promise, signal);
        queue = queues.get(record.topic);
      }
      signal?.throwIfAborted();
      if (closed) throw new CqiError("CQI_CLOSED", "Cannot publish: the bus is closed");
      const { promise, resolve, reject } = Promise.withResolvers<Published>();
      const entry = { record, resolve, reject };
      if (queue === undefined) {
        const started: TopicQueue = {
          entries: [entry],
          room: Promise.withResolvers(),
          flushing: Promise.resolve(),
        };
        queues.set(record.topic, started);
        started.flushing = flush(record.topic, started);
      } else queue.entries.push(entry);
      return await raceAbort(promise, signal);
    },
    async close() {
      closed = true;
      await Promise.all([...queues.values()].map((queue) => {
        queue.room.resolve();
        return queue.flushing;
      }));
    },
  };
}

async function sendBatch(
  { driver, clock, settings }: Pick<Environment, "driver" | "clock" | "settings">,
  batch: readonly Entry[],
): Promise<void> {
  try {
    const outcomes = await withDeadline(
      clock,
      settings.publishTimeoutMs,
      (signal) => driver.send(batch.map((entry) => entry.record), { signal }),
      { error: () => unacknowledged(batch[0]!.record.topic, settings.publishTimeoutMs) },
    );
    batch.forEach((entry, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined) {
        entry.reject(new CqiError("CQI_INTERNAL", "Cannot publish: the driver gave no outcome"));
      } else if (outcome instanceof Error) entry.reject(outcome);
      else entry.resolve(outcome);
    });
  } catch (error) {
    for (const entry of batch) entry.reject(CqiError.from(error, "CQI_BUS_UNAVAILABLE"));
  }
}

// Not acknowledged is not the same as not written: the caller must expect either.
function unacknowledged(topic: string, limitMs: number): CqiError {
  return new CqiError(
    "CQI_BUS_UNAVAILABLE",
    `Cannot publish on '${topic}': no acknowledgement within ${limitMs} ms, the event may or may ` +
      `not have been written`,
    { details: { outcome: "unknown" } },
  );
}

async function raceAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  // The loser's outcome is nobody's business: the caller has had an answer.
  promise.catch(() => {});
  try {
    return await Promise.race([promise, cut]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
