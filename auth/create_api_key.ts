import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Clock,
  type DurationInput,
  type Random,
  Secret,
  systemClock,
  systemRandom,
  toMilliseconds,
} from "../core/mod.ts";
import type { PrincipalSchema } from "../gen/ts/cqc/auth/v1/mod.ts";
import { type ApiKeyEntry, ApiKeyEntrySchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { hex } from "../internal/ids.ts";
import { sha256 } from "./_compare.ts";

/** What a new API key is to be. */
export interface CreateApiKeyOptions {
  /** Whom it stands for. */
  readonly principal: MessageInitShape<typeof PrincipalSchema>;
  /** Scopes that it has. @default {[]} */
  readonly scopes?: readonly string[];
  /** Roles that it has. @default {[]} */
  readonly roles?: readonly string[];
  /** Name for people, such as `cqpm production`. @default {the key id} */
  readonly name?: string;
  /** Time from now to its end. @default {it does not end} */
  readonly expiresIn?: DurationInput;
  /** Networks from which it may be used, such as `10.0.0.0/8`. @default {from anywhere} */
  readonly allowedCidrs?: readonly string[];
  /** Where the key's 256 bits come from. @default {the system's} */
  readonly random?: Random;
  /** Time, for the end. @default {the system's} */
  readonly clock?: Clock;
}

/** A new API key: the key for its holder, the entry for the configuration. */
export interface CreatedApiKey {
  /** The key. It is in here and nowhere else: hand it over once. */
  readonly key: Secret;
  /** What belongs into `auth.api_keys`: the hash, never the key. */
  readonly entry: ApiKeyEntry;
}

const ID_BYTES = 8;
const SECRET_BYTES = 32;

/**
 * Makes an API key of 256 random bits and its entry for the configuration.
 *
 * @param options Whom it stands for, and what it may.
 *
 * @example
 * ```ts
 * import { auth } from "@cq/cqi";
 * import { PrincipalType } from "@cq/cqi/cqc/auth/v1";
 * import assert from "node:assert/strict";
 *
 * const { key, entry } = await auth.createApiKey({
 *   principal: { principalId: "cqpm", type: PrincipalType.SERVICE },
 *   scopes: ["positions:read"],
 * });
 * const guard = await auth.open({ apiKeys: [entry] });
 *
 * const request = new Request("http://localhost/", { headers: { "x-api-key": key.reveal() } });
 * const { principal } = await guard.authenticate(request);
 * assert.equal(principal?.principalId, "cqpm");
 * ```
 */
export async function createApiKey(options: CreateApiKeyOptions): Promise<CreatedApiKey> {
  const { random = systemRandom, clock = systemClock, expiresIn, name } = options;
  const keyId = `k_${hex(random.bytes(ID_BYTES))}`;
  const key = `${keyId}.${hex(random.bytes(SECRET_BYTES))}`;
  const entry = create(ApiKeyEntrySchema, {
    keyId,
    hash: hex(await sha256(key)),
    principal: options.principal,
    scopes: [...options.scopes ?? []],
    roles: [...options.roles ?? []],
    allowedCidrs: [...options.allowedCidrs ?? []],
    ...(name === undefined ? {} : { name }),
    ...(expiresIn === undefined
      ? {}
      : { expiresAt: timestampFromMs(clock.now() + toMilliseconds("expiresIn", expiresIn)) }),
  });
  return { key: new Secret(key), entry };
}
