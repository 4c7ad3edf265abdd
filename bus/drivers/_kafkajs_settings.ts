import { isFieldSet } from "@bufbuild/protobuf";
import { durationMs } from "../../core/mod.ts";
import { type EventBusConfig, KafkajsConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import {
  ACKS,
  clientIdOf,
  requireHeartbeat,
  requireSection,
  type TopicsSettings,
  topicsSettings,
} from "./_kafka_settings.ts";

/** The settings of the driver `kafkajs`, in milliseconds and bytes. */
export interface KafkajsSettings extends TopicsSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** -1 all, 1 leader, 0 none. */
  readonly acks: -1 | 0 | 1;
  readonly gzip: boolean;
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  readonly rebalanceMs: number;
  readonly requestMs: number;
  readonly connectMs: number;
  readonly maxFetchBytes: number;
}

/**
 * Reads the section of the driver `kafkajs`.
 *
 * @throws {CqiError} `CQI_CONFIG_INVALID` without it or where settings contradict each other.
 */
export function kafkajsSettings(config: EventBusConfig): KafkajsSettings {
  const section = requireSection("kafkajs", config.kafkajs);
  const sessionMs = durationMs(section.sessionTimeout, 30_000);
  const beatMs = durationMs(section.heartbeatInterval, 3000);
  return {
    ...topicsSettings(config),
    brokers: section.brokers,
    clientId: clientIdOf(config, section.clientId),
    acks: ACKS[section.acks || "all"]!,
    gzip: section.compression === "gzip",
    sessionMs,
    heartbeatMs: requireHeartbeat("kafkajs", beatMs, sessionMs),
    rebalanceMs: durationMs(section.rebalanceTimeout, 60_000),
    requestMs: durationMs(section.requestTimeout, 30_000),
    connectMs: durationMs(section.connectTimeout, 5000),
    maxFetchBytes: isFieldSet(section, KafkajsConfigSchema.field.maxFetchBytes)
      ? Number(section.maxFetchBytes)
      : 10_485_760,
  };
}
