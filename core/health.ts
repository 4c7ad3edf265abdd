import type { WaitOptions } from "./clock.ts";

/**
 * How something is: `ok` (HEALTHY), `degraded` (DEGRADED: works, but needs a look) or `down`
 * (UNHEALTHY).
 */
export type HealthStatus = "ok" | "degraded" | "down";

/** What a health check finds. */
export interface HealthReport {
  /** The verdict. */
  readonly status: HealthStatus;
  /** One sentence for the operator; no secrets, and not shown to the public. */
  readonly message?: string;
  /** Facts, such as `lag` or `connections_used`. */
  readonly details?: Readonly<Record<string, string>>;
}

/** Something whose health can be asked: bus, database and cache all can. */
export interface Checkable {
  /**
   * How it is now. Never throws for being down; it says so.
   *
   * @param options A signal that ends the wait.
   */
  check(options?: WaitOptions): Promise<HealthReport>;
}
