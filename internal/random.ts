// The system's randomness: cryptographic bytes in a pool, since one getRandomValues call costs
// about as much for 16 bytes as for 4,096.

import { requireInteger } from "./options.ts";

const POOL_BYTES = 4096;
// Web Crypto gives no more at once (W3C Web Cryptography, getRandomValues).
const MAX_BYTES = 65_536;

function createPool(): (length: number) => Uint8Array {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return (length) => {
    // A length that is no count would move `used` to where bytes were already given out and wiped.
    requireInteger("length", length, 0, MAX_BYTES);
    if (length > POOL_BYTES) return crypto.getRandomValues(new Uint8Array(length));
    if (used + length > POOL_BYTES) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    const bytes = pool.slice(used, used + length);
    pool.fill(0, used, used + length);
    used += length;
    return bytes;
  };
}

/** The real source of randomness. Structurally a `Random` of core/. */
export const systemRandom: { bytes(length: number): Uint8Array; next(): number } = {
  bytes: createPool(),
  // Jitter and sampling need speed, not secrecy.
  next: (): number => Math.random(),
};
