import { configError } from "./_failure.ts";
import { algorithmRow, type VerifyKey } from "./_algorithms.ts";

// Long enough by count, and in every attacker's dictionary: the sample secrets of popular tools.
const KNOWN = [
  "a-string-secret-at-least-256-bits-long",
  "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
  "your-super-secret-jwt-token-with-at-least-32-characters-long",
  "your-256-bit-secret-your-256-bit-secret",
  "this-is-a-very-long-secret-key-at-least-32-chars",
];
// Base64 or hex of 32 random bytes has over 8 different letters all but surely.
const MIN_DISTINCT = 8;

/**
 * Makes an HMAC key of a secret (RFC 7518 section 3.2: as long as the hash). Refused: shorter
 * ones, sample secrets, and runs of few letters or of a repeated piece.
 *
 * @param secret The shared secret; its UTF-8 bytes are the key.
 */
export function keyOfSecret(secret: string, alg: string): VerifyKey {
  const bytes = new TextEncoder().encode(secret);
  const wanted = algorithmRow(alg).signatureBytes ?? 32;
  if (bytes.length < wanted) {
    throw configError(`the secret has ${bytes.length} bytes, ${alg} wants ${wanted} or more`);
  }
  if (
    KNOWN.includes(secret.toLowerCase()) || new Set(bytes).size < MIN_DISTINCT || repeats(secret)
  ) {
    throw configError("the secret is a known or guessable one, random bytes are wanted");
  }
  return { identity: `secret ${alg}`, alg, key: bytes, signatureBytes: wanted };
}

// A text that is one piece over and over is found inside its own double before its end.
function repeats(text: string): boolean {
  return (text + text).indexOf(text, 1) < text.length;
}
