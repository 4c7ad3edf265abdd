import type { HealthReport, WaitOptions } from "../core/mod.ts";
import { keyOfPem, type VerifyKey } from "./_algorithms.ts";
import { keyOfSecret } from "./_weak_secrets.ts";
import { configError } from "./_failure.ts";

/** Where verification keys come from. */
export interface KeySource {
  /**
   * The key of an id and algorithm, or undefined when there is none.
   *
   * @throws {CqiError} `CQI_AUTH_UNAVAILABLE` when it cannot be known now.
   */
  find(kid: string | undefined, alg: string, options: WaitOptions): Promise<VerifyKey | undefined>;
  /** Whether keys can be had. */
  check(options: WaitOptions): Promise<HealthReport>;
  /** Ends what is under way. */
  close(): void;
}

function staticKeys(keys: readonly VerifyKey[]): KeySource {
  return {
    find: (_kid, alg) => Promise.resolve(keys.find((key) => key.alg === alg)),
    check: () => Promise.resolve({ status: "ok" }),
    close: () => {},
  };
}

/** Keys of one PEM public key. Its type must suit every algorithm. */
export async function pemKeys(pem: string, algorithms: readonly string[]): Promise<KeySource> {
  return staticKeys(await Promise.all(algorithms.map((alg) => keyOfPem(pem, alg))));
}

/** Keys of one shared secret, long enough for every algorithm. */
export function secretKeys(secret: string, algorithms: readonly string[]): KeySource {
  return staticKeys(algorithms.map((alg) => keyOfSecret(secret, alg)));
}

/**
 * Checks that algorithms are known and of the kind that the key source has: a public key must
 * never serve as an HMAC secret.
 *
 * @param shared True when the key is a shared secret.
 */
export function checkAlgorithms(
  algorithms: readonly string[],
  shared: boolean,
  typeOf: (alg: string) => string,
): void {
  if (algorithms.length === 0) throw configError("JWT needs at least one algorithm");
  for (const alg of algorithms) {
    if ((typeOf(alg) === "oct") === shared) continue;
    const source = shared ? "a shared secret" : "a public key or a JWKS URL";
    throw configError(`algorithm ${alg} cannot be used with ${source}`);
  }
}
