import { create, isFieldSet } from "@bufbuild/protobuf";
import { type Instruments, instruments, Secret } from "../core/mod.ts";
import { validate } from "../contracts/mod.ts";
import {
  ApiKeyAuthConfigSchema,
  type AuthConfig,
  AuthConfigSchema,
  type JwtAuthConfig,
  type SecretRef,
} from "../gen/ts/cqc/config/v1/mod.ts";
import { refuse, requireInteger, requireNumber, requireSection } from "../internal/options.ts";
import { createApiKeyVerifier } from "./_api_keys.ts";
import { configError } from "./_failure.ts";
import { Issuer } from "./_issuer.ts";
import { TokenVerifier } from "./_jwt.ts";
import { DefaultGuard } from "./guard.ts";
import type { AuthConfigInit, Guard, OpenOptions } from "./types.ts";

// Goes into a quoted header value as it is.
const REALM_REGEXP = /^[A-Za-z0-9 ._:/-]{1,128}$/;

async function resolve(
  ref: SecretRef | undefined,
  what: string,
  options: OpenOptions,
): Promise<string | undefined> {
  if (ref === undefined) return undefined;
  if (options.resolveSecret === undefined) {
    throw configError(`${what} is a reference, so the option 'resolveSecret' is wanted`);
  }
  let value: string | Secret;
  try {
    value = await options.resolveSecret(ref);
  } catch (cause) {
    throw configError(`${what} cannot be resolved`, cause);
  }
  const text = value instanceof Secret ? value.reveal() : value;
  if (typeof text !== "string") throw configError(`${what} is no text`);
  return text;
}

async function issuerOf(
  config: JwtAuthConfig,
  options: OpenOptions,
  env: Instruments,
): Promise<Issuer> {
  const { keySource } = config;
  const ref = keySource.case === "secret" ? keySource.value : undefined;
  const secret = await resolve(ref, `the secret of issuer '${config.issuer}'`, options);
  const fetchLike = options.fetch ?? ((request) => fetch(request));
  return await Issuer.create(config, { fetch: fetchLike, secret }, env);
}

async function tokensOf(
  config: AuthConfig,
  options: OpenOptions,
  env: Instruments,
): Promise<TokenVerifier | undefined> {
  const sections = [...config.jwt === undefined ? [] : [config.jwt], ...config.additionalJwt];
  if (sections.length === 0) return undefined;
  const issuers: Issuer[] = [];
  for (const section of sections) issuers.push(await issuerOf(section, options, env));
  const { rememberTokens: size = 10_000, rememberMs: ms = 300_000 } = options;
  requireInteger("rememberTokens", size, 0, 1_000_000);
  requireNumber("rememberMs", ms, 0, 3_600_000);
  return new TokenVerifier(issuers, env, { size, ms });
}

/**
 * Makes a guard of the auth section of the configuration. An empty section knows nobody, so that
 * the guard refuses everyone. JWK sets are fetched with the first token or the first
 * {@linkcode Guard.check}, not here: a service starts while its issuer is away.
 *
 * @param section API keys by hash, and the issuers whose tokens are accepted.
 * @param options Instruments, and what configuration cannot say.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` for a section that breaks its rules, `CQI_AUTH_CONFIG`
 * for one that would not be safe: weak secrets and keys, algorithms that do not fit the key, a JWKS
 * URL without https.
 *
 * @example
 * ```ts
 * import { auth } from "@cq/cqi";
 * import { compose } from "@cq/cqi/core";
 * import { testIssuer } from "@cq/cqi/testing";
 * import assert from "node:assert/strict";
 *
 * const issuer = await testIssuer();
 * const guard = await auth.open({ jwt: issuer.config }, { fetch: issuer.handler });
 * const handler = compose(guard.require("positions:read"))(
 *   (_request, { auth }) => new Response(auth?.principal?.principalId),
 * );
 *
 * const token = await issuer.sign({ sub: "ada", scope: "positions:read" });
 * const headers = { authorization: `Bearer ${token}` };
 * const response = await handler(new Request("http://localhost/", { headers }));
 * assert.equal(await response.text(), "ada");
 * ```
 */
export async function open(section: AuthConfigInit, options: OpenOptions = {}): Promise<Guard> {
  const config = create(AuthConfigSchema, requireSection("auth", section));
  validate(AuthConfigSchema, config);
  const env = instruments(options);
  const { realm } = options;
  if (realm !== undefined && !REALM_REGEXP.test(realm)) {
    refuse("realm", realm, "1 to 128 letters, digits, spaces or ._:/-");
  }
  const hasPepper = config.apiKey !== undefined &&
    isFieldSet(config.apiKey, ApiKeyAuthConfigSchema.field.pepper);
  const pepper = hasPepper
    ? await resolve(config.apiKey?.pepper, "the pepper of API keys", options)
    : undefined;
  const apiKeys = config.apiKeys.length === 0
    ? undefined
    : await createApiKeyVerifier(config.apiKeys, pepper, options.source !== undefined, env.clock);
  const tokens = await tokensOf(config, options, env);
  return new DefaultGuard(config, options, { apiKeys, tokens });
}
