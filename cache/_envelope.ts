// What is stored: a header of 10 bytes (18 with an end of freshness), tags, then the payload.
//   0     format, 1. No message of Protocol Buffers begins with a byte below 8
//   1     flags: bit 0 "known to be absent", bit 1 "has an end of freshness", bit 2 "has tags"
//   2-5   FNV-1a hash of the type's name, so that another type's bytes are not decoded as ours
//   6-9   length of the payload, so that a cut value is seen even where the cut would decode
//   10-17 end of freshness, Unix milliseconds as a float (bit 1 only)
// Tags (bit 2 only): their number; then for each the length of its UTF-8 text in two bytes, the text,
// and 8 bytes of version.

import { type TagVersion, VERSION_BYTES } from "./_tags.ts";

const FORMAT = 1;
const ABSENT = 1;
const TIMED = 2;
const TAGGED = 4;
const HEADER_BYTES = 10;
const TIMED_HEADER_BYTES = 18;
const NOTHING = new Uint8Array(0);

/** What a stored value says. */
export interface Opened {
  /** The value's bytes, a view of what was opened; undefined when the value is known to be absent. */
  readonly payload: Uint8Array | undefined;
  /** Unix milliseconds until which it is fresh; `Infinity` when the store alone decides. */
  readonly freshUntil: number;
  /** Tags with the versions they had; left out when there are none. */
  readonly tags?: readonly TagVersion[];
}

/** 32-bit FNV-1a of a name. Source: draft-eastlake-fnv, section 2. */
export function typeHash(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}

/**
 * Wraps a value for the store.
 *
 * @param hash Hash of the type's name.
 * @param payload Copied; undefined says that the value is known to be absent.
 * @param freshUntil Unix milliseconds; `Infinity` for none.
 * @param tags Tags and their versions.
 * @param allocate Gives zeroed bytes. @default {a buffer of its own}
 */
export function seal(
  hash: number,
  payload: Uint8Array | undefined,
  freshUntil: number,
  tags: readonly TagVersion[] = [],
  allocate: (length: number) => Uint8Array = ownBuffer,
): Uint8Array {
  const body = payload ?? NOTHING;
  const timed = freshUntil !== Infinity;
  const marks = tags.length === 0 ? NOTHING : sealTags(tags);
  const start = timed ? TIMED_HEADER_BYTES : HEADER_BYTES;
  const header = start + marks.length;
  const bytes = allocate(header + body.length);
  bytes[0] = FORMAT;
  bytes[1] = (payload === undefined ? ABSENT : 0) | (timed ? TIMED : 0) |
    (tags.length === 0 ? 0 : TAGGED);
  putUint32(bytes, 2, hash);
  putUint32(bytes, 6, body.length);
  if (timed) new DataView(bytes.buffer, bytes.byteOffset).setFloat64(10, freshUntil);
  bytes.set(marks, start);
  bytes.set(body, header);
  return bytes;
}

function ownBuffer(length: number): Uint8Array {
  return new Uint8Array(length);
}

function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

// A view costs more than it saves for two numbers.
function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>>
    0;
}

function sealTags(tags: readonly TagVersion[]): Uint8Array {
  const texts = tags.map(({ tag }) => new TextEncoder().encode(tag));
  const length = texts.reduce((sum, text) => sum + 2 + text.length + VERSION_BYTES, 1);
  const bytes = new Uint8Array(length);
  bytes[0] = tags.length;
  let at = 1;
  for (const [i, text] of texts.entries()) {
    bytes[at] = text.length >> 8;
    bytes[at + 1] = text.length & 255;
    bytes.set(text, at + 2);
    bytes.set(tags[i]!.version, at + 2 + text.length);
    at += 2 + text.length + VERSION_BYTES;
  }
  return bytes;
}

// Undefined when they do not lie whole within the bytes.
function unsealTags(
  bytes: Uint8Array,
  start: number,
): { readonly tags: readonly TagVersion[]; readonly end: number } | undefined {
  const tags: TagVersion[] = [];
  let at = start + 1;
  for (let n = bytes[start] ?? 0; n > 0; n--) {
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const end = at + 2 + length + VERSION_BYTES;
    if (end > bytes.length) return undefined;
    const tag = new TextDecoder().decode(bytes.subarray(at + 2, at + 2 + length));
    tags.push({ tag, version: new Uint8Array(bytes.subarray(end - VERSION_BYTES, end)) });
    at = end;
  }
  return tags.length === 0 ? undefined : { tags, end: at };
}

/** Unwraps what a store gave; undefined when it is not a whole value of this type. */
export function unseal(hash: number, bytes: Uint8Array): Opened | undefined {
  if (bytes.length < HEADER_BYTES || bytes[0] !== FORMAT) return undefined;
  const flags = bytes[1]!;
  if (flags > (ABSENT | TIMED | TAGGED)) return undefined;
  let header = (flags & TIMED) === 0 ? HEADER_BYTES : TIMED_HEADER_BYTES;
  if (bytes.length < header || uint32(bytes, 2) !== hash) return undefined;
  const freshUntil = header === HEADER_BYTES
    ? Infinity
    : new DataView(bytes.buffer, bytes.byteOffset).getFloat64(10);
  if (Number.isNaN(freshUntil)) return undefined;
  const marks = (flags & TAGGED) === 0 ? undefined : unsealTags(bytes, header);
  if ((flags & TAGGED) !== 0) {
    if (marks === undefined) return undefined;
    header = marks.end;
  }
  if (uint32(bytes, 6) !== bytes.length - header) return undefined;
  if ((flags & ABSENT) !== 0 && bytes.length !== header) return undefined;
  // Not subarray: of the Buffers that drivers on Node give, that costs three times as much.
  const payload = (flags & ABSENT) === 0
    ? new Uint8Array(bytes.buffer, bytes.byteOffset + header, bytes.length - header)
    : undefined;
  return marks === undefined ? { payload, freshUntil } : { payload, freshUntil, tags: marks.tags };
}

/** The tags of a whole value of this type; none of any other bytes. */
export function tagsWithin(hash: number, bytes: Uint8Array | undefined): readonly TagVersion[] {
  if (bytes === undefined || (bytes[1]! & TAGGED) === 0) return [];
  return unseal(hash, bytes)?.tags ?? [];
}
