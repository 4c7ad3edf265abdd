import { AssetDeploymentSchema, AssetType } from "../../gen/ts/cqc/assets/v1/mod.ts";
import { addressProblems, evmToken, type ImportOptions } from "./evm_token.ts";
import { type Outcome, rowProblem, settle } from "./outcome.ts";
import { isText, rowReader } from "./row_reader.ts";

/** Labels of the list for claims on a deposit: aTokens, their wrappers, staked ones. */
const CLAIMS: ReadonlySet<unknown> = new Set([
  "aTokenV2",
  "aTokenV3",
  "staticAT",
  "stataToken",
  "uStkToken",
]);

/**
 * A token of the token list of `@bgd-labs/aave-address-book` as an asset, its deployment and its
 * outside id.
 *
 * @param row The row; any JSON value.
 */
export async function importAaveToken(row: unknown, options: ImportOptions): Promise<Outcome> {
  const reader = rowReader(row);
  const network = reader.integer("chainId");
  const address = reader.text("address") ?? "";
  const logoUrl = reader.text("logoURI");
  const tags = reader.list("tags") ?? [];
  const problems = addressProblems(AssetDeploymentSchema.typeName, "address", address);
  if (network === undefined || network < 1) {
    problems.push(rowProblem("chainId", "required", "must be the number of a chain"));
  }
  if (!tags.every(isText)) {
    problems.push(
      rowProblem("tags", "type", "must be a list of well-formed texts without unseen characters"),
    );
  }
  const messages = await evmToken({
    network: network ?? 0,
    address,
    symbol: reader.text("symbol"),
    name: reader.text("name"),
    decimals: reader.integer("decimals"),
    assetType: tags.some((tag) => CLAIMS.has(tag)) ? AssetType.RECEIPT_TOKEN : AssetType.ERC20,
    asset: {
      tags: tags.filter(isText),
      ...logoUrl === undefined ? {} : { logoUrl },
    },
  }, options);
  return settle(messages, [...reader.problems, ...problems]);
}
