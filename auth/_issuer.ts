import { create, type JsonObject } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { durationMs } from "../core/mod.ts";
import type { Instruments, WaitOptions } from "../core/mod.ts";
import {
  type AuthContext,
  AuthContextSchema,
  AuthMethod,
  PrincipalType,
} from "../gen/ts/cqc/auth/v1/mod.ts";
import type { JwtAuthConfig } from "../gen/ts/cqc/config/v1/mod.ts";
import { algorithmRow, type VerifyKey } from "./_algorithms.ts";
import { type ClaimRules, type KnownClaims, readClaims } from "./_claims.ts";
import { configError, refusal } from "./_failure.ts";
import type { FetchLike } from "./types.ts";
import type { JsonFields } from "./_json.ts";
import { checkAlgorithms, type KeySource, pemKeys, secretKeys } from "./_keys.ts";
import { isLoopback, RemoteKeys } from "./_remote_keys.ts";
import { checkHeader, type ParsedToken } from "./_token.ts";

/** How an issuer's keys are got at. */
export interface IssuerOptions {
  /** Fetches JWK sets. */
  readonly fetch: FetchLike;
  /** The shared secret, where the configuration refers to one. */
  readonly secret: string | undefined;
}

const text = (value: string): string | undefined => value === "" ? undefined : value;

function jwksUrl(config: JwtAuthConfig): URL {
  const url = new URL(config.keySource.value as string);
  if (url.username !== "" || url.password !== "") {
    throw configError("the JWKS URL has a user or a password in it");
  }
  if (url.protocol === "https:") return url;
  if (url.protocol === "http:" && config.insecureJwks && isLoopback(url.hostname)) return url;
  throw configError(
    `the JWKS URL of issuer '${config.issuer}' must be https, current scheme is ` +
      `'${url.protocol}'; http is for loopback with 'insecure_jwks'`,
  );
}

async function keysOf(
  config: JwtAuthConfig,
  options: IssuerOptions,
  env: Instruments,
): Promise<KeySource> {
  const { algorithms, keySource } = config;
  checkAlgorithms(algorithms, keySource.case === "secret", (alg) => algorithmRow(alg).kty);
  if (keySource.case === "publicKeyPem") return await pemKeys(keySource.value, algorithms);
  if (keySource.case === "secret") {
    if (options.secret === undefined) {
      throw configError(`the secret of issuer '${config.issuer}' wants the option 'resolveSecret'`);
    }
    return secretKeys(options.secret, algorithms);
  }
  const maxAgeMs = durationMs(config.jwksCacheTtl, 600_000);
  return new RemoteKeys({
    url: jwksUrl(config),
    algorithms,
    fetch: options.fetch,
    maxAgeMs,
    maxStaleMs: Math.max(maxAgeMs, durationMs(config.jwksMaxStale, 3_600_000)),
    cooldownMs: durationMs(config.jwksCooldown, 30_000),
    timeoutMs: durationMs(config.jwksTimeout, 5000),
  }, env);
}

/** One issuer whose tokens are accepted: its rules and its keys. */
export class Issuer {
  /** Name as in `iss`. */
  readonly name: string;
  /** Its keys. */
  readonly keys: KeySource;
  readonly #rules: ClaimRules;
  readonly #config: JwtAuthConfig;

  private constructor(config: JwtAuthConfig, keys: KeySource) {
    this.name = config.issuer;
    this.keys = keys;
    this.#config = config;
    this.#rules = {
      issuer: config.issuer,
      audiences: config.audiences,
      skew: durationMs(config.clockSkew, 30_000) / 1000,
      maxLifetime: durationMs(config.maxLifetime, 86_400_000) / 1000,
      required: config.requiredClaims,
      scopeClaim: text(config.scopeClaim) ?? "scope",
      rolesClaim: text(config.rolesClaim) ?? "roles",
      tenantClaim: text(config.tenantClaim),
    };
  }

  /** Makes an issuer of its configuration; throws `CQI_AUTH_CONFIG` when that cannot be safe. */
  static async create(
    config: JwtAuthConfig,
    options: IssuerOptions,
    env: Instruments,
  ): Promise<Issuer> {
    return new Issuer(config, await keysOf(config, options, env));
  }

  /**
   * Checks all that can be checked without a key, then finds the key. So a token that is wrong in
   * itself costs neither a fetch nor a signature.
   *
   * @param now Seconds since 1970.
   */
  async examine(
    token: ParsedToken,
    now: number,
    options: WaitOptions,
  ): Promise<{ readonly key: VerifyKey; readonly claims: KnownClaims }> {
    const alg = checkHeader(token.header, {
      algorithms: this.#config.algorithms,
      type: text(this.#config.requiredType)?.toLowerCase().replace(/^application\//, ""),
    });
    const claims = readClaims(token.claims, this.#rules, now);
    const key = await this.keys.find(token.kid, alg, options);
    if (key === undefined) throw refusal("UNKNOWN_KEY", "no key of the issuer fits kid and alg");
    if (token.signatureBytes !== key.signatureBytes) {
      throw refusal("INVALID_SIGNATURE", "the signature has the wrong length");
    }
    return { key, claims };
  }

  /** What is known of the caller, from claims whose signature is proven. */
  context(claims: KnownClaims, fields: JsonFields, nowMs: number): AuthContext {
    const { scopeClaim, rolesClaim } = this.#rules;
    const read = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", scopeClaim, rolesClaim];
    const rest = Object.entries(fields).filter(([name]) => !read.includes(name));
    const { name } = fields;
    const isName = typeof name === "string" && name !== "" && name.length <= 256;
    return create(AuthContextSchema, {
      principal: {
        principalId: claims.sub,
        type: this.#config.principalType || PrincipalType.USER,
        ...(isName ? { displayName: name } : {}),
        ...(claims.tenant === undefined ? {} : { tenantId: claims.tenant }),
      },
      method: AuthMethod.JWT,
      roles: [...claims.roles],
      scopes: [...claims.scopes],
      ...(claims.jti === undefined ? {} : { tokenId: claims.jti }),
      ...(claims.iat === undefined
        ? {}
        : { issuedAt: timestampFromMs(Math.round(claims.iat * 1000)) }),
      expiresAt: timestampFromMs(Math.round(claims.exp * 1000)),
      ...(rest.length === 0 ? {} : { claims: Object.fromEntries(rest) as JsonObject }),
      authenticatedAt: timestampFromMs(nowMs),
    });
  }
}
