import { CqiError } from "../errors/mod.ts";
import { sameBytes } from "./_codec.ts";
import type { Store } from "./_store.ts";

/** How often an exchange is tried while others write the very value that is expected. */
const ATTEMPTS = 16;

/** One write that depends on the value that is there. */
export interface Exchange {
  readonly full: string;
  /** The value that must be there; undefined: none. */
  readonly expected: Uint8Array | undefined;
  /** What is stored if the value has neither tags nor an end of freshness: then one call does. */
  readonly likely: Uint8Array | undefined;
  /** What comes in its place, as it is stored; undefined: nothing. */
  readonly value: Uint8Array | undefined;
  readonly ttlMs: number | undefined;
}

/**
 * Replaces a value if it is the expected one. What is stored has more in it than the value (its
 * tags, its end of freshness), so it is read, held against what is expected, and replaced only while
 * it is byte for byte what was read.
 */
export async function exchange(
  store: Store<Uint8Array>,
  { full: key, expected, likely, value, ttlMs }: Exchange,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { guard } = store.shared;
  const replace = async (stored: Uint8Array | undefined): Promise<boolean> => {
    const swap = { key, expected: stored, value, ttlMs };
    return await guard.call((wait) => guard.driver.compareAndSet(swap, wait), signal, "once");
  };
  const isLikely = expected === undefined || store.settings.nearTtlMs === undefined;
  if (isLikely && await replace(likely)) return true;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await guard.get(key, signal);
    const read = await store.opened(stored);
    if (read.result === "error") {
      throw new CqiError(
        "CQI_CACHE_UNAVAILABLE",
        "Cannot compare a value in the cache: its tags cannot be read",
      );
    }
    // What `get` would not give is none.
    const now = read.result === "hit" ? read.payload : undefined;
    if (!sameBytes(now, expected)) return false;
    if (await replace(stored)) return true;
  }
  throw new CqiError(
    "CQI_CONFLICT",
    `Cannot compare and set in the cache: the key was written ${ATTEMPTS} times meanwhile`,
  );
}
