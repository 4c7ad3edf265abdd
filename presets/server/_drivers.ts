// Which drivers a server has, by the names that configuration gives them. Each is imported when it
// is first asked for, and not before.
import { isFieldSet } from "@bufbuild/protobuf";
import { type LogConfig, LogConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import type { LogSink } from "../../logging/mod.ts";
import type { ServiceDrivers } from "../../service/mod.ts";

/** All drivers of a server. */
export const DRIVERS: Required<ServiceDrivers> = {
  bus: {
    kafka: () => import("../../bus/drivers/kafka.ts"),
    kafkajs: () => import("../../bus/drivers/kafkajs.ts"),
    memory: () => import("../../bus/drivers/memory.ts"),
  },
  cache: {
    memory: () => import("../../cache/drivers/memory.ts"),
    redis: () => import("../../cache/drivers/redis.ts"),
  },
  database: {
    mock: () => import("../../database/drivers/mock.ts"),
    pglite: () => import("../../database/drivers/pglite.ts"),
    postgres: () => import("../../database/drivers/postgres.ts"),
  },
  http: {
    default: () => import("../../service/drivers/srvx.ts"),
  },
  metrics: {
    prometheus: () => import("../../metrics/drivers/prometheus.ts"),
  },
  tracing: {
    memory: () => import("../../tracing/drivers/memory.ts"),
    otlp: () => import("../../tracing/drivers/otlp.ts"),
  },
};

/** The process's own output, as the `log` section says. */
export async function stdio(config: LogConfig): Promise<LogSink> {
  const { stdioSink } = await import("../../internal/runtime/stdio.ts");
  const bounded = isFieldSet(config, LogConfigSchema.field.maxQueueBytes);
  return stdioSink({
    fd: config.output === "stderr" ? 2 : 1,
    ...bounded && { maxQueueBytes: Number(config.maxQueueBytes) },
  });
}
