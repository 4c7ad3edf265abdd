// Identifiers: UUID version 7 and 5 (RFC 9562), and hex ids.

import { refuse } from "./options.ts";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hex of bytes. */
export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

function uuidText(bytes: Uint8Array, version: number): string {
  bytes[6] = (bytes[6]! & 0x0f) | (version << 4);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const text = hex(bytes);
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${
    text.slice(20)
  }`;
}

const MAX_UNIX_MS = 2 ** 48 - 1;

/**
 * UUID version 7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then 74 random bits.
 *
 * @param unixMs Time in milliseconds since 1970; beyond what 48 bits hold counts as their end.
 * @param random 16 random bytes; overwritten.
 */
export function uuidV7(unixMs: number, random: Uint8Array): string {
  let rest = Math.min(Math.max(0, Math.floor(unixMs)), MAX_UNIX_MS);
  for (let i = 5; i >= 0; i--) {
    random[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return uuidText(random, 7);
}

const UUID_REGEXP = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/**
 * UUID version 5 (RFC 9562 section 5.5): the same namespace and name give the same id.
 *
 * @param namespace A UUID.
 * @param name Any text.
 */
export async function uuidV5(namespace: string, name: string): Promise<string> {
  if (!UUID_REGEXP.test(namespace)) refuse("namespace", namespace, "a UUID");
  const space = namespace.replaceAll("-", "").match(/../g)!;
  const text = new TextEncoder().encode(name);
  const input = new Uint8Array(16 + text.length);
  input.set(space.map((pair) => Number.parseInt(pair, 16)));
  input.set(text, 16);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", input));
  return uuidText(digest.slice(0, 16), 5);
}
