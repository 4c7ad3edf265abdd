// What both Kafka drivers read from the bus section, checked and with its defaults filled in.

import { isFieldSet } from "@bufbuild/protobuf";
import { durationMs } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import {
  type EventBusConfig,
  EventBusConfigSchema,
  type KafkaConfig,
  KafkaConfigSchema,
} from "../../gen/ts/cqc/config/v1/mod.ts";

/** What a topic should be; undefined leaves it to the server. */
export interface TopicSettings {
  readonly partitions: number | undefined;
  readonly copies: number | undefined;
  /** Settings of the topic by Kafka's names. */
  readonly configs: Readonly<Record<string, string>>;
}

/** What is read where a topic's settings are concerned. */
export interface TopicsSettings {
  readonly ensureTopics: boolean;
  /** By full name, prefix included. */
  readonly topics: ReadonlyMap<string, TopicSettings>;
}

/** The settings of the driver `kafka`, in milliseconds and bytes. */
export interface KafkaSettings extends TopicsSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** -1 all, 1 leader, 0 none. */
  readonly acks: -1 | 0 | 1;
  readonly idempotent: boolean;
  readonly compression: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  readonly lingerMs: number;
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  readonly rebalanceMs: number;
  readonly instanceId: string | undefined;
  readonly requestMs: number;
  readonly connectMs: number;
  readonly maxFetchBytes: number;
  /** 0 reads what is not committed yet, 1 does not. */
  readonly isolation: 0 | 1;
}

/** Numbers of `acks` in Kafka's protocol. */
export const ACKS: Readonly<Record<string, -1 | 0 | 1>> = { all: -1, leader: 1, none: 0 };

/**
 * Reads the section of the driver `kafka`.
 *
 * @throws {CqiError} `CQI_CONFIG_INVALID` without it or where settings contradict each other,
 * `CQI_FEATURE_UNSUPPORTED` for what this driver cannot do.
 */
export function kafkaSettings(config: EventBusConfig): KafkaSettings {
  const kafka = requireSection("kafka", config.kafka);
  if (kafka.groupProtocol === "consumer") {
    throw new CqiError(
      "CQI_FEATURE_UNSUPPORTED",
      "Cannot open bus: kafka.group_protocol 'consumer' is not supported, since partitions would " +
        "move before their handlers are done; wanted 'classic'",
    );
  }
  if (kafka.wireFormat === "confluent") {
    throw new CqiError(
      "CQI_FEATURE_UNSUPPORTED",
      "Cannot open bus: kafka.wire_format 'confluent' is not supported, wanted 'raw'",
    );
  }
  const sessionMs = durationMs(kafka.sessionTimeout, 30_000);
  const heartbeatMs = requireHeartbeat(
    "kafka",
    durationMs(kafka.heartbeatInterval, 3000),
    sessionMs,
  );
  const acks = ACKS[kafka.acks || "all"]!;
  const fields = KafkaConfigSchema.field;
  return {
    ...topicsSettings(config),
    brokers: kafka.brokers,
    clientId: clientIdOf(config, kafka.clientId),
    acks,
    idempotent: acks === -1 && (isFieldSet(kafka, fields.idempotent) ? kafka.idempotent : true),
    compression: (kafka.compression || "none") as KafkaSettings["compression"],
    lingerMs: durationMs(kafka.linger, 0),
    sessionMs,
    heartbeatMs,
    rebalanceMs: durationMs(kafka.rebalanceTimeout, 60_000),
    instanceId: kafka.groupInstanceId || undefined,
    requestMs: durationMs(kafka.requestTimeout, 30_000),
    connectMs: durationMs(kafka.connectTimeout, 5000),
    maxFetchBytes: isFieldSet(kafka, fields.maxFetchBytes)
      ? Number(kafka.maxFetchBytes)
      : 10_485_760,
    isolation: kafka.isolationLevel === "read_uncommitted" ? 0 : 1,
  };
}

/** The section of a driver, which must be there: without addresses there is nobody to call. */
export function requireSection<T>(driver: "kafka" | "kafkajs", section: T | undefined): T {
  if (section !== undefined) return section;
  throw new CqiError(
    "CQI_CONFIG_INVALID",
    `Cannot open bus: driver '${driver}' wants event_bus.${driver}.brokers, which is not set`,
  );
}

/** A heartbeat that comes too late is none. */
export function requireHeartbeat(
  driver: "kafka" | "kafkajs",
  heartbeatMs: number,
  sessionMs: number,
): number {
  if (heartbeatMs < sessionMs) return heartbeatMs;
  throw new CqiError(
    "CQI_CONFIG_INVALID",
    `Cannot open bus: ${driver}.heartbeat_interval is ${heartbeatMs} ms, wanted below ` +
      `session_timeout (${sessionMs} ms)`,
  );
}

/** The name that brokers show: given, else that of the group. */
export function clientIdOf(config: EventBusConfig, given: string): string {
  return given || config.consumerGroup || "cqi";
}

/** What topics should be, by full name. */
export function topicsSettings(config: EventBusConfig): TopicsSettings {
  return {
    ensureTopics: isFieldSet(config, EventBusConfigSchema.field.ensureTopics) &&
      config.ensureTopics,
    topics: new Map(config.topics.map((topic) => [
      `${config.topicPrefix}${topic.name}`,
      {
        partitions: topic.partitions || undefined,
        copies: topic.replicationFactor || undefined,
        configs: {
          ...topic.cleanupPolicy !== "" && { "cleanup.policy": policyOf(topic.cleanupPolicy) },
          ...topic.retention !== undefined &&
            { "retention.ms": `${Math.round(durationMs(topic.retention, 0))}` },
        },
      },
    ])),
  };
}

function policyOf(policy: string): string {
  return policy === "both" ? "compact,delete" : policy;
}

/** The longest that a publication may take, which is how long a topic may take to be known. */
export function publishMs(config: EventBusConfig): number {
  return durationMs(config.publishTimeout, 30_000);
}

/** Both drivers' sections have this much in common. */
export type Connection = Pick<KafkaConfig, "tls" | "sasl">;
