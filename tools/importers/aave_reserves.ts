import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AssetType } from "../../gen/ts/cqc/assets/v1/mod.ts";
import {
  InstrumentSchema,
  LendingBorrowSchema,
  LendingDepositSchema,
  MarketSchema,
} from "../../gen/ts/cqc/markets/v1/mod.ts";
import { type AaveReserve, type AaveReserveRow, readReserve } from "./aave_reserve_reader.ts";
import { deploymentIdOf, evmToken, type ImportOptions } from "./evm_token.ts";
import { idOf } from "./ids.ts";
import { type Imported, imported, type Outcome, type Reason, settle } from "./outcome.ts";

/** Options of the import of reserves. */
export interface ReserveOptions extends ImportOptions {
  /** Ids of deployments that are imported already: of these a reserve gives no asset of its own. */
  readonly known: ReadonlySet<string>;
}

const absent = (type: string, field: string, reason: string): Reason => ({
  type,
  field,
  rule: "import.not_in_the_package",
  reason,
});

/** The instrument of one side of a reserve, and its market at the pool. */
async function sideOf(
  side: "DEPOSIT" | "BORROW",
  { pool, key, number, addresses }: AaveReserve,
  { at, underlyingId }: { readonly at: number; readonly underlyingId: string },
): Promise<[instrument: Imported, market: Imported]> {
  const times = { createdAt: timestampFromMs(at), updatedAt: timestampFromMs(at) };
  const name = `${pool.venueId}/${key}/${side.toLowerCase()}`;
  const id = await idOf("instrument", name);
  const marketId = await idOf("market", name);
  return [
    imported(InstrumentSchema, id, {
      ...times,
      id,
      instrumentType: `LENDING_${side}`,
      code: `${pool.venueId.toUpperCase()}:${key}:${side}`,
      displayName: `${key} ${side.toLowerCase()}, ${pool.name}`,
      isActive: true,
    }),
    imported(MarketSchema, marketId, {
      ...times,
      id: marketId,
      instrumentId: id,
      venueId: pool.venueId,
      venueSymbol: `${key}:${side.toLowerCase()}`,
      venueInstrumentId: String(number),
      settlementAssetId: underlyingId,
      // Whether the reserve is frozen or paused is on the chain alone.
      status: "pending",
      metadata: { ...addresses },
    }),
  ];
}

/**
 * A reserve of `@bgd-labs/aave-address-book`: an instrument to deposit and one to borrow, each with
 * its market at the pool, and the token as an asset where no list has it.
 *
 * Its ratios are on the chain alone, so `Market.lending`, which cannot be without them, stays unset
 * and the addresses of the reserve are in the metadata of the market.
 *
 * @param row The reserve.
 */
export async function importAaveReserve(
  row: AaveReserveRow,
  { at, known }: ReserveOptions,
): Promise<Outcome> {
  const [reserve, problems] = readReserve(row);
  if (reserve === undefined) return settle([], problems);
  const { pool, key, network, decimals, underlying } = reserve;
  const assetType = AssetType.ERC20;
  const token = { network, address: underlying, symbol: key, name: key, decimals, assetType };
  const assets = await evmToken(token, { at });
  const underlyingId = assets[0]!.key;
  const assetIdOf = async (address: string): Promise<string | undefined> => {
    const deployment = deploymentIdOf(network, address);
    return known.has(deployment) ? await idOf("asset", deployment) : undefined;
  };
  const receiptAssetId = await assetIdOf(reserve.aToken);
  const debtAssetId = await assetIdOf(reserve.vToken);
  const [deposit, depositMarket] = await sideOf("DEPOSIT", reserve, { at, underlyingId });
  const [borrow, borrowMarket] = await sideOf("BORROW", reserve, { at, underlyingId });
  const common = {
    underlyingAssetId: underlyingId,
    protocol: pool.protocol,
    createdAt: timestampFromMs(at),
    updatedAt: timestampFromMs(at),
  };
  const messages = [
    deposit,
    imported(LendingDepositSchema, deposit.key, {
      ...common,
      instrumentId: deposit.key,
      accrual: "REBASING",
      term: "OPEN",
      ...receiptAssetId === undefined ? {} : { receiptAssetId },
    }),
    depositMarket,
    borrow,
    imported(LendingBorrowSchema, borrow.key, {
      ...common,
      instrumentId: borrow.key,
      rateType: "VARIABLE",
      ...debtAssetId === undefined ? {} : { debtAssetId },
    }),
    borrowMarket,
    ...known.has(deploymentIdOf(network, underlying)) ? [] : assets,
  ];
  const unlisted = "no token list has the token";
  return settle(messages, problems, [
    absent(MarketSchema.typeName, "lending", "the ratios are on the chain alone"),
    ...receiptAssetId !== undefined
      ? []
      : [absent(LendingDepositSchema.typeName, "receipt_asset_id", unlisted)],
    ...debtAssetId !== undefined
      ? []
      : [absent(LendingBorrowSchema.typeName, "debt_asset_id", unlisted)],
  ]);
}
