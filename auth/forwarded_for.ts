import { requireInteger } from "../internal/options.ts";
import type { CredentialSource } from "./types.ts";

// A header of more addresses than any chain of proxies has is not read.
const MAX_HEADER_LENGTH = 2048;

/**
 * Reads the caller's address from `X-Forwarded-For`, believing only what your own proxies wrote.
 * Each proxy adds the address it was called from at the end, so the caller's is that many places
 * from the end; what stands before it is the caller's own claim and not looked at.
 *
 * @param hops How many trusted proxies stand in front, 1 to 10.
 * @returns A function for the option `source`; undefined when the header is too short.
 *
 * @example
 * ```ts
 * import { auth } from "@cq/cqi";
 * import assert from "node:assert/strict";
 *
 * const source = auth.forwardedFor(1);
 * const headers = new Headers({ "x-forwarded-for": "127.0.0.1, 203.0.113.9" });
 * assert.equal(source({ headers }), "203.0.113.9");
 * ```
 */
export function forwardedFor(hops: number): (request: CredentialSource) => string | undefined {
  requireInteger("hops", hops, 1, 10);
  return ({ headers }) => {
    const header = headers.get("x-forwarded-for");
    if (header === null || header.length > MAX_HEADER_LENGTH) return undefined;
    const address = header.split(",").at(-hops)?.trim();
    return address === "" ? undefined : address;
  };
}
