import { uuidV5 } from "../../internal/ids.ts";

/** Namespace of the ids that importers make. Changing it would give every row another id. */
export const NAMESPACE = "6f0c3a52-8d1b-5e74-9a26-c1f47d3b9e05";

/**
 * Id of what a row stands for: UUID version 5 of the kind and its key within the platform, so that
 * the same row gives the same id in every import, on every machine, in every version of the list.
 *
 * @param kind What it is, for example `asset`.
 * @param key What names it apart from the list, for example `ethereum:0x6b17…`.
 */
export async function idOf(kind: string, key: string): Promise<string> {
  return await uuidV5(NAMESPACE, `${kind}:${key}`);
}

/** Networks that the platform calls by a name. A name here never changes: ids hang on it. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [1, "ethereum"],
  [10, "optimism"],
  [56, "bnb"],
  [100, "gnosis"],
  [137, "polygon"],
  [146, "sonic"],
  [324, "zksync"],
  [1088, "metis"],
  [1868, "soneium"],
  [4326, "megaeth"],
  [5000, "mantle"],
  [8453, "base"],
  [9745, "plasma"],
  [42161, "arbitrum"],
  [42220, "celo"],
  [43113, "avalanche-fuji"],
  [43114, "avalanche"],
  [57073, "ink"],
  [59144, "linea"],
  [84532, "base-sepolia"],
  [421614, "arbitrum-sepolia"],
  [534351, "scroll-sepolia"],
  [534352, "scroll"],
  [11155111, "sepolia"],
  [11155420, "optimism-sepolia"],
]);

/**
 * Id of an EVM chain in the platform: its name where the platform has one, else `eip155-{network}`.
 * It is made of the network's number alone, since lists rename chains.
 *
 * @param network EVM chain id.
 */
export function chainIdOf(network: number): string {
  return NAMES.get(network) ?? `eip155-${network}`;
}
