import type { WaitOptions } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { OpenerSettings } from "./_opener.ts";
import type { PoolStats } from "./_pool_stats.ts";

/** Most calls that may wait for a session. */
export const MAX_WAITING = 10_000;

/**
 * A session idle for so many milliseconds is asked whether it still answers before it is lent: a NAT
 * or a firewall may have forgotten its connection without a word.
 */
export const TRUSTED_MS = 10_000;

/** Milliseconds until spare sessions that could not be opened are tried again. */
export const REFILL_MS = 10_000;

/** Sizes and times of a pool, in milliseconds. */
export interface PoolSettings extends OpenerSettings {
  readonly max: number;
  readonly min: number;
  readonly lifetimeMs: number;
  readonly idleMs: number;
  readonly acquireMs: number;
}

/** How a session is asked for. */
export interface AcquireOptions extends WaitOptions {
  /** Fails when the first attempt to connect does, for those who only want to know. */
  readonly once?: boolean;
}

/** Nobody gave a session back in time. */
export function exhausted(stats: PoolStats, acquireMs: number): CqiError {
  return new CqiError(
    "CQI_DATABASE_POOL_EXHAUSTED",
    `Cannot get a database connection: all ${stats.max} stayed in use for ${acquireMs} ms; ` +
      "inside a transaction use its own handle, elsewhere shorten transactions or raise max_conns",
    { details: { ...stats } },
  );
}

/** The database takes no further work. */
export function closed(): CqiError {
  return new CqiError("CQI_CLOSED", "Cannot use the database: it is closed");
}
