import type { HealthReport } from "../core/mod.ts";
import { messageOf } from "../errors/mod.ts";
import type { Registration } from "./_course.ts";
import type { BusMetrics } from "./_environment.ts";
import type { SubscriptionState } from "./types.ts";

/**
 * How a consumer and its subscriptions are.
 *
 * @param group Its group, empty for one without.
 */
export function reportOf(
  group: string,
  trouble: unknown,
  registrations: readonly Registration[],
  stateOf: (registration: Registration) => SubscriptionState,
): HealthReport {
  const states = registrations.map((each) => [each, stateOf(each)] as const);
  const details = Object.fromEntries(
    states.map(([{ info }, state]) => [`${group} ${info.topic}`.trimStart(), state]),
  );
  const whose = group === "" ? "without a group" : `of group '${group}'`;
  if (trouble !== undefined) {
    const message = `Consumer ${whose} has no broker: ${messageOf(trouble)}`;
    return { status: "degraded", message, details };
  }
  const waiting = states.find(([, state]) => state === "waiting")?.[0];
  const reason = waiting?.gate?.reason;
  if (reason === undefined) return { status: "ok", details };
  const message = `Consumer ${whose} waits with '${waiting!.info.topic}': ${reason}`;
  return { status: "degraded", message, details };
}

/** Adds up what is behind in the partitions of each topic. */
export function sumByTopic(
  lags: readonly { readonly topic: string; readonly lag: bigint }[],
): { topic: string; lag: bigint }[] {
  const sums = new Map<string, bigint>();
  for (const { topic, lag } of lags) sums.set(topic, (sums.get(topic) ?? 0n) + lag);
  return [...sums].map(([topic, lag]) => ({ topic, lag }));
}

/**
 * Sets the gauges of what is behind.
 *
 * @param topics All that were ever read: what is no longer read here is behind elsewhere, if at all.
 */
export function showLags(
  gauge: BusMetrics["lag"],
  group: string,
  lags: readonly { readonly topic: string; readonly lag: bigint }[],
  topics: Iterable<string>,
): void {
  for (const topic of topics) {
    if (lags.every((each) => each.topic !== topic)) gauge.with({ topic, group }).set(0);
  }
  for (const { topic, lag } of lags) gauge.with({ topic, group }).set(Number(lag));
}
