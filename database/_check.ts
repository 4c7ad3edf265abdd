import {
  type HealthReport,
  type Instruments,
  type WaitOptions,
  withDeadline,
} from "../core/mod.ts";
import { isCqiError, messageOf } from "../errors/mod.ts";
import type { Pool } from "./_pool.ts";
import type { Runner } from "./_runner.ts";
import type { Texts } from "./_texts.ts";

// What a health check may take altogether.
const CHECK_MS = 2000;

/** What a check needs besides the pool. */
export interface CheckEnv {
  readonly runner: Runner;
  readonly texts: Texts;
  readonly instruments: Instruments;
}

/** Runs `select 1`; a pool that is busy to the last connection is degraded, not down. */
export async function checkPool(
  pool: Pool,
  { runner, texts, instruments: env }: CheckEnv,
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
  const { idle, used, max } = pool.stats;
  if (idle === 0 && used >= max && max > 0) {
    return {
      status: "degraded",
      message: `All ${max} database connections are in use`,
      details: details(),
    };
  }
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
    const isBusy = isCqiError(error, "CQI_DATABASE_POOL_EXHAUSTED");
    return {
      status: isBusy ? "degraded" : "down",
      message: messageOf(error),
      details: details(),
    };
  }
}
