// The system's randomness: cryptographic bytes in a pool, since one getRandomValues call costs
// about as much for 16 bytes as for 4,096.

const POOL_BYTES = 4096;

function createPool(): (length: number) => Uint8Array {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return (length) => {
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
