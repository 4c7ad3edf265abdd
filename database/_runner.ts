import { type Histogram, type Instruments, type Span, toMilliseconds } from "../core/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";
import { databaseError, isLost, standbyRefused, stateOf, unknownOutcome } from "./_errors.ts";
import { allowTime, needsTime, type Session } from "./_session.ts";
import type { Statement } from "./_texts.ts";
import type { TimeLimits } from "./_time_limits.ts";
import type { QueryOptions } from "./query_options.ts";
import type {
  DatabaseDriver,
  DriverConnection,
  DriverQueryOptions,
  DriverResult,
} from "./types.ts";

/** What the runner is told of the place where a statement runs. */
export interface Place {
  /** Inside a transaction a lost answer is no open question: it did not commit. */
  readonly isTransaction: boolean;
  /** Sends something else than a query, such as a copy. */
  readonly send?: CopySender;
}

/** Sends something in a query's place. */
export type CopySender = (options: DriverQueryOptions) => Promise<DriverResult>;

/** Sends a COPY with its data. */
export function copySender(
  connection: DriverConnection,
  text: string,
  chunks: AsyncIterable<string>,
): CopySender {
  return async (options) => {
    const count = await connection.copyIn!(text, chunks, options);
    return { command: "COPY", count, columns: [], rows: [] };
  };
}

/** Times of a runner, in milliseconds. */
export interface RunnerSettings {
  readonly queryMs: number;
  readonly slowMs: number;
  /** Those of what runs. */
  readonly limits: TimeLimits;
}

/** Runs statements on sessions: time limit, span, metric, slow log, error in our words. */
export type Runner = (
  session: Session,
  statement: Statement,
  options: QueryOptions,
  place: Place,
) => Promise<DriverResult>;

/** Makes the one function through which every statement goes. */
export function createRunner(
  driver: DatabaseDriver,
  settings: RunnerSettings,
  env: Instruments,
): Runner {
  const { clock, tracer } = env;
  const logger = env.logger.child({ component: "database" });
  const { limits } = settings;
  const durations = env.metrics.histogram({
    name: "db_query_duration_seconds",
    help: "Time of database queries, without the wait for a connection",
    labels: ["operation"],
  });
  // Bound once for each of the library's own names, which are few.
  const bound = new Map<string, Histogram>();
  const durationOf = (operation: string, isOurs: boolean): Histogram => {
    if (!isOurs) return durations.with({ operation });
    const histogram = bound.get(operation) ?? durations.with({ operation });
    bound.set(operation, histogram);
    return histogram;
  };

  /** The statement itself, inside its span. */
  async function observed(span: Span, attempt: Attempt): Promise<DriverResult> {
    const { session, statement, options, place, name } = attempt;
    const { signal } = options;
    const startedMs = clock.monotonic();
    if (options.timeout !== undefined) {
      attempt.timeoutMs = toMilliseconds("timeout", options.timeout);
    }
    const { timeoutMs } = attempt;
    if (session.controller.signal.aborted) session.controller = new AbortController();
    const { controller } = session;
    session.isTold = false;
    const onAbort = signal === undefined ? undefined : () => controller.abort(signal.reason);
    const limit = limits.start(startedMs, timeoutMs, () => {
      attempt.isLate = true;
      controller.abort(timedOut(name, timeoutMs));
    });
    try {
      signal?.throwIfAborted();
      if (onAbort !== undefined) signal!.addEventListener("abort", onAbort, { once: true });
      if (needsTime(driver, session, timeoutMs)) {
        await allowTime(session, timeoutMs, { clock, signal: controller.signal });
        controller.signal.throwIfAborted();
      }
      // A session that ended while nobody asked anything of it was told nothing.
      session.isTold = !session.connection.broken;
      if (place.send === undefined && !statement.info.isTidy) session.isDirty = true;
      // The driver is waited for even after the limit: it settles when the session is free again
      // or broken (DriverConnection), and until then nobody else may have it.
      const inner = { signal: controller.signal, timeoutMs };
      const result = place.send === undefined
        ? await session.connection.query(statement.text, statement.params, inner)
        : await place.send(inner);
      span.set({ "db.response.returned_rows": result.rows.length });
      return result;
    } catch (error) {
      // A driver gives the signal's own reason where it has sent nothing.
      const isOpen = error !== controller.signal.reason && isOpenQuestion(error, attempt);
      const failure = isOpen
        ? unknownOutcome(`query '${name}'`)
        : signal?.aborted
        ? signal.reason
        : translate(error, attempt);
      span.set({
        "db.response.status_code": stateOf(error),
        "error.type": isCqiError(failure) ? failure.code : "abort",
      });
      throw failure;
    } finally {
      limits.stop(limit);
      if (onAbort !== undefined) signal!.removeEventListener("abort", onAbort);
      const tookMs = clock.monotonic() - startedMs;
      durationOf(name, options.name === undefined).observe(tookMs / 1000);
      if (tookMs >= settings.slowMs) {
        logger.warn("Slow database query", {
          operation: name,
          duration_ms: tookMs,
          query: statement.info.logged,
        });
      }
    }
  }

  return (session, statement, options, place) => {
    const name = options.name ?? statement.info.operation;
    const attempt: Attempt = {
      session,
      statement,
      options,
      place,
      name,
      timeoutMs: settings.queryMs,
      isLate: false,
    };
    const attributes = {
      "db.system.name": "postgresql",
      "db.namespace": driver.namespace,
      "db.operation.name": name,
      "db.query.text": statement.info.logged,
    };
    return tracer.span(
      `db ${name}`,
      { kind: "client", attributes },
      (span) => observed(span, attempt),
    );
  };
}

/** Whether something that changes data was sent, and nobody knows what became of it. */
function isOpenQuestion(error: unknown, attempt: Attempt): boolean {
  const { session, statement, options, place } = attempt;
  return session.isTold && !isCqiError(error) && isLost(error) && !place.isTransaction &&
    !(options.idempotent ?? statement.info.isReading);
}

function translate(error: unknown, attempt: Attempt): unknown {
  const { session, name, timeoutMs } = attempt;
  if (isCqiError(error)) return error;
  if (stateOf(error) === "57014") return timedOut(name, timeoutMs);
  if (attempt.isLate) return timedOut(name, timeoutMs);
  const failure = databaseError(error, `run query '${name}'`);
  const isStandby = failure.code === "CQI_DATABASE_READ_ONLY" && session.connection.broken;
  return isStandby ? standbyRefused(failure) : failure;
}

/** What became of one statement. */
interface Attempt {
  readonly session: Session;
  readonly statement: Statement;
  readonly options: QueryOptions;
  readonly place: Place;
  readonly name: string;
  timeoutMs: number;
  /** Its time is over. */
  isLate: boolean;
}

function timedOut(operation: string, limitMs: number): CqiError {
  return new CqiError(
    "CQI_DATABASE_TIMEOUT",
    `Cannot run query '${operation}': it took over ${limitMs} ms`,
    { details: { operation, timeout_ms: limitMs } },
  );
}
