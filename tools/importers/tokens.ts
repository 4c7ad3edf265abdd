import { AssetDeploymentSchema, AssetSchema, AssetType } from "../../gen/ts/cqc/assets/v1/mod.ts";
import { addressProblems, evmToken, type ImportOptions } from "./evm_token.ts";
import { type Outcome, settle } from "./outcome.ts";
import { rowReader } from "./row_reader.ts";

/** The list is of Ethereum alone. */
const ETHEREUM = 1;

/**
 * A token of `@metamask/contract-metadata` as an asset, its deployment and its outside id.
 *
 * @param address Key of the row: the address of the contract.
 * @param row The row; any JSON value.
 */
export async function importToken(
  address: string,
  row: unknown,
  options: ImportOptions,
): Promise<Outcome> {
  const reader = rowReader(row);
  const [isErc20, isErc721] = [reader.flag("erc20") ?? false, reader.flag("erc721") ?? false];
  const logo = reader.text("logo");
  const problems = addressProblems(AssetDeploymentSchema.typeName, "address", address);
  if (isErc20 === isErc721) {
    problems.push({
      type: AssetSchema.typeName,
      field: "asset_type",
      rule: "import.one_standard",
      reason: "exactly one of erc20 and erc721 must be true",
    });
  }
  const messages = await evmToken({
    network: ETHEREUM,
    address,
    symbol: reader.text("symbol"),
    name: reader.text("name"),
    decimals: reader.integer("decimals"),
    assetType: isErc721 ? AssetType.ERC721 : AssetType.ERC20,
    // The name of a file in the package, which is no address that others could open.
    ...logo === undefined ? {} : { asset: { metadata: { logo } } },
  }, options);
  return settle(messages, [...reader.problems, ...problems]);
}
