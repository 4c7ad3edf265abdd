// JSON as security wants it: JSON.parse keeps the last of two equal names and turns 1e400 into
// Infinity without a word (RFC 8725 section 2.4 on parsers that disagree).

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
/** A JSON object. */
export type JsonFields = { [name: string]: Json };

// Strings first, so that brackets inside them are not seen as brackets. No nested quantifier.
const TOKEN_REGEXP = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;
const LONE_SURROGATE_REGEXP = /\p{Surrogate}/u;
// Deeper than any token or key set needs; keeps recursion over the value safe.
const MAX_DEPTH = 16;

function hasRepeatedName(text: string): boolean {
  const stack: (Set<string> | undefined)[] = [];
  let last = "";
  for (const [token] of text.matchAll(TOKEN_REGEXP)) {
    if (token === "{") stack.push(new Set());
    else if (token === "[") stack.push(undefined);
    else if (token === "}" || token === "]") stack.pop();
    else if (token === ":") {
      // Compared after unescaping: "\u0061lg" is "alg".
      const name = JSON.parse(last) as string;
      const names = stack.at(-1);
      if (names?.has(name)) return true;
      names?.add(name);
    }
    if (stack.length > MAX_DEPTH) return true;
    last = token;
  }
  return false;
}

function isSound(value: Json): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "string") return !LONE_SURROGATE_REGEXP.test(value);
  if (value === null || typeof value !== "object") return true;
  if (Array.isArray(value)) return value.every(isSound);
  return Object.entries(value).every(([name, field]) =>
    name !== "__proto__" && isSound(name) && isSound(field)
  );
}

/** Whether a JSON value is an object: not null, not an array. */
export function isFields(value: Json | undefined): value is JsonFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads a JSON object from UTF-8 bytes. Refused: bytes that are not UTF-8, a byte order mark,
 * repeated names at any level, numbers beyond a double, lone surrogates, over 16 levels, `__proto__`.
 *
 * @returns The object, or undefined.
 */
export function parseFields(bytes: Uint8Array): JsonFields | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value = JSON.parse(text) as Json;
    return isFields(value) && !hasRepeatedName(text) && isSound(value) ? value : undefined;
  } catch {
    // Whatever is wrong with it, the answer is the same.
    return undefined;
  }
}
