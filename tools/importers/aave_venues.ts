import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { VenueCapability, VenueSchema, VenueType } from "../../gen/ts/cqc/venues/v1/mod.ts";
import { addressProblems, type ImportOptions } from "./evm_token.ts";
import { chainIdOf } from "./ids.ts";
import { imported, type Outcome, rowProblem, settle } from "./outcome.ts";
import { type RowReader, rowReader } from "./row_reader.ts";

/** A pool of Aave, by the name of its export: `AaveV3EthereumLido`. */
export interface AavePool {
  /** For example "aave-v3-ethereum-lido". */
  readonly venueId: string;
  /** For example "Aave V3 Ethereum Lido". */
  readonly name: string;
  /** For example "aave-v3". */
  readonly protocol: string;
  /** Whether it is on a test network, by its name. */
  readonly isSandbox: boolean;
}

/**
 * Reads the name of an export.
 *
 * @param name For example `AaveV3Ethereum`.
 */
export function poolOf(name: string): AavePool | undefined {
  const match = /^Aave(V[1-9])([A-Z][A-Za-z0-9]{0,63})$/.exec(name);
  if (match === null) return undefined;
  const [, version = "", rest = ""] = match;
  const spaced = `Aave ${version} ${rest.replace(/(?<=[a-z0-9])(?=[A-Z])/g, " ")}`;
  return {
    venueId: spaced.toLowerCase().replaceAll(" ", "-"),
    name: spaced,
    protocol: `aave-${version.toLowerCase()}`,
    isSandbox: /Sepolia|Fuji/.test(rest),
  };
}

/** The number of a pool's chain. */
export function networkOf(pool: RowReader): number | undefined {
  const network = pool.integer("CHAIN_ID");
  if (network !== undefined && network > 0) return network;
  pool.problems.push(rowProblem("CHAIN_ID", "required", "must be the number of a chain"));
  return undefined;
}

/**
 * A pool of `@bgd-labs/aave-address-book` as a venue.
 *
 * @param name Name of the export.
 * @param row The export; any JSON value.
 */
export function importAaveVenue(name: string, row: unknown, { at }: ImportOptions): Outcome {
  const reader = rowReader(row);
  const pool = poolOf(name);
  const network = networkOf(reader);
  const address = reader.text("POOL") ?? "";
  reader.problems.push(...addressProblems(VenueSchema.typeName, "protocol_address", address));
  // The addresses of a pool without reserves are of no use: nothing can be lent there.
  if (Object.keys(reader.row("ASSETS").fields).length === 0) {
    reader.problems.push(rowProblem("ASSETS", "required", "must have at least one reserve"));
  }
  if (pool === undefined) {
    reader.problems.push(rowProblem("", "pool_name", "must be Aave, a version and a network"));
    return settle([], reader.problems);
  }
  const venue = imported(VenueSchema, pool.venueId, {
    venueId: pool.venueId,
    name: pool.name,
    venueType: VenueType.LENDING,
    chainId: chainIdOf(network ?? 0),
    protocolAddress: address.toLowerCase(),
    capabilities: [VenueCapability.LENDING],
    isActive: true,
    isSandbox: pool.isSandbox,
    createdAt: timestampFromMs(at),
    updatedAt: timestampFromMs(at),
    metadata: { protocol: pool.protocol },
  });
  return settle([venue], reader.problems);
}
