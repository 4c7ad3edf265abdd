// How both Kafka drivers encrypt and log in.

import { readFile } from "node:fs/promises";
import { isFieldSet } from "@bufbuild/protobuf";
import { resolveSecret } from "../../config/mod.ts";
import type { Logger } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import {
  type SaslConfig,
  type SecretRef,
  type TlsConfig,
  TlsConfigSchema,
} from "../../gen/ts/cqc/config/v1/mod.ts";

/** Settings of TLS as `node:tls` names them. */
export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly rejectUnauthorized: boolean;
}

/** How to log in; secrets are read anew for each connection, so that they may rotate. */
export type LoginSettings =
  | {
    readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
    readonly username: string;
    readonly password: () => Promise<string>;
  }
  | { readonly mechanism: "OAUTHBEARER"; readonly token: () => Promise<string> };

/**
 * Reads the TLS section.
 *
 * @returns Undefined where TLS is off.
 * @throws {CqiError} `CQI_CONFIG_INVALID` for a file or secret that cannot be read.
 */
export async function tlsSettings(
  tls: TlsConfig | undefined,
  logger: Logger,
): Promise<TlsSettings | undefined> {
  if (tls === undefined) return undefined;
  if (isFieldSet(tls, TlsConfigSchema.field.enabled) && !tls.enabled) return undefined;
  if (tls.insecureSkipVerify) {
    logger.warn("Certificate of the brokers goes unchecked: tls.insecure_skip_verify is set");
  }
  const ca = tls.caPem || await fileText("tls.ca_file", tls.caFile);
  const cert = tls.certPem || await fileText("tls.cert_file", tls.certFile);
  return {
    ...ca !== undefined && { ca },
    ...cert !== undefined && { cert },
    ...tls.privateKey !== undefined && { key: (await resolveSecret(tls.privateKey)).reveal() },
    ...tls.serverName !== "" && { servername: tls.serverName },
    minVersion: tls.minVersion === "1.3" ? "TLSv1.3" : "TLSv1.2",
    rejectUnauthorized: !tls.insecureSkipVerify,
  };
}

async function fileText(field: string, path: string): Promise<string | undefined> {
  if (path === "") return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new CqiError(
      "CQI_CONFIG_INVALID",
      `Cannot open bus: the file of ${field} cannot be read`,
      { cause: error, details: { field, path } },
    );
  }
}

/**
 * Reads the SASL section; its secrets must be there now.
 *
 * @throws {CqiError} `CQI_CONFIG_INVALID` for a secret that cannot be read.
 */
export async function loginSettings(
  sasl: SaslConfig | undefined,
): Promise<LoginSettings | undefined> {
  if (sasl === undefined) return undefined;
  const reader = async (ref: SecretRef | undefined): Promise<() => Promise<string>> => {
    if (ref === undefined) {
      throw new CqiError("CQI_CONFIG_INVALID", "Cannot open bus: a secret of sasl is not set");
    }
    const read = async (): Promise<string> => (await resolveSecret(ref)).reveal();
    await read();
    return read;
  };
  if (sasl.mechanism === "OAUTHBEARER") {
    return { mechanism: sasl.mechanism, token: await reader(sasl.token) };
  }
  const mechanism = sasl.mechanism as "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  return { mechanism, username: sasl.username, password: await reader(sasl.password) };
}
