import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../core/mod.ts";
import { type AuthContext, AuthContextSchema, AuthMethod } from "../gen/ts/cqc/auth/v1/mod.ts";
import type { ApiKeyEntry } from "../gen/ts/cqc/config/v1/mod.ts";
import { type AddressRange, isInRange, parseRange } from "./_cidr.ts";
import { equalBytes, sha256 } from "./_compare.ts";
import { configError, refusal } from "./_failure.ts";

/** Shortest secret part: 128 random bits as base64url. */
const MIN_SECRET_LENGTH = 22;
const MAX_KEY_LENGTH = 512;
const MIN_PEPPER_BYTES = 32;
const KEY_REGEXP = /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9._~+/=-]+)$/;

interface Entry {
  readonly hash: Uint8Array;
  readonly peppered: boolean;
  readonly config: ApiKeyEntry;
  readonly ranges: readonly AddressRange[];
}

/** Proves an API key and says whom it stands for. */
export type ApiKeyVerifier = (key: string, source: string | undefined) => Promise<AuthContext>;

function bytesOfHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function entryOf(config: ApiKeyEntry, hasPepper: boolean, hasSource: boolean): Entry {
  const peppered = config.hashAlgorithm === "HMAC_SHA256";
  if (peppered && !hasPepper) {
    throw configError(`API key '${config.keyId}' has an HMAC hash and 'api_key.pepper' is not set`);
  }
  if (config.allowedCidrs.length > 0 && !hasSource) {
    throw configError(
      `API key '${config.keyId}' is bound to networks, so the option 'source' is wanted`,
    );
  }
  const ranges = config.allowedCidrs.map((text) => {
    const range = parseRange(text);
    if (range === undefined) {
      throw configError(`API key '${config.keyId}' has a network that is no IP prefix`);
    }
    return range;
  });
  return { hash: bytesOfHex(config.hash), peppered, config, ranges };
}

async function pepperHash(pepper: string): Promise<(key: string) => Promise<Uint8Array>> {
  const bytes = new TextEncoder().encode(pepper);
  if (bytes.length < MIN_PEPPER_BYTES) {
    throw configError(
      `the pepper has ${bytes.length} bytes, ${MIN_PEPPER_BYTES} or more are wanted`,
    );
  }
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const hmacKey = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
  return async (key) => {
    const text = new TextEncoder().encode(key);
    return new Uint8Array(await crypto.subtle.sign("HMAC", hmacKey, text));
  };
}

function checkUse({ config, ranges }: Entry, now: number, source: string | undefined): void {
  if (config.revoked) throw refusal("REVOKED", `key ${config.keyId} is revoked`);
  if (config.notBefore !== undefined && now < timestampMs(config.notBefore)) {
    throw refusal("NOT_YET_VALID", `key ${config.keyId} does not hold yet`);
  }
  if (config.expiresAt !== undefined && now >= timestampMs(config.expiresAt)) {
    throw refusal("EXPIRED", `key ${config.keyId} has expired`);
  }
  if (ranges.length === 0) return;
  if (source === undefined || !ranges.some((range) => isInRange(source, range))) {
    throw refusal("ADDRESS_NOT_ALLOWED", `key ${config.keyId} is bound to other networks`);
  }
}

function contextOf({ config }: Entry, now: number): AuthContext {
  return create(AuthContextSchema, {
    ...(config.principal === undefined ? {} : { principal: config.principal }),
    method: AuthMethod.API_KEY,
    roles: config.roles,
    scopes: config.scopes,
    tokenId: config.keyId,
    ...(config.expiresAt === undefined ? {} : { expiresAt: config.expiresAt }),
    authenticatedAt: timestampFromMs(now),
  });
}

/**
 * Makes the check of API keys, which look like `KEY_ID.SECRET`. Only hashes of whole keys are
 * held. An unknown id costs the same work as a wrong secret.
 *
 * @param entries The keys that are accepted.
 * @param pepper Key of HMAC hashes, if there are any.
 * @param hasSource Whether callers' addresses are known.
 */
export async function createApiKeyVerifier(
  entries: readonly ApiKeyEntry[],
  pepper: string | undefined,
  hasSource: boolean,
  clock: Clock,
): Promise<ApiKeyVerifier> {
  const peppered = pepper === undefined ? undefined : await pepperHash(pepper);
  const byId = new Map(
    entries.map((entry) => [entry.keyId, entryOf(entry, pepper !== undefined, hasSource)]),
  );
  const nobody = new Uint8Array(32);
  return async (key, source) => {
    const match = key.length > MAX_KEY_LENGTH ? null : KEY_REGEXP.exec(key);
    if (match === null || match[2]!.length < MIN_SECRET_LENGTH) {
      throw refusal("MALFORMED", "an API key looks like KEY_ID.SECRET");
    }
    const plain = await sha256(key);
    const mixed = await peppered?.(key) ?? plain;
    const entry = byId.get(match[1]!);
    const isRight = equalBytes(entry?.peppered ? mixed : plain, entry?.hash ?? nobody);
    if (entry === undefined) throw refusal("UNKNOWN_KEY", "no API key has this id");
    if (!isRight) throw refusal("INVALID_SIGNATURE", `wrong secret for key ${entry.config.keyId}`);
    const now = clock.now();
    checkUse(entry, now, source);
    return contextOf(entry, now);
  };
}
