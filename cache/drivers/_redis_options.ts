import type { ClusterOptions, RedisOptions } from "ioredis";
import { isFieldSet } from "@bufbuild/protobuf";
import { resolveSecret } from "../../config/mod.ts";
import { durationMs, type Instruments } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import {
  type CacheConfig,
  type RedisConfig,
  RedisConfigSchema,
  RedisSingleSchema,
  type SecretRef,
  type TlsConfig,
  TlsConfigSchema,
} from "../../gen/ts/cqc/config/v1/mod.ts";
import { readTextFile } from "../../internal/runtime/files.ts";

/** Largest certificate file in bytes. */
const MAX_PEM_BYTES = 1 << 20;
/** Longest wait between two attempts to connect, in milliseconds, and the first. */
const MAX_RETRY_MS = 1000;
const FIRST_RETRY_MS = 25;
/** Shortest time between two new connections that a read-only server makes us open, in ms. */
const READONLY_MS = 1000;
/** Redirections of one command within a cluster. */
const MAX_REDIRECTIONS = 6;

/** Settings of one connection; the left out one says undefined where ioredis wants absence. */
export type NodeOptions = Omit<RedisOptions, "replyMapping">;

/** Settings of the connections to Redis, read once. */
export interface RedisSettings {
  readonly mode: "single" | "cluster" | "sentinel";
  /** Of each connection. */
  readonly node: NodeOptions;
  readonly cluster: ClusterOptions;
  /** Where to begin with a cluster. */
  readonly nodes: readonly Address[];
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
}

/** Host and port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

// "host:port" with an IPv6 address in brackets, as the contract's rule has it.
function addressOf(text: string): Address {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/^\[|\]$/g, "");
  return { host, port: Number(text.slice(colon + 1)) };
}

async function secretOf(ref: SecretRef): Promise<string> {
  return (await resolveSecret(ref)).reveal();
}

async function pemFile(path: string): Promise<string> {
  const result = await readTextFile(path, { maxBytes: MAX_PEM_BYTES });
  if (result.kind === "read") return result.text;
  const reason = result.kind === "missing" ? "it is missing" : result.reason;
  throw new CqiError("CQI_CONFIG_INVALID", `Cannot read certificate file '${path}': ${reason}`);
}

type TlsOptions = NonNullable<RedisOptions["tls"]>;

async function tlsOptions(tls: TlsConfig, env: Instruments): Promise<TlsOptions> {
  const has = (field: keyof typeof TlsConfigSchema.field): boolean =>
    isFieldSet(tls, TlsConfigSchema.field[field]);
  const ca = has("caFile") ? await pemFile(tls.caFile) : has("caPem") ? tls.caPem : undefined;
  const cert = has("certFile")
    ? await pemFile(tls.certFile)
    : has("certPem")
    ? tls.certPem
    : undefined;
  const key = tls.privateKey === undefined ? undefined : await secretOf(tls.privateKey);
  if (tls.insecureSkipVerify) {
    env.logger.warn("Certificate of Redis goes unchecked", { component: "cache" });
  }
  return {
    rejectUnauthorized: !tls.insecureSkipVerify,
    minVersion: tls.minVersion === "1.3" ? "TLSv1.3" : "TLSv1.2",
    ...ca !== undefined && { ca },
    ...cert !== undefined && { cert },
    ...key !== undefined && { key },
    ...has("serverName") && { servername: tls.serverName },
  };
}

function isTlsOn(tls: TlsConfig | undefined): tls is TlsConfig {
  if (tls === undefined) return false;
  return !isFieldSet(tls, TlsConfigSchema.field.enabled) || tls.enabled;
}

function retryDelay(times: number, env: Instruments): number {
  const limit = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(times, 10));
  return limit / 2 + env.random.next() * limit / 2;
}

// A server that refuses writes is no primary any more: a new connection finds the one that is, by
// sentinels or by name. Not at each refusal: the reads of a server that stays read-only go on.
function onReadOnly({ clock }: Instruments): (error: Error) => boolean {
  let last = -Infinity;
  return (error) => {
    if (!error.message.startsWith("READONLY") || clock.monotonic() - last < READONLY_MS) {
      return false;
    }
    last = clock.monotonic();
    return true;
  };
}

/** Where it is found: the single server, or the primary that sentinels name. */
async function targetOptions(redis: RedisConfig, env: Instruments): Promise<NodeOptions> {
  const { sentinel, single } = redis;
  if (sentinel !== undefined) {
    const password = sentinel.password && await secretOf(sentinel.password);
    return {
      sentinels: sentinel.nodes.map(addressOf),
      name: sentinel.masterName,
      failoverDetector: true,
      sentinelRetryStrategy: (times) => retryDelay(times, env),
      ...sentinel.username !== "" && { sentinelUsername: sentinel.username },
      ...password !== undefined && { sentinelPassword: password },
    };
  }
  const set = (field: "host" | "port"): boolean =>
    single !== undefined && isFieldSet(single, RedisSingleSchema.field[field]);
  return {
    host: set("host") ? single!.host : "localhost",
    port: set("port") ? single!.port : 6379,
  };
}

/** Reads the section; what is absent gets the defaults that the contract's comments state. */
export async function readRedisSettings(
  config: CacheConfig,
  redis: RedisConfig,
  env: Instruments,
): Promise<RedisSettings> {
  const connectTimeoutMs = durationMs(redis.connectTimeout, 5000);
  const commandTimeoutMs = durationMs(redis.commandTimeout, 1000);
  const password = redis.password && await secretOf(redis.password);
  const tls = isTlsOn(redis.tls) ? await tlsOptions(redis.tls, env) : undefined;
  const mode = redis.cluster ? "cluster" : redis.sentinel ? "sentinel" : "single";
  const node: NodeOptions = {
    ...mode === "cluster" ? {} : await targetOptions(redis, env),
    ...isFieldSet(redis, RedisConfigSchema.field.username) && { username: redis.username },
    ...password !== undefined && { password },
    ...redis.database !== 0 && { db: redis.database },
    ...tls !== undefined && { tls, enableTLSForSentinelMode: true, sentinelTLS: tls },
    connectionName: `cqi:${(config.keyPrefix || "cache").replace(/[^\w.-]/g, "_")}`,
    // Would be one more command that a user has to be allowed.
    disableClientInfo: true,
    connectTimeout: connectTimeoutMs,
    // Without it a sentinel that hangs would be waited for without end.
    sentinelCommandTimeout: commandTimeoutMs,
    // Of a Cluster each node is watched by the client; of one server we do so at less cost.
    ...mode === "cluster" &&
      { commandTimeout: commandTimeoutMs, socketTimeout: commandTimeoutMs * 2 },
    lazyConnect: true,
    // What was on its way when a connection broke is answered with an error at once, never sent
    // again: it may have been done.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    maxLoadingRetryTime: 500,
    retryStrategy: (times) => retryDelay(times, env),
    reconnectOnError: onReadOnly(env),
    enableOfflineQueue: true,
  };
  const cluster: ClusterOptions = {
    lazyConnect: true,
    maxRedirections: MAX_REDIRECTIONS,
    // The same: a lost answer is not asked for again.
    retryDelayOnFailover: 0,
    slotsRefreshTimeout: Math.max(1000, commandTimeoutMs),
    clusterRetryStrategy: (times) => retryDelay(times, env),
  };
  const nodes = redis.cluster?.nodes.map(addressOf) ?? [];
  return { mode, node, cluster, nodes, connectTimeoutMs, commandTimeoutMs };
}
