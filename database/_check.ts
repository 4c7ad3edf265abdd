import {
  type HealthReport,
  type Instruments,
  type WaitOptions,
  withDeadline,
} from "../core/mod.ts";
import { isCqiError, messageOf } from "../errors/mod.ts";
import type { Opener } from "./_opener.ts";
import type { Pool } from "./_pool.ts";
import type { Runner } from "./_runner.ts";
import type { Texts } from "./_texts.ts";

// What a health check may take altogether.
const CHECK_MS = 2000;

/** What a check needs besides the pool. */
export interface CheckEnv {
  readonly runner: Runner;
  readonly texts: Texts;
  /** Knows why no connection could be opened. */
  readonly opener: Opener;
  readonly instruments: Instruments;
}

/**
 * Runs `select 1`. A pool whose connections are all lent out is degraded, not down; one that cannot
 * open any is down, however many calls wait for it.
 */
export async function checkPool(
  pool: Pool,
  { runner, texts, opener, instruments: env }: CheckEnv,
  options: WaitOptions,
): Promise<HealthReport> {
  const statement = texts.statement("select 1");
  const details = (): Record<string, string> => {
    const { used, idle, waiting, max } = pool.stats;
    return {
      connections_used: String(used),
      connections_idle: String(idle),
      connections_max: String(max),
      calls_waiting: String(waiting),
    };
  };
  const isBusy = (): boolean => pool.isLent && opener.failure === undefined;
  const busy = (): HealthReport => ({
    status: "degraded",
    message: `All ${pool.stats.max} database connections are in use`,
    details: details(),
  });
  if (isBusy()) return busy();
  try {
    await withDeadline(env.clock, CHECK_MS, async (signal) => {
      const session = await pool.acquire({ signal, once: true });
      try {
        await runner(session, statement, { signal, name: "health" }, { isTransaction: false });
      } finally {
        await pool.release(session);
      }
    }, { ...options, action: "the health check of the database" });
    return { status: "ok", details: details() };
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    // In a queue behind calls that all wait for a connection: why there is none says more.
    const isQueued = isCqiError(error, "CQI_DATABASE_POOL_EXHAUSTED", "CQI_DEADLINE_EXCEEDED");
    if (isQueued && isBusy()) return busy();
    const reason = isQueued ? opener.failure ?? error : error;
    return { status: "down", message: messageOf(reason), details: details() };
  }
}
