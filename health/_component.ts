import { type Clock, type HealthReport, type HealthStatus, withDeadline } from "../core/mod.ts";
import { CqiError, isCqiError, messageOf } from "../errors/mod.ts";
import type { ComponentKind } from "../gen/ts/cqc/infrastructure/v1/mod.ts";
import type { HealthCheck } from "./types.ts";

/** How a component is checked. */
export interface ComponentSettings {
  readonly name: string;
  readonly kind: ComponentKind;
  readonly critical: boolean;
  readonly check: HealthCheck;
  readonly timeoutMs: number;
  readonly cacheMs: number;
  /** Failed checks in a row before it is down, 1 or more. */
  readonly failureThreshold: number;
  /** Good checks in a row before it is up again, 1 or more. */
  readonly successThreshold: number;
}

/** What is known of a component. */
export interface ComponentState {
  readonly status: HealthStatus;
  readonly message: string | undefined;
  readonly details: Readonly<Record<string, string>>;
  /** How long the check took, in milliseconds. */
  readonly latencyMs: number;
  /** Wall time of the check, in milliseconds. */
  readonly checkedAt: number;
  /** Failed checks in a row. */
  readonly failures: number;
}

// A check that hangs is not piled upon; after this many timeouts it is given up for lost.
const HUNG_TIMEOUTS = 10;

function reportOf(answer: HealthReport | boolean | void): HealthReport {
  if (answer === undefined || answer === true) return { status: "ok" };
  if (answer === false) return { status: "down" };
  const known = typeof answer === "object" && ["ok", "degraded", "down"].includes(answer?.status);
  return known ? answer : { status: "down", message: "The check gave no status" };
}

/** One component: its check, run once for all who ask, and what was found. */
export class Component {
  readonly settings: ComponentSettings;
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  readonly #onState: (state: ComponentState, previous: ComponentState | undefined) => void;
  #state: ComponentState | undefined;
  #checkedAt = -Infinity;
  #flight: Promise<void> | undefined;
  #hanging: { readonly since: number } | undefined;
  #successes = 0;
  #wasUp = false;

  constructor(
    settings: ComponentSettings,
    clock: Clock,
    closing: AbortSignal,
    onState: (state: ComponentState, previous: ComponentState | undefined) => void,
  ) {
    this.settings = settings;
    this.#clock = clock;
    this.#closing = closing;
    this.#onState = onState;
  }

  /** What was found last; undefined before the first check. */
  get state(): ComponentState | undefined {
    return this.#state;
  }

  /** Milliseconds since the last check ended. */
  get age(): number {
    return this.#clock.monotonic() - this.#checkedAt;
  }

  /** Checks again unless the last result is recent; never rejects. */
  refresh(): Promise<void> {
    if (this.#flight !== undefined) return this.#flight;
    if (this.#closing.aborted || this.age < this.settings.cacheMs) return Promise.resolve();
    return this.#flight = this.#run().finally(() => (this.#flight = undefined));
  }

  async #run(): Promise<void> {
    // The check begins when the flight is known, so that one which asks for a report meets it.
    await Promise.resolve();
    const began = this.#clock.monotonic();
    const report = await this.#ask(began);
    if (this.#closing.aborted) return;
    this.#checkedAt = this.#clock.monotonic();
    const previous = this.#state;
    const failures = report.status === "down" ? (previous?.failures ?? 0) + 1 : 0;
    this.#state = {
      status: this.#damped(report.status, failures),
      message: report.message,
      details: report.details ?? {},
      latencyMs: this.#checkedAt - began,
      checkedAt: this.#clock.now(),
      failures,
    };
    this.#onState(this.#state, previous);
  }

  async #ask(began: number): Promise<HealthReport> {
    const { check, timeoutMs } = this.settings;
    const late = { status: "down", message: `timeout: no answer in ${timeoutMs} ms` } as const;
    const hanging = this.#hanging;
    if (hanging !== undefined && began - hanging.since < timeoutMs * HUNG_TIMEOUTS) return late;
    const mark = this.#hanging = { since: began };
    const run = async (signal: AbortSignal): Promise<HealthReport> => {
      try {
        return reportOf(await check({ signal }));
      } finally {
        if (this.#hanging === mark) this.#hanging = undefined;
      }
    };
    const expired = new CqiError("CQI_DEADLINE_EXCEEDED", late.message);
    try {
      return await withDeadline(this.#clock, timeoutMs, run, {
        signal: this.#closing,
        error: () => expired,
      });
    } catch (error) {
      if (error === expired) return late;
      const code = isCqiError(error) ? { details: { code: error.code } } : {};
      return { status: "down", message: messageOf(error), ...code };
    }
  }

  // A component that was up may fail a few times before it is down, and one that was down must be
  // good a few times before it is up; in between it is degraded or still down.
  #damped(found: HealthStatus, failures: number): HealthStatus {
    const { failureThreshold, successThreshold } = this.settings;
    if (found === "down") {
      this.#successes = 0;
      if (this.#wasUp && failures < failureThreshold) return "degraded";
      this.#wasUp = false;
      return "down";
    }
    this.#successes++;
    // The first check of all needs no proof.
    const isProven = this.#state === undefined || this.#successes >= successThreshold;
    this.#wasUp ||= isProven;
    return this.#wasUp ? found : "down";
  }
}
