import { parseDuration, type Random } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { shapeOf } from "../internal/options.ts";
import type { Ttl } from "./types.ts";

/** Longest time to live, in milliseconds: 2^31 seconds, some 68 years. */
export const MAX_TTL_MS: number = 2 ** 31 * 1000;

/**
 * Reads a time to live.
 *
 * @param ttl Milliseconds, text with a unit, or `none`.
 * @param name The setting it came from, for the error.
 * @returns Whole milliseconds, 1 or more; undefined for `none`.
 */
export function ttlMilliseconds(ttl: Ttl, name = "ttl"): number | undefined {
  if (ttl === "none") return undefined;
  const ms = typeof ttl === "string" ? parseDuration(ttl) : ttl;
  if (typeof ms !== "number" || !(ms > 0 && ms <= MAX_TTL_MS)) {
    throw new CqiError(
      "CQI_CACHE_TTL_INVALID",
      `Cannot use cache setting '${name}': it must be more than 0 and at most 2^31 seconds, in ` +
        `milliseconds or as text such as '5m', or 'none', current value is ${shapeOf(ttl)}`,
      { details: { setting: name } },
    );
  }
  return Math.ceil(ms);
}

/**
 * Spreads a time to live evenly over plus and minus a part of itself, so that what was stored
 * together does not expire together.
 *
 * @param ttlMs Milliseconds; undefined stays undefined.
 * @param jitter 0 to 1.
 */
export function spread(
  ttlMs: number | undefined,
  jitter: number,
  random: Random,
): number | undefined {
  if (ttlMs === undefined || jitter === 0) return ttlMs;
  const factor = 1 + (2 * random.next() - 1) * jitter;
  return Math.min(MAX_TTL_MS, Math.max(1, Math.round(ttlMs * factor)));
}
