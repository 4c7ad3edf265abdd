// What the fault tests of PostgreSQL share.

import { sleep, systemClock } from "../../core/mod.ts";
import { createDriver } from "../../database/drivers/postgres.ts";
import {
  type Database,
  type DatabaseConfigInit,
  open,
  type OpenOptions,
} from "../../database/mod.ts";
import { isCqiError } from "../../errors/mod.ts";

/** Opens a database with the driver `postgres`. */
export function openPostgres(
  section: DatabaseConfigInit,
  options: OpenOptions = {},
): Promise<Database> {
  return open(section, { ...options, drivers: { postgres: () => ({ createDriver }) } });
}

/** What calls that run all the time came to. */
export interface Load {
  /** Calls that went well. */
  readonly done: number;
  /** Failures by code, with when each came, monotonic milliseconds. */
  readonly failures: readonly { readonly code: string; readonly atMs: number }[];
  /** Failures that were not said to be retryable. */
  readonly final: readonly unknown[];
  /** Ends it; resolves when the last call has settled. */
  stop(): Promise<void>;
}

/** Runs calls without a pause, several at a time, until it is stopped. */
export function load(callers: number, call: (serial: number) => Promise<unknown>): Load {
  const state = { done: 0, failures: [] as Load["failures"][number][], final: [] as unknown[] };
  let serial = 0;
  let isOn = true;
  const caller = async (): Promise<void> => {
    while (isOn) {
      try {
        await call(serial++);
        state.done++;
      } catch (error) {
        const code = isCqiError(error) ? error.code : String(error);
        state.failures.push({ code, atMs: systemClock.monotonic() });
        if (!isCqiError(error) || !error.retryable) state.final.push(error);
        // Nobody asks again at once.
        await sleep(systemClock, 10);
      }
    }
  };
  const all = Array.from({ length: callers }, caller);
  return {
    get done() {
      return state.done;
    },
    get failures() {
      return state.failures;
    },
    get final() {
      return state.final;
    },
    async stop() {
      isOn = false;
      await Promise.all(all);
    },
  };
}

/** Failures by code, for a line of output. */
export function counted(failures: Load["failures"]): string {
  const counts = new Map<string, number>();
  for (const { code } of failures) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, count]) => `${count} ${code}`).join(", ") || "none";
}

/** Sessions that the server has of an application, by its own word. */
export async function sessionsOf(db: Database, application: string): Promise<number> {
  const { n } = await db.sql<{ n: bigint }>`
    select count(*) as n from pg_stat_activity where application_name = ${application}`.one();
  return Number(n);
}
