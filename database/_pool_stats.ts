import type { Metrics } from "../core/mod.ts";

/** How many connections are what. `used` and `idle` add up to those that are open. */
export interface PoolStats {
  /** Lent out, being opened or being cleaned. */
  readonly used: number;
  /** Open and free. */
  readonly idle: number;
  /** Calls that wait for one. */
  readonly waiting: number;
  /** Most that may be open. */
  readonly max: number;
}

const STATES = ["used", "idle", "waiting", "max"] as const;

/**
 * Makes a function that brings the gauge `db_pool_connections` up to date. It adds differences, so
 * that several databases on one registry add up, and a closed one counts for nothing.
 *
 * @param metrics Where the gauge is.
 * @param read The pool now.
 */
export function reporter(metrics: Metrics, read: () => PoolStats): () => void {
  const family = metrics.gauge({
    name: "db_pool_connections",
    help: "Database connections by state, and calls that wait for one",
    labels: ["state"],
  });
  const gauges = STATES.map((state) => ({ state, gauge: family.with({ state }) }));
  let reported: PoolStats = { used: 0, idle: 0, waiting: 0, max: 0 };
  return () => {
    const stats = read();
    for (const { state, gauge } of gauges) {
      const change = stats[state] - reported[state];
      if (change !== 0) gauge.add(change);
    }
    reported = stats;
  };
}
