import type { Random } from "../core/mod.ts";
import { requireInteger } from "../internal/options.ts";

const MAX_SEED = 2 ** 32 - 1;
/** As the system's source has it. */
const MAX_BYTES = 65_536;
// 2^32 divided by the golden ratio, odd: steps of it reach each 32-bit number once.
const STEP = 0x9e3779b9;

// The finalizer of MurmurHash3 (32 bits): each bit of the input changes half of the output's.
function mix(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * Makes a source of randomness that gives the same bytes and numbers for the same seed, on every
 * runtime: a run that failed can be run again. For tests; never for ids or secrets that matter.
 *
 * @param seed A whole number from 0 to 4,294,967,295.
 * @throws {CqiError} `CQI_OPTION_INVALID` for another seed.
 *
 * @example
 * ```ts
 * import { uuid } from "@cq/cqi/core";
 * import { fakeClock, seededRandom } from "@cq/cqi/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = fakeClock();
 * assert.equal(uuid(clock, seededRandom(7)), uuid(clock, seededRandom(7)));
 * assert.notEqual(uuid(clock, seededRandom(7)), uuid(clock, seededRandom(8)));
 * ```
 */
export function seededRandom(seed: number): Random {
  // Mixed, so that neighbouring seeds do not give the same sequence a step apart.
  let state = mix(requireInteger("seed", seed, 0, MAX_SEED) ^ STEP);
  const word = (): number => {
    state = (state + STEP) >>> 0;
    return mix(state);
  };
  return {
    bytes(length) {
      const bytes = new Uint8Array(requireInteger("length", length, 0, MAX_BYTES));
      for (let i = 0, rest = 0; i < length; i++, rest >>>= 8) {
        if (i % 4 === 0) rest = word();
        bytes[i] = rest & 0xff;
      }
      return bytes;
    },
    // 27 and 26 bits of two words: the 53 that a number between 0 and 1 holds.
    next: () => ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53,
  };
}
