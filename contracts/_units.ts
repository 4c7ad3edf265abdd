import { pow10, tryParse } from "./_decimal_parts.ts";

/** Digits behind the point that every decimal is brought to. */
const SCALE = 38;

/** A decimal as a whole number of 1e-38, exact; undefined for a text that is none. */
export function units(text: string): bigint | undefined {
  const parts = tryParse(text);
  return parts && parts.coefficient * pow10(SCALE - parts.scale);
}

/** Sum of decimals in units; undefined when one is no decimal. Empty texts are zero. */
export function total(texts: readonly string[]): bigint | undefined {
  let sum = 0n;
  for (const text of texts) {
    const value = text === "" ? 0n : units(text);
    if (value === undefined) return undefined;
    sum += value;
  }
  return sum;
}

/** Whether two numbers of units are known and differ. */
export function differ(a: bigint | undefined, b: bigint | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}
