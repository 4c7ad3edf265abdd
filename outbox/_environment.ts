import type { Bus, Outlet } from "../bus/mod.ts";
import type {
  Clock,
  Counter,
  Family,
  Gauge,
  Histogram,
  Instruments,
  Logger,
  Metrics,
  Random,
} from "../core/mod.ts";
import type { Database } from "../database/mod.ts";
import type { Tables } from "./_tables.ts";
import type { Settings } from "./settings.ts";

/** A gauge to which each outbox of a registry adds its own part. */
export type Part = Pick<Gauge, "set">;

/** Metrics of an outbox. */
export interface OutboxMetrics {
  readonly published: Family<"topic", Counter>;
  readonly failed: Family<"topic" | "result", Counter>;
  readonly delay: Histogram;
  readonly pending: Part;
  readonly oldest: Part;
  readonly parked: Part;
  readonly lanes: Part;
  readonly inbox: Family<"group" | "result", Counter>;
  readonly idempotency: Family<"result", Counter>;
}

/** What the parts of an outbox share. */
export interface Environment {
  readonly settings: Settings;
  readonly tables: Tables;
  readonly bus: Bus;
  readonly outlet: Outlet;
  readonly db: Database;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: OutboxMetrics;
}

// By differences: the last of several outboxes to be asked would hide what waits in the others.
function partOf(metrics: Metrics, options: { readonly name: string; readonly help: string }): Part {
  const gauge = metrics.gauge(options);
  let own = 0;
  return {
    set(value) {
      gauge.add(value - own);
      own = value;
    },
  };
}

function outboxMetrics(metrics: Metrics): OutboxMetrics {
  return {
    published: metrics.counter({
      name: "outbox_published_total",
      help: "Events that were sent.",
      labels: ["topic"],
    }),
    failed: metrics.counter({
      name: "outbox_failed_total",
      help: "Attempts to send an event that failed, by what became of it: retried or parked.",
      labels: ["topic", "result"],
    }),
    delay: metrics.histogram({
      name: "outbox_delay_seconds",
      help: "Time from writing an event to noting that it was sent.",
    }),
    pending: partOf(metrics, {
      name: "outbox_pending_events",
      help: "Events that wait to be sent, counted up to 100,000.",
    }),
    oldest: partOf(metrics, {
      name: "outbox_oldest_seconds",
      help: "Age of the oldest event that waits to be sent.",
    }),
    parked: partOf(metrics, {
      name: "outbox_parked_events",
      help: "Events that were parked, and those behind them, counted up to 100,000.",
    }),
    lanes: partOf(metrics, {
      name: "outbox_leased_lanes",
      help: "Lanes, of 64, whose events this process sends.",
    }),
    inbox: metrics.counter({
      name: "inbox_events_total",
      help: "Events that came to a handler with an inbox, by result: applied or duplicate.",
      labels: ["group", "result"],
    }),
    idempotency: metrics.counter({
      name: "idempotency_requests_total",
      help: "Requests with an Idempotency-Key, by result.",
      labels: ["result"],
    }),
  };
}

/** Joins what an outbox was opened with. */
export function environment(
  given: Instruments,
  parts: Pick<Environment, "settings" | "tables" | "bus" | "outlet" | "db">,
): Environment {
  return {
    ...parts,
    logger: given.logger.child({ component: "outbox" }),
    clock: given.clock,
    random: given.random,
    metrics: outboxMetrics(given.metrics),
  };
}
