import { uuidV5, uuidV7 } from "../internal/ids.ts";
import type { Clock } from "./clock.ts";

/** Randomness, as the whole library sees it. Inject another one to make a run repeatable. */
export interface Random {
  /**
   * Fresh bytes, fit for ids and secrets in the default source.
   *
   * @param length How many bytes, 0 to 65,536.
   */
  bytes(length: number): Uint8Array;
  /** A number from 0 (inclusive) to 1 (exclusive), for jitter and sampling. */
  next(): number;
}

/**
 * A new id: UUID version 7 (RFC 9562 section 5.7), so ids sort by the time they were made.
 *
 * @param clock Gives the millisecond.
 * @param random Gives the other 74 bits.
 */
export function uuid(clock: Clock, random: Random): string {
  return uuidV7(clock.now(), random.bytes(16));
}

/**
 * The id of a name: UUID version 5 (RFC 9562 section 5.5). The same namespace and name give the
 * same id, so a handler that runs twice makes the same event twice, and not two.
 *
 * @param namespace A UUID that names the kind of thing.
 * @param name Anything that is unique within it, such as the id of the causing event.
 * @throws {CqiError} `CQI_OPTION_INVALID` when the namespace is no UUID.
 *
 * @example
 * ```ts
 * import { uuidFromName } from "@cq/cqi/core";
 * import assert from "node:assert/strict";
 *
 * const dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
 * assert.equal(await uuidFromName(dns, "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
 * ```
 */
export function uuidFromName(namespace: string, name: string): Promise<string> {
  return uuidV5(namespace, name);
}
