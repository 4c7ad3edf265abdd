import {
  type Clock,
  type ContextKey,
  contextKey,
  type Counter,
  type Family,
  type Gauge,
  type Histogram,
  type Instruments,
  type Logger,
  type Random,
  type Tracer,
} from "../core/mod.ts";
import { guarded, type GuardedMetrics } from "./_guarded.ts";
import { type TopicNames, topicNames } from "./_names.ts";
import type { Settings } from "./_settings.ts";
import type { BusDriver } from "./driver.ts";

/** The event that is being handled, for what is published meanwhile. */
export interface Cause {
  readonly eventId: string;
  readonly correlationId: string;
}

/** Set while a handler runs. */
export const CAUSE: ContextKey<Cause> = contextKey<Cause>("event being handled");

/** Metrics of a bus. */
export interface BusMetrics {
  readonly published: Family<"topic" | "result", Counter>;
  readonly consumed: Family<"topic" | "group" | "result", Counter>;
  readonly retried: Family<"topic" | "group", Counter>;
  readonly duration: Family<"topic" | "group", Histogram>;
  readonly inFlight: Family<"group", Gauge>;
  readonly lag: Family<"topic" | "group", Gauge>;
  readonly deadLettered: Family<"topic" | "group" | "reason", Counter>;
  readonly up: Family<"group", Gauge>;
  readonly paused: Family<"topic" | "group", Gauge>;
}

/** What the parts of a bus share. */
export interface Environment {
  readonly settings: Settings;
  readonly nameOf: TopicNames;
  readonly driver: BusDriver;
  readonly logger: Logger;
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: BusMetrics;
}

function busMetrics(metrics: GuardedMetrics): BusMetrics {
  return {
    published: metrics.counter({
      name: "bus_published_total",
      help: "Events published, by outcome.",
      labels: ["topic", "result"],
    }),
    consumed: metrics.counter({
      name: "bus_consumed_total",
      help: "Deliveries settled, by outcome: handled, skipped or dead_lettered.",
      labels: ["topic", "group", "result"],
    }),
    retried: metrics.counter({
      name: "bus_retried_total",
      help: "Attempts after the first one.",
      labels: ["topic", "group"],
    }),
    duration: metrics.histogram({
      name: "bus_handler_duration_seconds",
      help: "Time of one attempt of a handler.",
      labels: ["topic", "group"],
    }),
    inFlight: metrics.gauge({
      name: "bus_in_flight",
      help: "Deliveries read and not yet settled.",
      labels: ["group"],
    }),
    lag: metrics.gauge({
      name: "bus_consumer_lag",
      help: "Records written and not yet committed by the group, over this consumer's partitions.",
      labels: ["topic", "group"],
    }),
    deadLettered: metrics.counter({
      name: "bus_dead_lettered_total",
      help: "Events set aside, by reason.",
      labels: ["topic", "group", "reason"],
    }),
    up: metrics.gauge({
      name: "bus_consumer_up",
      help: "1 while the group's consumer has its broker, else 0.",
      labels: ["group"],
    }),
    paused: metrics.gauge({
      name: "bus_consumer_paused",
      help: "1 while a topic is not handled: by hand, or since a dependency is down.",
      labels: ["topic", "group"],
    }),
  };
}

/** Joins what a bus was opened with. */
export function environment(
  settings: Settings,
  driver: BusDriver,
  given: Instruments,
): Environment {
  const logger = given.logger.child({ component: "bus" });
  return {
    settings,
    nameOf: topicNames(settings.topicPrefix, logger),
    driver,
    logger,
    tracer: given.tracer,
    clock: given.clock,
    random: given.random,
    metrics: busMetrics(guarded(given.metrics, logger)),
  };
}
