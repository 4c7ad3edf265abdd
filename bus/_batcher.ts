import { type WaitOptions, withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { Environment } from "./_environment.ts";
import type { RecordToSend } from "./driver.ts";
import { sizeOf } from "./headers.ts";
import type { Published } from "./types.ts";

// One call to the driver takes at most this many records, and not more bytes than one large event
// may have: brokers hold a batch to the bound of a record.
const MAX_BATCH = 500;
// What may wait for one topic. Publishers that await each event never come near it.
const MAX_QUEUED = 100_000;
const MAX_QUEUED_BYTES = 64 * 2 ** 20;
// A driver that heeds its signal has this long to say what became of each record.
const GRACE_MS = 1000;

interface TopicQueue {
  /** What is not on its way yet, the oldest first. */
  readonly entries: Set<Entry>;
  bytes: number;
  flushing: Promise<void>;
}

interface Entry {
  readonly record: RecordToSend;
  readonly bytes: number;
  readonly resolve: (published: Published) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Shares calls to the driver among concurrent publishers, without their knowing. While one call is
 * under way the next batch fills; one call at a time keeps the order of each key.
 */
export interface Batcher {
  /**
   * Sends a record with whatever else is waiting. Settles within the time limit of publishing.
   *
   * @param record The record.
   * @param options Ends the caller's wait; a record that is already on its way may still arrive.
   */
  send(record: RecordToSend, options: WaitOptions): Promise<Published>;
  /**
   * Refuses more, and sends what is queued.
   *
   * @param budgetMs What is under way by then is given up.
   */
  close(budgetMs: number): Promise<void>;
}

/** Makes a batcher over the driver of a bus. */
export function batcher(env: Pick<Environment, "driver" | "clock" | "settings">): Batcher {
  const { clock, settings } = env;
  // A queue for each topic: a topic that is full holds up only its own publishers. Otherwise a
  // handler could wait behind the very topic that waits for the handler.
  const queues = new Map<string, TopicQueue>();
  const stop = new AbortController();
  let closed = false;

  const flush = async (topic: string, queue: TopicQueue): Promise<void> => {
    // A turn of the microtask queue, so that callers of the same moment share the first batch.
    await Promise.resolve();
    while (queue.entries.size > 0) {
      await sendBatch(env, takeBatch(queue, settings.maxMessageBytes), stop.signal);
    }
    queues.delete(topic);
  };

  const queueOf = (topic: string): TopicQueue => {
    let queue = queues.get(topic);
    if (queue === undefined) {
      queue = { entries: new Set(), bytes: 0, flushing: Promise.resolve() };
      queues.set(topic, queue);
      queue.flushing = flush(topic, queue);
    }
    return queue;
  };

  return {
    async send(record, { signal }) {
      signal?.throwIfAborted();
      if (closed) throw closedError();
      const queue = queueOf(record.topic);
      const bytes = sizeOf(record);
      if (queue.entries.size >= MAX_QUEUED || queue.bytes + bytes > roomFor(bytes)) {
        throw notSent(record.topic, `${queue.entries.size} events wait for the broker already`);
      }
      const { promise, resolve, reject } = Promise.withResolvers<Published>();
      const entry: Entry = { record, bytes, resolve, reject };
      queue.entries.add(entry);
      queue.bytes += bytes;
      return await settled(env, queue, entry, promise, signal);
    },
    async close(budgetMs) {
      closed = true;
      const over = clock.timer(() => {
        for (const queue of queues.values()) {
          for (const entry of queue.entries) {
            entry.reject(closedError());
            withdraw(queue, entry);
          }
        }
        stop.abort(unacknowledged("every topic", budgetMs));
      }, budgetMs);
      await Promise.all([...queues.values()].map((queue) => queue.flushing));
      over.cancel();
    },
  };
}

// One event always fits into an empty queue: max_message_bytes is another bound.
function roomFor(bytes: number): number {
  return Math.max(bytes, MAX_QUEUED_BYTES);
}

/** Takes an event out of the queue; false when it is on its way already. */
function withdraw(queue: TopicQueue, entry: Entry): boolean {
  if (!queue.entries.delete(entry)) return false;
  queue.bytes -= entry.bytes;
  return true;
}

function takeBatch(queue: TopicQueue, maxBytes: number): Entry[] {
  const batch: Entry[] = [];
  let bytes = 0;
  for (const entry of queue.entries) {
    bytes += entry.bytes;
    if (batch.length === MAX_BATCH || (batch.length > 0 && bytes > maxBytes)) break;
    batch.push(entry);
    withdraw(queue, entry);
  }
  return batch;
}

async function sendBatch(
  { driver, clock, settings }: Pick<Environment, "driver" | "clock" | "settings">,
  batch: readonly Entry[],
  stop: AbortSignal,
): Promise<void> {
  const limitMs = settings.publishTimeoutMs;
  const records = batch.map((entry) => entry.record);
  const error = (): CqiError => unacknowledged(records[0]!.topic, limitMs);
  const limit = new AbortController();
  const timer = clock.timer(() => limit.abort(error()), limitMs);
  try {
    const outcomes = await withDeadline(
      clock,
      limitMs + GRACE_MS,
      () => driver.send(records, { signal: limit.signal }),
      { signal: stop, error },
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
  } finally {
    timer.cancel();
    limit.abort();
  }
}

// The caller's own wait. Whoever leaves the queue is not sent, and leaves room.
async function settled(
  { clock, settings }: Pick<Environment, "clock" | "settings">,
  queue: TopicQueue,
  entry: Entry,
  outcome: Promise<Published>,
  signal: AbortSignal | undefined,
): Promise<Published> {
  const limitMs = settings.publishTimeoutMs;
  const { topic } = entry.record;
  const onAbort = (): void => {
    withdraw(queue, entry);
    entry.reject(signal?.reason);
  };
  const timer = clock.timer(() => {
    const unsent = withdraw(queue, entry);
    entry.reject(
      unsent ? notSent(topic, `no room within ${limitMs} ms`) : unacknowledged(topic, limitMs),
    );
  }, limitMs + GRACE_MS);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await outcome;
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}

function closedError(): CqiError {
  return new CqiError("CQI_CLOSED", "Cannot publish: the bus is closed");
}

function notSent(topic: string, why: string): CqiError {
  return new CqiError("CQI_BUS_BUFFER_FULL", `Cannot publish on '${topic}': ${why}`);
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
