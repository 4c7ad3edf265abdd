// Signatures by Web Crypto alone, so that what checks them in auth/ is not what made them.

import { CqiError } from "../errors/mod.ts";

/** One key pair of a test issuer. */
export interface Signer {
  readonly alg: string;
  readonly kid: string;
  /** Public key as the JWK set has it. */
  readonly jwk: Readonly<Record<string, unknown>>;
  /** Signs the first two parts of a token. */
  sign(input: string): Promise<Uint8Array>;
  /** Public key as PEM. */
  pem(): Promise<string>;
}

type Algorithm = RsaHashedKeyGenParams | (EcKeyGenParams & EcdsaParams) | { name: "Ed25519" };

function algorithmOf(alg: string): Algorithm {
  const hash = `SHA-${alg.slice(2)}`;
  const rsa = { hash, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const bits = alg === "ES512" ? 521 : alg.slice(2);
  switch (alg.slice(0, 2)) {
    case "RS":
      return { name: "RSASSA-PKCS1-v1_5", ...rsa };
    case "PS":
      return { name: "RSA-PSS", ...rsa };
    case "ES":
      return { name: "ECDSA", namedCurve: `P-${bits}`, hash };
    case "Ed":
      return { name: "Ed25519" };
    default:
      throw new CqiError(
        "CQI_OPTION_INVALID",
        `Cannot make a key for '${alg}': RS, PS, ES algorithms and EdDSA have key pairs`,
      );
  }
}

/** Bytes or text as base64url without padding (RFC 7515 appendix C). */
export function encodeBase64url(value: string | Uint8Array): string {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Makes a key pair for an algorithm. */
export async function createSigner(alg: string, kid: string): Promise<Signer> {
  const algorithm = algorithmOf(alg);
  const pair = await crypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const { key_ops: _operations, ext: _ext, ...jwk } = await crypto.subtle.exportKey(
    "jwk",
    pair.publicKey,
  );
  // RFC 7518 section 3.5: the salt of PSS is as long as the hash.
  const saltLength = Number(alg.slice(2)) / 8;
  return {
    alg,
    kid,
    jwk: { ...jwk, kid, alg, use: "sig" },
    async sign(input) {
      const bytes = new TextEncoder().encode(input);
      const how = { ...algorithm, ...(alg.startsWith("PS") ? { saltLength } : {}) };
      return new Uint8Array(await crypto.subtle.sign(how, pair.privateKey, bytes));
    },
    async pem() {
      const der = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
      const text = btoa(String.fromCharCode(...der)).replace(/.{64}/g, "$&\n");
      return `-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----\n`;
    },
  };
}

/** Signs with a shared secret, of any length: also with one that nobody should use. */
export async function signHmac(
  input: string,
  alg: string,
  secret: string | Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
  const algorithm = { name: "HMAC", hash: `SHA-${alg.slice(2)}` };
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(input)));
}
