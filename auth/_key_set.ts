import { isCqiError } from "../errors/mod.ts";
import { fits, keyOfJwk, type VerifyKey } from "./_algorithms.ts";
import { unusable } from "./_failure.ts";
import { isFields, type JsonFields, parseFields } from "./_json.ts";
import { MAX_KID_LENGTH } from "./_token.ts";

/** The usable keys of one JWK set. */
export interface KeySet {
  /** Keys by id; a list since one key may serve several algorithms. Never an object: ids are input. */
  readonly byKid: ReadonlyMap<string, readonly VerifyKey[]>;
  /** Every key, those without an id too. */
  readonly all: readonly VerifyKey[];
  /** How many members of the set were passed over. */
  readonly ignored: number;
}

const MAX_KEYS = 256;
// Members of private and symmetric keys (RFC 7518 sections 6.2.2, 6.3.2, 6.4.1).
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

function algorithmsOf(jwk: JsonFields, allowed: readonly string[]): readonly string[] {
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return [];
  if (jwk.use !== undefined && jwk.use !== "sig") return [];
  const { key_ops: operations, kid } = jwk;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) {
    return [];
  }
  const badKid = typeof kid !== "string" || kid === "" || kid.length > MAX_KID_LENGTH;
  if (kid !== undefined && badKid) return [];
  return allowed.filter((alg) => (jwk.alg === undefined || jwk.alg === alg) && fits(jwk, alg));
}

async function keysOf(jwk: JsonFields, allowed: readonly string[]): Promise<VerifyKey[]> {
  try {
    return await Promise.all(algorithmsOf(jwk, allowed).map((alg) => keyOfJwk(jwk, alg)));
  } catch (error) {
    // A weak or broken key is not used; the others of the set may be fine.
    if (isCqiError(error) || error instanceof Error) return [];
    throw error;
  }
}

/**
 * Reads a JWK set (RFC 7517 section 5). Passed over: keys of other uses and algorithms, weak ones,
 * and keys with private members. A set in which two usable keys share an id is refused as a whole:
 * whoever wrote it, it cannot be told which key is meant.
 *
 * @param bytes The document.
 * @param allowed Algorithms that the configuration allows.
 * @throws {CqiError} `CQI_AUTH_UNAVAILABLE`, says what is wrong with the document.
 */
export async function parseKeySet(bytes: Uint8Array, allowed: readonly string[]): Promise<KeySet> {
  const list = parseFields(bytes)?.keys;
  if (!Array.isArray(list)) throw unusable("the document is no JWK set");
  if (list.length > MAX_KEYS) throw unusable(`the set has over ${MAX_KEYS} keys`);
  const byKid = new Map<string, readonly VerifyKey[]>();
  const all: VerifyKey[] = [];
  let ignored = 0;
  for (const jwk of list) {
    const keys = isFields(jwk) ? await keysOf(jwk, allowed) : [];
    if (keys.length === 0) ignored++;
    all.push(...keys);
    const kid = isFields(jwk) ? jwk.kid : undefined;
    if (keys.length === 0 || typeof kid !== "string") continue;
    if (byKid.has(kid)) throw unusable("two keys of the set have the same id");
    byKid.set(kid, keys);
  }
  if (all.length === 0) throw unusable("the set has no usable key");
  return { byKid, all, ignored };
}

/**
 * The key for a token: by id, or without one the only key of the algorithm.
 *
 * @returns Undefined when there is none, or more than one would do.
 */
export function findKey(set: KeySet, kid: string | undefined, alg: string): VerifyKey | undefined {
  const found = (kid === undefined ? set.all : set.byKid.get(kid) ?? [])
    .filter((key) => key.alg === alg);
  return found.length === 1 ? found[0] : undefined;
}
