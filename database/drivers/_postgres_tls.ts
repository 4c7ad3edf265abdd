import { isFieldSet } from "@bufbuild/protobuf";
import { readFile } from "node:fs/promises";
import { checkServerIdentity, type ConnectionOptions } from "node:tls";
import { resolveSecret } from "../../config/mod.ts";
import type { Logger } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { type TlsConfig, TlsConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { type Host, isLocal, type SslMode } from "./_postgres_target.ts";

/** TLS settings for one host; false is plain text. */
export type TlsFor = (host: Host) => ConnectionOptions | false;

async function pem(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    throw new CqiError(
      "CQI_CONFIG_INVALID",
      `Cannot use database.postgres.tls.${what}: file '${path}' cannot be read`,
    );
  }
}

/**
 * Reads the certificates and gives the settings of each host.
 *
 * @param config The section `tls`.
 * @param sslMode Undefined: verify-full, or disable on loopback without a section.
 * @param logger Told of checks that are off.
 */
export async function tlsFor(
  config: TlsConfig | undefined,
  sslMode: SslMode | undefined,
  logger: Logger,
): Promise<TlsFor> {
  const has = (name: keyof typeof TlsConfigSchema.field): boolean =>
    config !== undefined && isFieldSet(config, TlsConfigSchema.field[name]);
  const isOff = has("enabled") && !config!.enabled;
  if (isOff && sslMode !== undefined && sslMode !== "disable") {
    throw new CqiError(
      "CQI_CONFIG_INVALID",
      `Cannot use database.postgres: tls.enabled is false and ssl_mode is ${sslMode}`,
    );
  }
  const ca = has("caFile") ? await pem(config!.caFile, "ca_file") : config?.caPem || undefined;
  const cert = has("certFile")
    ? await pem(config!.certFile, "cert_file")
    : config?.certPem || undefined;
  const key = config?.privateKey === undefined
    ? undefined
    : (await resolveSecret(config.privateKey)).reveal();
  const serverName = has("serverName") ? config!.serverName : undefined;
  if (config?.insecureSkipVerify === true) {
    logger.warn("The certificate of the database server is not checked", {
      component: "database",
    });
  }

  function modeOf(host: Host): SslMode {
    if (host.host.startsWith("/") || isOff) return "disable";
    return sslMode ?? (isLocal(host.host) && config === undefined ? "disable" : "verify-full");
  }

  return (host) => {
    const mode = modeOf(host);
    if (mode === "disable") return false;
    // As libpq has it: require with a trusted certificate is verify-ca.
    const isChecked = config?.insecureSkipVerify !== true &&
      (mode !== "require" || ca !== undefined);
    return {
      minVersion: has("minVersion") && config!.minVersion === "1.3" ? "TLSv1.3" : "TLSv1.2",
      rejectUnauthorized: isChecked,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      checkServerIdentity: (_name, certificate) =>
        mode === "verify-full"
          ? checkServerIdentity(serverName ?? host.host, certificate)
          : undefined,
    };
  };
}
