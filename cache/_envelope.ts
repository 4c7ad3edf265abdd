// What is stored: a header of 10 bytes (18 with an end of freshness), then the payload.
//   0     format, 1. No message of Protocol Buffers begins with a byte below 8
//   1     flags: bit 0 "known to be absent", bit 1 "has an end of freshness"
//   2-5   FNV-1a hash of the type's name, so that another type's bytes are not decoded as ours
//   6-9   length of the payload, so that a cut value is seen even where the cut would decode
//   10-17 end of freshness, Unix milliseconds as a float (bit 1 only)

const FORMAT = 1;
const ABSENT = 1;
const TIMED = 2;
const HEADER_BYTES = 10;
const TIMED_HEADER_BYTES = 18;
const NOTHING = new Uint8Array(0);

/** What a stored value says. */
export interface Opened {
  /** The value's bytes, a view of what was opened; undefined when the value is known to be absent. */
  readonly payload: Uint8Array | undefined;
  /** Unix milliseconds until which it is fresh; `Infinity` when the store alone decides. */
  readonly freshUntil: number;
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
 */
export function seal(
  hash: number,
  payload: Uint8Array | undefined,
  freshUntil: number,
): Uint8Array {
  const body = payload ?? NOTHING;
  const timed = freshUntil !== Infinity;
  const header = timed ? TIMED_HEADER_BYTES : HEADER_BYTES;
  const bytes = new Uint8Array(header + body.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = FORMAT;
  bytes[1] = (payload === undefined ? ABSENT : 0) | (timed ? TIMED : 0);
  view.setUint32(2, hash);
  view.setUint32(6, body.length);
  if (timed) view.setFloat64(10, freshUntil);
  bytes.set(body, header);
  return bytes;
}

// A view costs more than it saves for two numbers.
function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>>
    0;
}

/** Unwraps what a store gave; undefined when it is not a whole value of this type. */
export function unseal(hash: number, bytes: Uint8Array): Opened | undefined {
  if (bytes.length < HEADER_BYTES || bytes[0] !== FORMAT) return undefined;
  const flags = bytes[1]!;
  if (flags > (ABSENT | TIMED)) return undefined;
  const header = (flags & TIMED) === 0 ? HEADER_BYTES : TIMED_HEADER_BYTES;
  if (bytes.length < header) return undefined;
  if (uint32(bytes, 2) !== hash || uint32(bytes, 6) !== bytes.length - header) return undefined;
  const freshUntil = header === HEADER_BYTES
    ? Infinity
    : new DataView(bytes.buffer, bytes.byteOffset).getFloat64(10);
  if (Number.isNaN(freshUntil)) return undefined;
  if ((flags & ABSENT) === 0) return { payload: bytes.subarray(header), freshUntil };
  return bytes.length === header ? { payload: undefined, freshUntil } : undefined;
}
