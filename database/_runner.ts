import { type Histogram, type Instruments, type Span, toMilliseconds } from "../core/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";
import { databaseError, isLost, standbyRefused, stateOf, unknownOutcome } from "./_errors.ts";
import { allowTime, needsTime, type Session } from "./_session.ts";
import type { Statement } from "./_texts.ts";
import { TimeLimits } from "./_time_limits.ts";
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
  const limits = new TimeLimits(clock);
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

  return (session, statement, options, place) => {
    const { info } = statement;
    const operation = options.name ?? info.operation;
    const attributes = {
      "db.system.name": "postgresql",
      "db.namespace": driver.namespace,
      "db.operation.name": operation,
      "db.query.text": info.logged,
    };
    const run = (span: Span): Promise<DriverResult> => observed(span, operation);
    return tracer.span(`db ${operation}`, { kind: "client", attributes }, run);

    async function observed(span: Span, name: string): Promise<DriverResult> {
      const { signal } = options;
      const timeoutMs = options.timeout === undefined
        ? settings.queryMs
        : toMilliseconds("timeout", options.timeout);
      const startedMs = clock.monotonic();
      const attempt: Attempt = { name, timeoutMs, isLate: false, isSent: false };
      if (session.controller.signal.aborted) session.controller = new AbortController();
      const { controller } = session;
      const onAbort = (): void => controller.abort(signal?.reason);
      const limit = limits.start(startedMs, timeoutMs, () => {
        attempt.isLate = true;
        controller.abort(timedOut(name, timeoutMs));
      });
      try {
        signal?.throwIfAborted();
        if (needsTime(driver, session, timeoutMs)) await allowTime(session, timeoutMs);
        // A session that ended while nobody asked anything of it was told nothing.
        attempt.isSent = !session.connection.broken;
        if (place.send === undefined && !info.isTidy) session.isDirty = true;
        signal?.addEventListener("abort", onAbort, { once: true });
        // The driver is waited for even after the limit: it settles when the session is free again
        // or broken (DriverConnection), and until then nobody else may have it.
        const inner = { signal: controller.signal, timeoutMs };
        const result = place.send === undefined
          ? await session.connection.query(statement.text, statement.params, inner)
          : await place.send(inner);
        span.set({ "db.response.returned_rows": result.rows.length });
        return result;
      } catch (error) {
        const failure = signal?.aborted ? signal.reason : translate(error, attempt);
        span.set({
          "db.response.status_code": stateOf(error),
          "error.type": isCqiError(failure) ? failure.code : "abort",
        });
        throw failure;
      } finally {
        limits.stop(limit);
        signal?.removeEventListener("abort", onAbort);
        const tookMs = clock.monotonic() - startedMs;
        durationOf(name, options.name === undefined).observe(tookMs / 1000);
        if (tookMs >= settings.slowMs) {
          logger.warn("Slow database query", {
            operation: name,
            duration_ms: tookMs,
            query: info.logged,
          });
        }
      }
    }

    function translate(error: unknown, { name, timeoutMs, isLate, isSent }: Attempt): unknown {
      if (isCqiError(error)) return error;
      if (stateOf(error) === "57014") return timedOut(name, timeoutMs);
      const isOpen = isSent && isLost(error) && !place.isTransaction &&
        !(options.idempotent ?? info.isReading);
      if (isOpen) return unknownOutcome(`query '${name}'`);
      if (isLate) return timedOut(name, timeoutMs);
      const failure = databaseError(error, `run query '${name}'`);
      const isStandby = failure.code === "CQI_DATABASE_READ_ONLY" && session.connection.broken;
      return isStandby ? standbyRefused(failure) : failure;
    }
  };
}

/** What became of one statement. */
interface Attempt {
  readonly name: string;
  readonly timeoutMs: number;
  /** Its time is over. */
  isLate: boolean;
  /** The server may have seen it. */
  isSent: boolean;
}

function timedOut(operation: string, limitMs: number): CqiError {
  return new CqiError(
    "CQI_DATABASE_TIMEOUT",
    `Cannot run query '${operation}': it took over ${limitMs} ms`,
    { details: { operation, timeout_ms: limitMs } },
  );
}
