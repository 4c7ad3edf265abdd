import type { HeaderValue } from "../bus/mod.ts";

/** Headers as they stand in the table: text as it is, bytes as an object. */
export type StoredHeaders = readonly (readonly [string, string | { readonly base64: string }])[];

/** Makes headers of a record fit for JSON. */
export function storedHeaders(headers: ReadonlyMap<string, HeaderValue>): StoredHeaders {
  return [...headers].map(([name, value]) =>
    typeof value === "string" ? [name, value] : [name, { base64: toBase64(value) }]
  );
}

/** Reads headers of the table, as they were when they were written. */
export function readHeaders(stored: StoredHeaders): Map<string, HeaderValue> {
  return new Map(
    stored.map(([name, value]) => [
      name,
      typeof value === "string" ? value : fromBase64(value.base64),
    ]),
  );
}

function toBase64(bytes: Uint8Array): string {
  // Bounded by the bus at 8 KiB a header.
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
