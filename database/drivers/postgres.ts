import { Client } from "pg";
import { isFieldSet } from "@bufbuild/protobuf";
import { resolveSecret } from "../../config/mod.ts";
import { durationMs, type Instruments, type WaitOptions, withDeadline } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import {
  type DatabaseConfig,
  type PostgresConfig,
  PostgresConfigSchema,
} from "../../gen/ts/cqc/config/v1/mod.ts";
import type { DatabaseDriver, DatabaseFeatures, DriverConnection } from "../types.ts";
import { quoteIdentifier } from "../sql.ts";
import { requestCancel } from "./_postgres_cancel.ts";
import { PostgresSession } from "./_postgres_session.ts";
import { Plans, Statements } from "./_postgres_statements.ts";
import { type Host, type ParsedUrl, parseUrl, type SslMode, targetOf } from "./_postgres_target.ts";
import { tlsFor } from "./_postgres_tls.ts";
import { wireOf } from "./_postgres_wire.ts";

const FEATURES: DatabaseFeatures = {
  cancel: true,
  parallel: true,
  cursors: true,
  advisoryLocks: true,
  listen: true,
  copy: true,
};

// As the facade's own default.
const CONNECT_MS = 5000;
// Finds out about a peer that is gone without a word (a NAT that forgot the connection).
const KEEP_ALIVE_MS = 10_000;

/** What the client's connection knows that its types do not say. */
interface KnownClient {
  readonly processID: number;
  readonly secretKey: number;
  /** Parameters of the start-up message, read when it is sent. */
  readonly connectionParameters: { options: unknown; replication: unknown };
}

/**
 * Makes the driver `postgres`, for PostgreSQL 14 and later.
 *
 * @param config Reads `postgres`.
 * @param env The clock limits cancelling and closing; the logger hears of unchecked certificates.
 * @throws `CQI_CONFIG_INVALID` for a connection string, a secret or a certificate that cannot be
 * read, `CQI_FEATURE_UNSUPPORTED` for `read_replicas`.
 */
export async function createDriver(
  config: DatabaseConfig,
  env: Instruments,
): Promise<DatabaseDriver> {
  const section = config.postgres;
  if ((section?.readReplicas.length ?? 0) > 0) {
    throw new CqiError(
      "CQI_FEATURE_UNSUPPORTED",
      "Cannot use database.postgres.read_replicas: this driver sends everything to the primary",
    );
  }
  const { target } = await login(section, {});
  const has = (name: keyof typeof PostgresConfigSchema.field): boolean =>
    section !== undefined && isFieldSet(section, PostgresConfigSchema.field[name]);
  const sslMode = has("sslMode") ? section!.sslMode as SslMode : target.sslMode;
  const tls = await tlsFor(section?.tls, sslMode, env.logger);
  const isPreparing = !has("preparedStatements") || section!.preparedStatements;
  const path = section?.searchPath ?? [];
  const plans = new Plans();
  const connectMs = durationMs(config.connectTimeout, CONNECT_MS);
  let lastHost = 0;

  async function connectTo(host: Host, password: string, signal: AbortSignal | undefined) {
    const ssl = tls(host);
    // All that the client would otherwise take from PG* variables is said here,
    const client = new Client({
      host: host.host,
      port: host.port,
      user: target.user,
      database: target.database,
      password: () => password,
      ssl,
      sslnegotiation: "postgres",
      client_encoding: "UTF8",
      application_name: config.applicationName || "cqi",
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    });
    const known = client as unknown as KnownClient;
    // or, where it has no way to say "none", taken back: PGOPTIONS, PGREPLICATION.
    Object.assign(known.connectionParameters, { options: undefined, replication: undefined });
    const { stream } = client.connection;
    const parameters = new Map<string, string>();
    wireOf(client.connection).on("parameterStatus", ({ parameterName, parameterValue }) => {
      parameters.set(parameterName, parameterValue);
    });
    const onAbort = (): void => void client.connection.stream.destroy();
    // An error without a listener would end the process.
    client.on("error", () => {});
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      signal?.throwIfAborted();
      await client.connect();
      signal?.throwIfAborted();
    } catch (error) {
      onAbort();
      stream.destroy();
      throw signal?.aborted ? signal.reason : plain(error);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    const key = { processId: known.processID, secret: known.secretKey };
    const isStandby = parameters.get("in_hot_standby") === "on";
    const isReadOnly = isStandby || parameters.get("default_transaction_read_only") === "on";
    const session = new PostgresSession(client, {
      clock: env.clock,
      statements: new Statements(isPreparing, plans),
      isStandby,
      cancel: (cancelSignal) => requestCancel(host, ssl, key, cancelSignal),
    });
    return { session, isReadOnly };
  }

  return {
    name: "postgres",
    features: FEATURES,
    settings: path.length === 0 ? {} : { search_path: path.map(quoteIdentifier).join(", ") },
    namespace: target.database,
    async connect({ signal }): Promise<DriverConnection> {
      // Read each time, so that a password may change while the process runs.
      const { password = "" } = await login(section, { signal });
      let failure: unknown;
      // The one that served last comes first; one that never answers keeps only its own share.
      const { hosts } = target;
      const shareMs = hosts.length === 1 ? Infinity : connectMs / hosts.length;
      const first = lastHost;
      for (let i = 0; i < hosts.length; i++) {
        const at = (first + i) % hosts.length;
        try {
          const { session, isReadOnly } = await withDeadline(
            env.clock,
            shareMs,
            (share) => connectTo(hosts[at]!, password, share),
            { signal, error: () => Object.assign(new Error("No answer"), { code: "ETIMEDOUT" }) },
          );
          if (!target.needsWritable || !isReadOnly) {
            lastHost = at;
            return session;
          }
          await session.close();
          failure ??= Object.assign(new Error("No server takes writes"), { code: "NOT_WRITABLE" });
        } catch (error) {
          signal?.throwIfAborted();
          failure = error;
        }
      }
      throw failure;
    },
    close: () => Promise.resolve(),
  };
}

/** Where and as whom, with the password as it is now. */
async function login(
  section: PostgresConfig | undefined,
  { signal }: WaitOptions,
): Promise<ParsedUrl> {
  const options = signal === undefined ? {} : { signal };
  if (section?.url !== undefined) {
    return parseUrl((await resolveSecret(section.url, options)).reveal());
  }
  const password = section?.password === undefined
    ? undefined
    : (await resolveSecret(section.password, options)).reveal();
  return { target: targetOf(section), password };
}

// Errors of the TLS layer do not mend themselves: a certificate that is wrong stays wrong.
const FINAL_REGEXP = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO|SIGNATURE/;

/** The error of an attempt to connect, told apart by code. */
function plain(error: unknown): unknown {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === "string") {
    return FINAL_REGEXP.test(code)
      ? Object.assign(new Error("TLS"), { code, retryable: false })
      : error;
  }
  // The client has no code for these.
  const text = String(message);
  const known = /not support SSL|SSL connection/.test(text)
    ? "TLS_REFUSED"
    : /SASL|password/i.test(text)
    ? "LOGIN_REFUSED"
    : /certificate|SSL|TLS|altnames/i.test(text)
    ? "TLS_FAILED"
    : undefined;
  return known === undefined
    ? error
    : Object.assign(new Error(known), { code: known, retryable: false });
}
