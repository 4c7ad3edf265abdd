import { isFieldSet } from "@bufbuild/protobuf";
import { durationMs } from "../core/mod.ts";
import {
  type CqiConfig,
  HealthConfigSchema,
  MetricsConfigSchema,
  type ServerConfig,
  ServerConfigSchema,
} from "../gen/ts/cqc/config/v1/mod.ts";
import { refuse } from "../internal/options.ts";

/** What a service does with the `server` section, and where probes and metrics answer. */
export interface Settings {
  readonly host: string;
  readonly httpPort: number;
  /** Undefined: probes and metrics are served on the HTTP port. */
  readonly adminPort: number | undefined;
  /** Exact paths of the probes. */
  readonly healthPaths: ReadonlySet<string>;
  readonly metricsPath: string;
  readonly maxBodyBytes: number;
  readonly requestTimeoutMs: number;
  readonly drainMs: number;
  readonly shutdownMs: number;
  /** Undefined: `X-Forwarded-For` is not believed. */
  readonly trustedProxyHops: number | undefined;
}

// Defaults as server_config.proto states them.
const DEFAULT_HTTP_PORT = 8080;
const DEFAULT_MAX_BODY_BYTES = 1_048_576;
const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;
const DEFAULT_SHUTDOWN_TIMEOUT_MS = 25_000;
const DEFAULT_DRAIN_DELAY_MS = 5_000;

type Numeric = "httpPort" | "adminPort" | "maxBodyBytes" | "trustedProxyHops";

/**
 * Reads what a service itself acts on.
 *
 * @throws {CqiError} `CQI_OPTION_INVALID` for a drain that leaves no time to close.
 */
export function readSettings(section: CqiConfig): Settings {
  const { server } = section;
  // What is not set reads as 0, and an explicit 0 counts.
  const number = (name: Numeric): number | undefined =>
    server !== undefined && isFieldSet(server, ServerConfigSchema.field[name])
      ? Number(server[name])
      : undefined;
  const shutdownMs = durationMs(server?.shutdownTimeout, DEFAULT_SHUTDOWN_TIMEOUT_MS);
  return {
    host: server?.host || "0.0.0.0",
    httpPort: number("httpPort") ?? DEFAULT_HTTP_PORT,
    adminPort: number("adminPort"),
    healthPaths: healthPaths(section),
    metricsPath: metricsPath(section),
    maxBodyBytes: number("maxBodyBytes") ?? DEFAULT_MAX_BODY_BYTES,
    requestTimeoutMs: durationMs(server?.requestTimeout, DEFAULT_REQUEST_TIMEOUT_MS),
    drainMs: drainMs(server, section.service?.environment, shutdownMs),
    shutdownMs,
    trustedProxyHops: number("trustedProxyHops") || undefined,
  };
}

function healthPaths({ health }: CqiConfig): ReadonlySet<string> {
  const isSet = health !== undefined && isFieldSet(health, HealthConfigSchema.field.path);
  const base = (isSet ? health.path : "/health").replace(/\/$/, "");
  return new Set([`${base}/live`, `${base}/ready`, `${base}/startup`, base || "/"]);
}

function metricsPath({ metrics }: CqiConfig): string {
  const isSet = metrics !== undefined && isFieldSet(metrics, MetricsConfigSchema.field.path);
  return isSet ? metrics.path : "/metrics";
}

// Nobody balances a developer's machine; elsewhere the default leaves half of the budget to close.
function drainMs(
  server: ServerConfig | undefined,
  environment: string | undefined,
  budgetMs: number,
): number {
  if (server?.drainDelay === undefined) {
    const isLocal = environment === "development" || environment === "test";
    return isLocal ? 0 : Math.min(DEFAULT_DRAIN_DELAY_MS, budgetMs / 2);
  }
  const ms = durationMs(server.drainDelay, 0);
  if (ms >= budgetMs) {
    refuse("server.drain_delay", ms, `below server.shutdown_timeout, which is ${budgetMs} ms`);
  }
  return ms;
}
