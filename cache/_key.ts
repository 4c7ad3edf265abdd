import { CqiError } from "../errors/mod.ts";
import { shapeOf } from "../internal/options.ts";
import type { CacheKey } from "./types.ts";

/** Most characters (UTF-16 code units) that the parts of one key have together. */
export const MAX_KEY_LENGTH = 1024;
/** Most parts of one key. */
export const MAX_KEY_PARTS = 32;

const SEPARATOR = ":";
const PLAIN_REGEXP = /^[A-Za-z0-9_.-]*$/;
// The flag makes one match of a whole code point, and of a lone surrogate by itself.
const OTHER_REGEXP = /[^A-Za-z0-9_.-]/gu;

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x80) return `%${code.toString(16).padStart(2, "0").toUpperCase()}`;
  // A lone surrogate has no UTF-8; "%u" is no pair of hex digits, so nothing else looks like it.
  if (code >= 0xd800 && code <= 0xdfff) return `%u${code.toString(16).toUpperCase()}`;
  return encodeURIComponent(character);
}

/**
 * Writes one part of a key in letters, digits, `_`, `.`, `-` and escapes alone: no separator, no
 * glob, no hash tag, no control character gets through, and different parts stay different.
 */
export function encodePart(part: string): string {
  return PLAIN_REGEXP.test(part) ? part : part.replace(OTHER_REGEXP, escapeCharacter);
}

/** Joins encoded parts; the trailing separator keeps one prefix from beginning another. */
export function encodePrefix(...parts: readonly string[]): string {
  return parts.map((part) => encodePart(part) + SEPARATOR).join("");
}

function refuseKey(problem: string): never {
  throw new CqiError("CQI_CACHE_KEY_INVALID", `Cannot use cache key: ${problem}`);
}

/** Writes a key. A string is the same key as the list of that one string. */
export function encodeKey(key: CacheKey): string {
  const parts: readonly unknown[] = Array.isArray(key) ? key : [key];
  if (parts.length === 0 || parts.length > MAX_KEY_PARTS) {
    refuseKey(`it must have 1 to ${MAX_KEY_PARTS} parts, it has ${parts.length}`);
  }
  let length = 0;
  let text = "";
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (typeof part !== "string") {
      refuseKey(`part ${i} must be a string, it is ${shapeOf(part)}`);
    }
    length += part.length;
    if (length > MAX_KEY_LENGTH) {
      refuseKey(`its parts must have at most ${MAX_KEY_LENGTH} characters together`);
    }
    text += i === 0 ? encodePart(part) : SEPARATOR + encodePart(part);
  }
  return text;
}
