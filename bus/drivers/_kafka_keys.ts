// Keys are bytes for Kafka and text for the bus. Bytes that are no UTF-8 are kept as lone surrogates
// (U+DC80 to U+DCFF for 0x80 to 0xFF), which no UTF-8 decodes to: what is read is written again
// byte by byte, and keys that differ stay apart.

import { Buffer } from "node:buffer";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const ESCAPE = 0xdc00;
const ESCAPED_REGEXP = /[\udc80-\udcff]/;
// A high surrogate before it makes it half of a character.
const PARTS_REGEXP = /[\ud800-\udbff][\udc00-\udfff]|[\udc80-\udcff]/g;

/** The text of a key. */
export function keyText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    // Not UTF-8: byte by byte.
    return escaped(bytes);
  }
}

function escaped(bytes: Uint8Array): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (at > from) parts.push(utf8.decode(bytes.subarray(from, at)));
    parts.push(String.fromCharCode(ESCAPE + bytes[at]!));
    from = ++at;
  }
  if (from < bytes.length) parts.push(utf8.decode(bytes.subarray(from)));
  return parts.join("");
}

/** Bytes of the character that begins there, 0 where none does (RFC 3629, section 4). */
function characterLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1]!;
  if (second < low || second > high) return 0;
  for (let next = at + 2; next < at + length; next++) {
    if (bytes[next]! >> 6 !== 0b10) return 0;
  }
  return length;
}

/** The bytes of a key. */
export function keyBytes(text: string): Buffer {
  if (!ESCAPED_REGEXP.test(text)) return Buffer.from(text);
  // At most three bytes for each unit of UTF-16.
  const bytes = Buffer.alloc(3 * text.length);
  let from = 0;
  let end = 0;
  for (const { 0: found, index } of text.matchAll(PARTS_REGEXP)) {
    if (found.length === 2) continue;
    if (index > from) end += bytes.write(text.slice(from, index), end);
    bytes[end++] = found.charCodeAt(0) - ESCAPE;
    from = index + 1;
  }
  end += bytes.write(text.slice(from), end);
  return bytes.subarray(0, end);
}
