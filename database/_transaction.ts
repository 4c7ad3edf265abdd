import { activeContext, type ContextKey, type Instruments, runInContext } from "../core/mod.ts";
import { isCqiError } from "../errors/mod.ts";
import { requireInteger, requireOneOf } from "../internal/options.ts";
import { retry, type RetryOptions } from "../retry/mod.ts";
import { unknownOutcome } from "./_errors.ts";
import type { Pool } from "./_pool.ts";
import type { Runner } from "./_runner.ts";
import type { QueryTimes } from "./_query.ts";
import { Scope, type TransactionState } from "./_scope.ts";
import { failedEarlier } from "./_scope_errors.ts";
import type { Session } from "./_session.ts";
import type { Texts } from "./_texts.ts";
import type { TimeLimits } from "./_time_limits.ts";
import type {
  AmbientMode,
  Transaction,
  TransactionHook,
  TransactionOptions,
  TransactionRetry,
} from "./transaction.ts";
import type { DatabaseDriver } from "./types.ts";

/** What transactions of one database need. */
export interface TransactionEnv {
  readonly driver: DatabaseDriver;
  readonly pool: Pool;
  readonly runner: Runner;
  /** The runner's. */
  readonly limits: TimeLimits;
  readonly times: QueryTimes;
  readonly texts: Texts;
  readonly key: ContextKey<Scope>;
  readonly ambient: AmbientMode;
  readonly instruments: Instruments;
}

const ISOLATIONS = ["read committed", "repeatable read", "serializable"] as const;
// What a rollback may take before the connection is thrown away instead.
const ROLLBACK_MS = 5000;

function beginText(options: TransactionOptions): string {
  const modes: string[] = [];
  if (options.isolation !== undefined) {
    modes.push(`isolation level ${requireOneOf("isolation", options.isolation, ISOLATIONS)}`);
  }
  if (options.readOnly !== undefined) modes.push(options.readOnly ? "read only" : "read write");
  if (options.deferrable !== undefined) {
    modes.push(options.deferrable ? "deferrable" : "not deferrable");
  }
  return modes.length === 0 ? "begin" : `begin ${modes.join(", ")}`;
}

function retryOf(options: TransactionOptions): TransactionRetry {
  const given = typeof options.retry === "object"
    ? options.retry
    : { attempts: options.retry ?? 1 };
  requireInteger("retry", given.attempts, 1, 1000);
  return { initialDelay: "10ms", maxDelay: "1s", ...given };
}

/** Runs a function in a transaction, with the attempts that the options allow. */
export async function runTransaction<T>(
  env: TransactionEnv,
  fn: (tx: Transaction, scope: Scope) => T | Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const begin = beginText(options);
  const { attempts, ...delays } = retryOf(options);
  // Nothing ends with this limit. It keeps the timer of all limits between one statement and the
  // next: to set and clear one for each costs as much as all else that is done for a statement.
  const { clock: limitClock, queryMs } = env.times;
  const kept = env.limits.start(limitClock.monotonic(), queryMs, () => {});
  try {
    return attempts === 1
      ? await attempt(env, fn, options, begin, 1)
      : await repeated(env, fn, options, { begin, attempts, ...delays });
  } finally {
    env.limits.stop(kept);
  }
}

/** Runs attempts until one is not in the way of others, or there were enough. */
async function repeated<T>(
  env: TransactionEnv,
  fn: (tx: Transaction, scope: Scope) => T | Promise<T>,
  options: TransactionOptions,
  { begin, attempts, ...delays }: TransactionRetry & { readonly begin: string },
): Promise<T> {
  const { signal } = options;
  // retry() leaves an attempt behind when its signal aborts. A commit must not be left behind, so
  // the signal reaches retry() only between attempts; attempts see it themselves.
  const between = new AbortController();
  let isRunning = false;
  const onAbort = (): void => {
    if (!isRunning) between.abort(signal?.reason);
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  const { clock, random, metrics, logger } = env.instruments;
  const settings: RetryOptions = {
    ...delays,
    attempts,
    clock,
    random,
    metrics,
    logger,
    name: "database_transaction",
    signal: between.signal,
    when: (error) => isCqiError(error, "CQI_DATABASE_SERIALIZATION"),
  };
  try {
    return await retry(async ({ number }) => {
      isRunning = true;
      try {
        return await attempt(env, fn, options, begin, number);
      } catch (error) {
        isRunning = false;
        if (signal?.aborted) between.abort(signal.reason);
        throw error;
      }
    }, settings);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

type Outcome = "committed" | "rolled back" | "unknown";

async function attempt<T>(
  env: TransactionEnv,
  fn: (tx: Transaction, scope: Scope) => T | Promise<T>,
  options: TransactionOptions,
  begin: string,
  number: number,
): Promise<T> {
  const { signal } = options;
  const session = await begun(env, begin, signal);
  const state: TransactionState = {
    driver: env.driver,
    session,
    runner: env.runner,
    times: env.times,
    texts: env.texts,
    key: env.key,
    ambient: options.ambient ?? env.ambient,
    attempt: number,
    given: signal,
    afterCommit: [],
    afterRollback: [],
    undone: [],
    isOver: false,
    statementMs: session.statementMs,
    failure: undefined,
    tail: undefined,
    counter: 0,
  };
  let outcome: Outcome = "rolled back";
  try {
    const result = await body(env, state, fn);
    outcome = "unknown";
    outcome = await commit(env, state, options.readOnly === true);
    return result;
  } catch (error) {
    // The server said no: nothing of it stays. Only a lost answer leaves it open.
    if (!isCqiError(error, "CQI_DATABASE_OUTCOME_UNKNOWN")) outcome = "rolled back";
    throw error;
  } finally {
    await env.pool.release(session);
    if (outcome === "committed") await runHooks(env, state.afterCommit, "after commit");
    if (outcome !== "unknown") await runHooks(env, state.undone, "after rollback");
    if (outcome === "rolled back") await runHooks(env, state.afterRollback, "after rollback");
  }
}

/** Gets a session and begins. One that was lost while it was idle is replaced: nothing is done yet. */
async function begun(
  env: TransactionEnv,
  begin: string,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const statement = env.texts.statement(begin);
  for (;;) {
    const session = await env.pool.acquire({ signal });
    const wasUsed = session.isUsed;
    try {
      await env.runner(session, statement, { signal }, { isTransaction: true });
      return session;
    } catch (error) {
      await rollback(env, session);
      await env.pool.release(session);
      const isGone = session.connection.broken && isCqiError(error, "CQI_DATABASE_UNAVAILABLE");
      if (!wasUsed || !isGone) throw error;
    }
  }
}

async function body<T>(
  env: TransactionEnv,
  state: TransactionState,
  fn: (tx: Transaction, scope: Scope) => T | Promise<T>,
): Promise<T> {
  const { session, given: signal } = state;
  const scope = new Scope(state);
  try {
    const result = await abortable(scope.inside((tx) => fn(tx, scope)), signal);
    await scope.end();
    state.isOver = true;
    signal?.throwIfAborted();
    if (state.failure !== undefined) throw failedEarlier(state.failure, "commit");
    return result;
  } catch (error) {
    await scope.end();
    state.isOver = true;
    await rollback(env, session);
    throw error;
  }
}

/** Rejects when the signal aborts; the work is left behind, with its handle closed. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function rollback(env: TransactionEnv, session: Session): Promise<void> {
  if (session.connection.broken) return;
  try {
    // Never above the server's own limit: a failed transaction lets nobody raise it.
    const timeout = Math.min(ROLLBACK_MS, session.statementMs);
    await env.runner(session, env.texts.statement("rollback"), { timeout }, {
      isTransaction: true,
    });
  } catch {
    // Ending the session ends the transaction too; the pool opens another.
    await session.connection.close();
  }
}

async function commit(
  env: TransactionEnv,
  state: TransactionState,
  isReadOnly: boolean,
): Promise<Outcome> {
  const { session } = state;
  const isGone = session.connection.broken;
  try {
    // Without the caller's signal: once sent, a commit is waited for.
    const result = await env.runner(session, env.texts.statement("commit"), {
      idempotent: isReadOnly,
    }, { isTransaction: false });
    if (result.command === "ROLLBACK") throw failedEarlier(state.failure, "commit");
    return "committed";
  } catch (error) {
    if (isCqiError(error, "CQI_DATABASE_TIMEOUT") && !isGone) {
      await session.connection.close();
      if (!isReadOnly) throw unknownOutcome("the commit");
    }
    throw error;
  }
}

async function runHooks(
  env: TransactionEnv,
  hooks: readonly TransactionHook[],
  moment: string,
): Promise<void> {
  // Outside the transaction's context: it has ended, and hooks may query the database.
  const context = activeContext().with(env.key, undefined as unknown as Scope);
  for (const hook of hooks) {
    try {
      await runInContext(context, hook);
    } catch (error) {
      env.instruments.logger.error(`Hook ${moment} failed`, { component: "database", error });
    }
  }
}
