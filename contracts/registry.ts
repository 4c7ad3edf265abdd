import { createRegistry, type DescMessage } from "@bufbuild/protobuf";
import { files } from "../gen/ts/files.ts";

// Built once from generated descriptors and never changed.
const registry = createRegistry(...files);

/** Descriptors of all messages of the contracts, nested ones included, ordered by full name. */
export const messageTypes: readonly DescMessage[] = [...registry]
  .filter((type) => type.kind === "message")
  .filter((type) => type.typeName.startsWith("cqc."))
  .sort((a, b) => (a.typeName < b.typeName ? -1 : 1));

const byName: ReadonlyMap<string, DescMessage> = new Map(
  messageTypes.map((type) => [type.typeName, type]),
);

/**
 * Finds the descriptor of a message of the contracts.
 *
 * @param name Full name, for example `cqc.events.v1.PriceUpdated`; a name with a type URL before
 * it (`type.googleapis.com/…`) is found too.
 * @returns The descriptor, or undefined when the contracts have no such message.
 *
 * @example
 * ```ts
 * import { messageType } from "@cq/cqi/contracts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(messageType("cqc.markets.v1.Price")?.fields[0]?.name, "market_id");
 * assert.equal(messageType("cqc.markets.v1.Nothing"), undefined);
 * ```
 */
export function messageType(name: string): DescMessage | undefined {
  return byName.get(name.slice(name.lastIndexOf("/") + 1));
}
