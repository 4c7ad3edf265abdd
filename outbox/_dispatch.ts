import type { Published } from "../bus/mod.ts";
import { isCqiError, isRetryable, messageOf } from "../errors/mod.ts";
import { delays } from "../retry/mod.ts";
import type { Environment } from "./_environment.ts";
import type { Failure, Rows, WaitingRow } from "./_rows.ts";

/** Sends batches and deals with what became of each event. */
export interface Dispatch {
  /** Topics that take nothing at the moment and are left alone for a while. */
  paused(): readonly string[];
  /** Monotonic milliseconds at which an attempt is due, `Infinity` for none. */
  dueMs(): number;
  /** Notes events that were sent and could not be noted before. */
  settle(signal: AbortSignal): Promise<void>;
  /** Sends rows in one call, notes the outcomes. Rejects when bus or database is out of reach. */
  send(rows: readonly WaitingRow[], signal: AbortSignal): Promise<void>;
}

interface Pause {
  readonly untilMs: number;
  readonly failures: number;
}

interface Failed {
  readonly row: WaitingRow;
  readonly error: Error;
}

const MAX_ERROR = 1024;

/** Makes the sending half of a relay. */
export function dispatcher(env: Environment, rows: Rows): Dispatch {
  const { clock, logger, metrics, outlet, settings } = env;
  const { initialMs, maxMs } = settings;
  const delayAfter = delays({ initialMs, maxMs, jitter: "equal" }, env.random);
  const pauses = new Map<string, Pause>();
  // Sent, and not noted as such because the database did not answer: never fetched again before
  // it is noted, so that a database that is down does not multiply events.
  const unnoted = new Set<bigint>();
  let retryMs = Infinity;

  const note = async (signal: AbortSignal): Promise<void> => {
    if (unnoted.size === 0) return;
    const ids = [...unnoted];
    for (const seconds of await rows.sent(ids, signal)) metrics.delay.observe(seconds);
    for (const id of ids) unnoted.delete(id);
  };

  const attempt = async (
    batch: readonly WaitingRow[],
    signal: AbortSignal,
  ): Promise<{ readonly sent: ReadonlySet<string>; readonly failed: readonly Failed[] }> => {
    const outcomes: readonly (Published | Error)[] = await outlet.send(
      batch.map(({ record }) => record),
      { signal },
    );
    const sent = new Set<string>();
    const failed: Failed[] = [];
    batch.forEach((row, at) => {
      const outcome = outcomes[at];
      if (outcome instanceof Error) failed.push({ row, error: outcome });
      else {
        unnoted.add(row.id);
        sent.add(row.record.topic);
        metrics.published.with({ topic: row.record.topic }).add();
      }
    });
    await note(signal);
    // The bus was closed under us, or we are closing: nothing to hold against the events.
    const ended = failed.find(({ error }) => isCqiError(error, "CQI_CLOSED", "CQI_ABORTED"));
    if (ended !== undefined) throw ended.error;
    return { sent, failed };
  };

  const pause = (topic: string, error: Error, count: number): void => {
    const failures = (pauses.get(topic)?.failures ?? 0) + 1;
    const delayMs = Math.max(delayAfter(failures), askedMs(error));
    pauses.set(topic, { untilMs: clock.monotonic() + delayMs, failures });
    metrics.failed.with({ topic, result: "retried" }).add(count);
    logger.warn("Topic takes no events: its outbox waits", {
      topic,
      attempt: failures,
      delay_ms: Math.round(delayMs),
      error,
    });
  };

  const park = async ({ row, error }: Failed, signal: AbortSignal): Promise<void> => {
    const { topic } = row.record;
    await rows.park(row, printable(error), signal);
    metrics.failed.with({ topic, result: "parked" }).add();
    logger.error("Event parked: its key waits until it is retried or discarded", {
      topic,
      outbox_id: row.id,
      attempts: row.attempts + 1,
      error,
    });
  };

  const later = async (failures: readonly Failed[], signal: AbortSignal): Promise<void> => {
    const waiting: Failure[] = [];
    for (const { row, error } of firstOfEachKey(failures)) {
      if (row.attempts + 1 >= settings.maxAttempts) {
        await park({ row, error }, signal);
        continue;
      }
      const delayMs = Math.max(delayAfter(row.attempts + 1), askedMs(error));
      waiting.push({ row, error: printable(error), delayMs });
      // A little later than the database will say, so that it is not asked in vain.
      retryMs = Math.min(retryMs, clock.monotonic() + delayMs + 5);
      metrics.failed.with({ topic: row.record.topic, result: "retried" }).add();
    }
    if (waiting.length > 0) await rows.failed(waiting, signal);
  };

  // An error that trying again cannot mend may be of the call and not of the event: a batch that
  // the broker finds too large, say. So each is sent alone before it is judged.
  const judge = async (
    refused: readonly Failed[],
    wasAlone: boolean,
    signal: AbortSignal,
  ): Promise<{ readonly doomed: readonly Failed[]; readonly isTaken: boolean }> => {
    if (wasAlone) return { doomed: refused, isTaken: false };
    const doomed: Failed[] = [];
    let isTaken = false;
    for (const { row } of firstOfEachKey(refused)) {
      const { failed: [failure] } = await attempt([row], signal);
      if (failure === undefined) isTaken = true;
      else if (isRetryable(failure.error)) await later([failure], signal);
      else doomed.push(failure);
    }
    return { doomed, isTaken };
  };

  // What failed of one topic in a batch.
  const settleTopic = async (
    topic: string,
    failed: readonly Failed[],
    isTaking: boolean,
    wasAlone: boolean,
    signal: AbortSignal,
  ): Promise<void> => {
    const refused = failed.filter(({ error }) => !isRetryable(error));
    if (refused.length === 0 && !isTaking) return pause(topic, failed[0]!.error, failed.length);
    const { doomed, isTaken } = await judge(refused, wasAlone, signal);
    // When a topic refuses all its events it is the topic: nobody wants to find them all parked.
    if (doomed.length > 1 && !isTaken && !isTaking) {
      return pause(topic, doomed[0]!.error, failed.length);
    }
    for (const failure of doomed) await park(failure, signal);
    const judged = new Set(refused.map(({ row }) => keyOf(row)));
    await later(
      failed.filter(({ row, error }) => isRetryable(error) && !judged.has(keyOf(row))),
      signal,
    );
  };

  return {
    paused() {
      const nowMs = clock.monotonic();
      return [...pauses].filter(([, { untilMs }]) => untilMs > nowMs).map(([topic]) => topic);
    },
    dueMs() {
      const nowMs = clock.monotonic();
      // Past: fetch has seen it, or polling will.
      if (retryMs <= nowMs) retryMs = Infinity;
      const ends = [...pauses.values()].map(({ untilMs }) => untilMs).filter((ms) => ms > nowMs);
      return Math.min(retryMs, ...ends);
    },
    settle: note,
    async send(batch, signal) {
      const { sent, failed } = await attempt(batch, signal);
      for (const topic of sent) pauses.delete(topic);
      for (const topic of new Set(failed.map(({ row }) => row.record.topic))) {
        const own = failed.filter(({ row }) => row.record.topic === topic);
        const wasAlone = batch.filter(({ record }) => record.topic === topic).length === 1;
        await settleTopic(topic, own, sent.has(topic), wasAlone, signal);
      }
    },
  };
}

// Events without a key wait for nobody.
function keyOf({ id, record: { topic, key } }: WaitingRow): string {
  return key === null ? `${id}` : `${topic} ${key}`;
}

// Those behind it wait by themselves: `fetch` leaves them out.
function firstOfEachKey(failures: readonly Failed[]): Failed[] {
  const seen = new Set<string>();
  return failures.filter(({ row }) => !seen.has(keyOf(row)) && seen.add(keyOf(row)));
}

function askedMs(error: Error): number {
  return isCqiError(error) ? error.retryAfterMs ?? 0 : 0;
}

function printable(error: Error): string {
  const text = isCqiError(error) ? `${error.code}: ${error.message}` : messageOf(error);
  // deno-lint-ignore no-control-regex -- PostgreSQL takes no NUL, terminals none of them
  return text.slice(0, MAX_ERROR).toWellFormed().replace(/[\u0000-\u001f\u007f]/g, " ");
}
