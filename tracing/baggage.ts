// The header `baggage` (W3C Baggage, section 3.3).

import { activeContext, type ContextKey, contextKey } from "../core/mod.ts";

/** Values that travel with a trace. */
export type Baggage = ReadonlyMap<string, string>;

/** The baggage of the work that is running. */
export const BAGGAGE: ContextKey<Baggage> = contextKey<Baggage>("baggage");

const MAX_MEMBERS = 64;
const MAX_BYTES = 8192;
// A token of RFC 9110 section 5.6.2.
const KEY_REGEXP = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE_REGEXP = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

function parseMember(text: string): readonly [string, string] | undefined {
  // What follows a semicolon are properties of the member, which nobody here reads.
  const [pair = ""] = text.split(";", 1);
  const at = pair.indexOf("=");
  if (at <= 0) return undefined;
  const key = pair.slice(0, at).trim();
  const raw = pair.slice(at + 1).trim();
  if (!KEY_REGEXP.test(key) || !VALUE_REGEXP.test(raw)) return undefined;
  const value = decode(raw);
  return value === undefined ? undefined : [key, value];
}

/**
 * Reads the header. A bad member is passed over; a header over 8,192 characters is dropped whole,
 * and so are members after the 64th.
 *
 * @param header Value of the header; several are joined by commas.
 */
export function parseBaggage(header: string): Baggage {
  const baggage = new Map<string, string>();
  if (header.length > MAX_BYTES) return baggage;
  for (const part of header.split(",")) {
    if (baggage.size >= MAX_MEMBERS) break;
    const member = parseMember(part);
    if (member !== undefined) baggage.set(...member);
  }
  return baggage;
}

/**
 * Writes the header, at most 64 members and 8,192 characters; what does not fit, and what has a
 * key that is no token, is left out.
 *
 * @param baggage Values by key.
 */
export function formatBaggage(baggage: Baggage): string {
  const parts: string[] = [];
  let length = -1;
  for (const [key, value] of baggage) {
    if (parts.length >= MAX_MEMBERS) break;
    const text = `${key}=${encodeURIComponent(value.toWellFormed())}`;
    if (!KEY_REGEXP.test(key) || length + 1 + text.length > MAX_BYTES) continue;
    parts.push(text);
    length += 1 + text.length;
  }
  return parts.join(",");
}

/** The baggage of the work that is running; empty when there is none. */
export function activeBaggage(): Baggage {
  return activeContext().get(BAGGAGE) ?? new Map();
}
