import { type DescMessage, isFieldSet, type MessageShape } from "@bufbuild/protobuf";
import { CqiError } from "../errors/mod.ts";
import {
  CircuitBreakerConfigSchema,
  type CqiConfig,
  MetricsConfigSchema,
  RateLimitConfigSchema,
  ServerConfigSchema,
} from "../gen/ts/cqc/config/v1/mod.ts";

// Of a section, what nothing in a service acts on.
const SERVER = [
  "grpcPort",
  "readTimeout",
  "writeTimeout",
  "idleTimeout",
  "maxHeaderBytes",
  "tls",
] as const;
const METRICS = ["port"] as const;

/**
 * Refuses what the configuration asks for and a service does not do: an operator who sets a limit
 * or a certificate must not believe that it holds.
 *
 * @param config The configuration, valid.
 * @param uses Parts that are opened.
 * @throws {CqiError} `CQI_FEATURE_UNSUPPORTED` naming each setting.
 */
export function refuseUnsupported(config: CqiConfig, uses: ReadonlySet<string>): void {
  const { server } = config;
  const settings = [
    ...setIn("server", ServerConfigSchema, server, SERVER),
    ...setIn("metrics", MetricsConfigSchema, config.metrics, METRICS),
  ];
  // Guards are all that look at where a request came from.
  if (server !== undefined && server.trustedProxyHops > 0 && !uses.has("auth")) {
    settings.push("server.trusted_proxy_hops (without the part 'auth')");
  }
  if (acts(RateLimitConfigSchema, config.rateLimit)) settings.push("rate_limit");
  if (acts(CircuitBreakerConfigSchema, config.circuitBreaker)) settings.push("circuit_breaker");
  if (config.secrets !== undefined) settings.push("secrets");
  if (settings.length === 0) return;
  throw new CqiError(
    "CQI_FEATURE_UNSUPPORTED",
    `Cannot open the service: nothing in it acts on ${settings.join(", ")}; leave out what is set`,
    { details: { settings } },
  );
}

function setIn<Desc extends DescMessage>(
  section: string,
  schema: Desc,
  message: MessageShape<Desc> | undefined,
  names: readonly (keyof Desc["field"] & string)[],
): string[] {
  if (message === undefined) return [];
  return names.map((name) => schema.field[name]!)
    .filter((field) => isFieldSet(message, field))
    .map((field) => `${section}.${field.name}`);
}

// Switched off by name, a section asks for nothing.
function acts(
  schema: typeof RateLimitConfigSchema | typeof CircuitBreakerConfigSchema,
  message: CqiConfig["rateLimit"] | CqiConfig["circuitBreaker"],
): boolean {
  if (message === undefined) return false;
  return !isFieldSet(message, schema.field.enabled) || message.enabled;
}
