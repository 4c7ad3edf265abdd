const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const SIZE_REGEXP = /^(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,9}))?([A-Za-z]{0,3})$/;

/**
 * Reads a size: `"10MiB"` (powers of 1,024), `"10MB"` (powers of 1,000), `"1.5GiB"`, or a number
 * of bytes without a unit.
 *
 * @param text A number and at most one unit, without a space.
 * @returns Whole bytes, or undefined when the text is not a size or not of whole bytes.
 *
 * @example
 * ```ts
 * import { parseSize } from "@cq/cqi/config";
 * import assert from "node:assert/strict";
 *
 * assert.equal(parseSize("1.5KiB"), 1536);
 * assert.equal(parseSize("10 MiB"), undefined);
 * ```
 */
export function parseSize(text: string): number | undefined {
  const match = SIZE_REGEXP.exec(text);
  if (match === null) return undefined;
  const [, whole = "", fraction, unit = ""] = match;
  const factor = unit === "" ? 1 : Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  if (factor === undefined) return undefined;
  const bytes = Number(fraction === undefined ? whole : `${whole}.${fraction}`) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
