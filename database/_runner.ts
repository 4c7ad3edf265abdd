import { type Instruments, toMilliseconds } from "../core/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";
import { databaseError, isLost, standbyRefused, stateOf, unknownOutcome } from "./_errors.ts";
import type { Statement } from "./_fragment.ts";
import { isReading, loggedText, operationOf } from "./_operation.ts";
import { allowTime, noteStatement, type Session } from "./_session.ts";
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
  const durations = env.metrics.histogram({
    name: "db_query_duration_seconds",
    help: "Time of database queries, without the wait for a connection",
    labels: ["operation"],
  });

  return (session, statement, options, place) => {
    const operation = options.name ?? operationOf(statement.text);
    const timeoutMs = options.timeout === undefined
      ? settings.queryMs
      : toMilliseconds("timeout", options.timeout);
    const attributes = {
      "db.system.name": "postgresql",
      "db.namespace": driver.namespace,
      "db.operation.name": operation,
      "db.query.text": loggedText(statement.text),
    };
    let isLate = false;
    let isSent = false;
    return tracer.span(`db ${operation}`, { kind: "client", attributes }, async (span) => {
      const startedMs = clock.monotonic();
      try {
        options.signal?.throwIfAborted();
        await allowTime(driver, session, timeoutMs);
        // A session that ended while nobody asked anything of it was told nothing.
        isSent = !session.connection.broken;
        if (place.send === undefined) noteStatement(session, statement.text);
        const result = await limited(
          place.send ??
            ((inner) => session.connection.query(statement.text, statement.params, inner)),
          timeoutMs,
        );
        span.set({ "db.response.returned_rows": result.rows.length });
        return result;
      } catch (error) {
        const failure = options.signal?.aborted ? options.signal.reason : translate(error);
        span.set({
          "db.response.status_code": stateOf(error),
          "error.type": isCqiError(failure) ? failure.code : "abort",
        });
        throw failure;
      } finally {
        const tookMs = clock.monotonic() - startedMs;
        durations.with({ operation }).observe(tookMs / 1000);
        if (tookMs >= settings.slowMs) {
          logger.warn("Slow database query", {
            operation,
            duration_ms: tookMs,
            query: loggedText(statement.text),
          });
        }
      }
    });

    async function limited<T>(
      fn: (inner: DriverQueryOptions) => Promise<T>,
      limitMs: number,
    ): Promise<T> {
      // The driver is waited for even after the limit: it settles when the session is free again or
      // broken (DriverConnection), and until then nobody else may have it.
      const controller = new AbortController();
      const onAbort = (): void => controller.abort(options.signal?.reason);
      options.signal?.addEventListener("abort", onAbort, { once: true });
      const timer = limitMs === Infinity ? undefined : clock.timer(() => {
        isLate = true;
        controller.abort(timedOut(operation, limitMs));
      }, limitMs);
      try {
        return await fn({ signal: controller.signal, timeoutMs: limitMs });
      } finally {
        timer?.cancel();
        options.signal?.removeEventListener("abort", onAbort);
      }
    }

    function translate(error: unknown): unknown {
      if (isCqiError(error)) return error;
      if (stateOf(error) === "57014") return timedOut(operation, timeoutMs);
      const isOpen = isSent && isLost(error) && !place.isTransaction &&
        !(options.idempotent ?? isReading(statement.text));
      if (isOpen) return unknownOutcome(`query '${operation}'`);
      if (isLate) return timedOut(operation, timeoutMs);
      const failure = databaseError(error, `run query '${operation}'`);
      const isStandby = failure.code === "CQI_DATABASE_READ_ONLY" && session.connection.broken;
      return isStandby ? standbyRefused(failure) : failure;
    }
  };
}

function timedOut(operation: string, limitMs: number): CqiError {
  return new CqiError(
    "CQI_DATABASE_TIMEOUT",
    `Cannot run query '${operation}': it took over ${limitMs} ms`,
    { details: { operation, timeout_ms: limitMs } },
  );
}
