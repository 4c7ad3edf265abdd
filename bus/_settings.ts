import { durationMs } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { EventBusConfig } from "../gen/ts/cqc/config/v1/mod.ts";
import type { BackoffSettings, Jitter } from "../retry/mod.ts";
import type { BusIdentity } from "./bus.ts";

/** The bus section with its defaults filled in and durations in milliseconds. */
export interface Settings {
  readonly driver: string;
  readonly group: string;
  readonly source: string;
  readonly actor: string;
  readonly topicPrefix: string;
  readonly startAt: "earliest" | "latest";
  readonly consumeValidation: "dead_letter" | "warn" | "off";
  readonly unknownType: "skip" | "dead_letter";
  readonly attempts: number;
  /** Time for all attempts of one event together. */
  readonly maxElapsedMs: number;
  readonly backoff: BackoffSettings;
  readonly handlerTimeoutMs: number;
  readonly concurrency: number;
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  readonly maxMessageBytes: number;
  readonly commitIntervalMs: number;
  /** For all of closing; parts of it end sooner, see {@linkcode CLOSING}. */
  readonly drainTimeoutMs: number;
  readonly publishTimeoutMs: number;
  /** Topic of what cannot be handled, or undefined when the partition is to stop instead. */
  readonly deadLetterTopic: ((topic: string) => string) | undefined;
}

/**
 * By which part of `drain_timeout` each step of closing is over. One that ends sooner leaves its
 * time to the next.
 */
export const CLOSING = {
  /** Handlers are aborted, also where partitions move. */
  handlers: 0.8,
  /** What they did is committed and the groups are left. */
  consumers: 0.9,
  /** What was published is sent. */
  queue: 0.95,
  /** Nothing is waited for any longer. */
  driver: 1,
} as const;

const SOURCE_UNSAFE_REGEXP = /[^A-Za-z0-9_.~-]/g;

/** Reads the bus section. */
export function settingsOf(config: EventBusConfig, service: BusIdentity | undefined): Settings {
  if (config.contentMode === "structured") {
    throw new CqiError(
      "CQI_FEATURE_UNSUPPORTED",
      "Cannot open bus: content_mode 'structured' is not supported, wanted 'binary'",
    );
  }
  for (const name of ["budgetRatio", "budgetMinPerSecond"] as const) {
    if (config.retry === undefined || !Object.hasOwn(config.retry, name)) continue;
    throw new CqiError(
      "CQI_FEATURE_UNSUPPORTED",
      `Cannot open bus: retry.${name} is not supported, since a budget that is used up would ` +
        `dead-letter events; wanted max_attempts or max_elapsed`,
    );
  }
  const name = service?.name.replace(SOURCE_UNSAFE_REGEXP, "-");
  const instance = service?.instanceId?.replace(SOURCE_UNSAFE_REGEXP, "-");
  return {
    driver: config.driver || "memory",
    group: config.consumerGroup || name || "default",
    source: config.source ||
      `/cq/${name ?? "unnamed"}${instance === undefined ? "" : `/${instance}`}`,
    actor: name === undefined ? "system" : `service:${name}`,
    topicPrefix: config.topicPrefix,
    startAt: config.startPosition === "latest" ? "latest" : "earliest",
    consumeValidation: (config.consumeValidation || "dead_letter") as Settings["consumeValidation"],
    unknownType: config.unknownType === "dead_letter" ? "dead_letter" : "skip",
    attempts: config.retry?.maxAttempts || 5,
    maxElapsedMs: durationMs(config.retry?.maxElapsed, Infinity),
    backoff: {
      initialMs: durationMs(config.retry?.initialDelay, 100),
      maxMs: durationMs(config.retry?.maxDelay, 10_000),
      multiplier: config.retry?.multiplier || 2,
      jitter: (config.retry?.jitter || "full") as Jitter,
    },
    handlerTimeoutMs: durationMs(config.handlerTimeout, 30_000),
    concurrency: config.concurrency || 16,
    maxInFlight: config.maxInFlight || 1000,
    maxInFlightBytes: Number(config.maxInFlightBytes) || 64 * 2 ** 20,
    maxMessageBytes: Number(config.maxMessageBytes) || 2 ** 20,
    commitIntervalMs: durationMs(config.commitInterval, 1000),
    drainTimeoutMs: durationMs(config.drainTimeout, 10_000),
    publishTimeoutMs: durationMs(config.publishTimeout, 30_000),
    deadLetterTopic: deadLetterTopicOf(config),
  };
}

function deadLetterTopicOf(config: EventBusConfig): Settings["deadLetterTopic"] {
  const section = config.deadLetter;
  // Presence matters: an absent `enabled` means true.
  if (section !== undefined && Object.hasOwn(section, "enabled") && !section.enabled) {
    return undefined;
  }
  const one = section?.topic;
  const suffix = section?.topicSuffix || ".dlq";
  return one ? () => `${config.topicPrefix}${one}` : (topic) => `${topic}${suffix}`;
}
