import type { ConfigScalar } from "./source.ts";

// YAML 1.2.2 section 10.3.2, without octal, hexadecimal, infinity and not-a-number, which are never
// what a setting means: such text stays text, and a number setting refuses it.
const NULL_REGEXP = /^(?:null|Null|NULL|~|)$/;
const TRUE_REGEXP = /^(?:true|True|TRUE)$/;
const FALSE_REGEXP = /^(?:false|False|FALSE)$/;
const NUMBER_REGEXP = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const INTEGER_REGEXP = /^-?(?:0|[1-9][0-9]*)$/;

/** The longest text that is read as a number. */
const MAX_NUMBER = 400;

/**
 * What an unquoted text means. A number that would lose digits stays text.
 *
 * @param text As it was written.
 */
export function plainValue(text: string): ConfigScalar["value"] {
  if (NULL_REGEXP.test(text)) return null;
  if (TRUE_REGEXP.test(text)) return true;
  if (FALSE_REGEXP.test(text)) return false;
  if (text.length > MAX_NUMBER || !NUMBER_REGEXP.test(text)) return text;
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  return INTEGER_REGEXP.test(text) && !Number.isSafeInteger(number) ? text : number;
}

/**
 * What a text from a variable may mean besides itself: only `true`, `false` and numbers that are
 * written back the same way, so that an account number `007` stays what it is.
 *
 * @param text The value of a variable.
 */
export function looseValue(text: string): ConfigScalar["value"] {
  const value = plainValue(text);
  return value !== null && String(value) === text ? value : text;
}
