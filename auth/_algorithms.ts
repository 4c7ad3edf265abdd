import { importJWK, importSPKI } from "jose";
import { decodeBase64url } from "./_base64url.ts";
import { configError } from "./_failure.ts";
import type { JsonFields } from "./_json.ts";

/** What an algorithm asks of its key and signature (RFC 7518 section 3, RFC 8037). */
interface AlgorithmRow {
  readonly kty: "RSA" | "EC" | "OKP" | "oct";
  /** Curve, where the algorithm has one. */
  readonly crv?: string;
  /** Bytes of a signature; absent for RSA, where the modulus says it. */
  readonly signatureBytes?: number;
}

const ALGORITHMS: Readonly<Record<string, AlgorithmRow>> = {
  RS256: { kty: "RSA" },
  RS384: { kty: "RSA" },
  RS512: { kty: "RSA" },
  PS256: { kty: "RSA" },
  PS384: { kty: "RSA" },
  PS512: { kty: "RSA" },
  ES256: { kty: "EC", crv: "P-256", signatureBytes: 64 },
  ES384: { kty: "EC", crv: "P-384", signatureBytes: 96 },
  ES512: { kty: "EC", crv: "P-521", signatureBytes: 132 },
  EdDSA: { kty: "OKP", crv: "Ed25519", signatureBytes: 64 },
  HS256: { kty: "oct", signatureBytes: 32 },
  HS384: { kty: "oct", signatureBytes: 48 },
  HS512: { kty: "oct", signatureBytes: 64 },
};

const MIN_RSA_BITS = 2048;

/** A key that is bound to one algorithm. */
export interface VerifyKey {
  /** Same key, same identity, over refreshes of the set it came from. */
  readonly identity: string;
  /** The one algorithm that it verifies. */
  readonly alg: string;
  /** The key, in the runtime's own form. */
  readonly key: CryptoKey | Uint8Array;
  /** Bytes of a signature. */
  readonly signatureBytes: number;
}

/** The row of an algorithm; throws for one that is not known. */
export function algorithmRow(alg: string): AlgorithmRow {
  const row = Object.hasOwn(ALGORITHMS, alg) ? ALGORITHMS[alg] : undefined;
  if (row === undefined) {
    const known = Object.keys(ALGORITHMS).join(", ");
    throw configError(`algorithm '${alg.slice(0, 32)}' is not known, known ones are ${known}`);
  }
  return row;
}

/** Whether a JWK has the key type and curve that an algorithm asks for. */
export function fits(jwk: JsonFields, alg: string): boolean {
  const row = algorithmRow(alg);
  return jwk.kty === row.kty && jwk.crv === row.crv;
}

function bind(identity: string, alg: string, key: CryptoKey): VerifyKey {
  const row = algorithmRow(alg);
  if (row.signatureBytes !== undefined) {
    return { identity, alg, key, signatureBytes: row.signatureBytes };
  }
  const { modulusLength, publicExponent } = key.algorithm as RsaHashedKeyAlgorithm;
  if (!(modulusLength >= MIN_RSA_BITS)) {
    throw configError(`an RSA key has ${modulusLength} bits, ${MIN_RSA_BITS} or more are wanted`);
  }
  // Big-endian. 1 makes every message its own signature, an even one is no RSA key.
  const last = publicExponent.at(-1) ?? 0;
  const isOne = last === 1 && publicExponent.subarray(0, -1).every((byte) => byte === 0);
  if (last % 2 === 0 || isOne) {
    throw configError("an RSA key has a public exponent that is even or 1, 65537 is usual");
  }
  return { identity, alg, key, signatureBytes: Math.ceil(modulusLength / 8) };
}

/** Makes a key of a JWK's public members only, for one algorithm. */
export async function keyOfJwk(jwk: JsonFields, alg: string): Promise<VerifyKey> {
  const { kty, n, e, crv, x, y, kid } = jwk;
  const parts = kty === "RSA" ? { kty, n, e } : kty === "EC" ? { kty, crv, x, y } : { kty, crv, x };
  const { crv: curve, signatureBytes = 0 } = algorithmRow(alg);
  for (const member of curve === undefined ? [] : kty === "EC" ? [x, y] : [x]) {
    // RFC 7518 section 6.2.1.2: a coordinate is as long as the field, which is half a signature.
    const bytes = typeof member === "string" ? decodeBase64url(member) : undefined;
    if (bytes?.length !== signatureBytes / 2) throw configError("a JWK has a coordinate cut short");
  }
  const identity = JSON.stringify([kid ?? null, alg, parts]);
  return bind(
    identity,
    alg,
    await importJWK(parts as { kty: string }, alg) as unknown as CryptoKey,
  );
}

/** Makes a key of a PEM public key (SubjectPublicKeyInfo, RFC 7468 section 13), for one algorithm. */
export async function keyOfPem(pem: string, alg: string): Promise<VerifyKey> {
  if (!pem.trimStart().startsWith("-----BEGIN PUBLIC KEY-----")) {
    throw configError("the PEM public key must start with '-----BEGIN PUBLIC KEY-----'");
  }
  let key: CryptoKey;
  try {
    key = await importSPKI(pem.trim(), alg) as unknown as CryptoKey;
  } catch (cause) {
    const { kty, crv = kty } = algorithmRow(alg);
    throw configError(`the PEM public key is not one for ${alg}, which wants ${crv}`, cause);
  }
  return bind(`pem ${alg}`, alg, key);
}
