import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { isAddress } from "../../contracts/mod.ts";
import {
  type Asset,
  AssetDeploymentSchema,
  AssetIdentifierSchema,
  AssetSchema,
  AssetType,
  DataSource,
} from "../../gen/ts/cqc/assets/v1/mod.ts";
import { chainIdOf, idOf } from "./ids.ts";
import { type Imported, imported, type Reason } from "./outcome.ts";

/** Options of an import. */
export interface ImportOptions {
  /** When the import takes place, in milliseconds since 1970: `created_at` and `updated_at`. */
  readonly at: number;
}

/** What lists say of a token on an EVM chain. */
export interface EvmToken {
  /** EVM chain id. */
  readonly network: number;
  /** Address of the contract, with or without the capitals of EIP-55. */
  readonly address: string;
  /** Symbol, name and decimals as the list has them; blanks around the name go. */
  readonly symbol: string | undefined;
  readonly name: string | undefined;
  readonly decimals: number | undefined;
  /** ERC20 or one built on it, or ERC721. */
  readonly assetType: AssetType;
  /** Further fields of the asset. */
  readonly asset?: Partial<Pick<Asset, "logoUrl" | "tags" | "metadata">>;
}

const ZERO = /^0x0{40}$/;

/** What is wrong with an address of a contract on an EVM chain. */
export function addressProblems(type: string, field: string, address: string): Reason[] {
  const problem = (rule: string, reason: string): Reason[] => [
    { type, field, rule: `import.${rule}`, reason },
  ];
  if (!/^0x[0-9a-fA-F]{40}$/.test(address)) {
    return problem("address_form", "must be 0x and 40 hex digits");
  }
  if (!isAddress("EVM", address)) {
    return problem("address_checksum", "must have the capitals of EIP-55, or none");
  }
  return ZERO.test(address) ? problem("address_zero", "must not be the zero address") : [];
}

/** Id of the deployment of a contract: the chain and the address without capitals. */
export function deploymentIdOf(network: number, address: string): string {
  return `${chainIdOf(network)}:${address.toLowerCase()}`;
}

/**
 * The asset of a token, its deployment and its id in CAIP-19. Each contract is an asset of its own:
 * that two contracts are one asset on two chains is no fact of these lists.
 */
export async function evmToken(token: EvmToken, { at }: ImportOptions): Promise<Imported[]> {
  const { network, symbol, decimals, assetType } = token;
  const address = token.address.toLowerCase();
  const deploymentId = deploymentIdOf(network, address);
  const standard = assetType === AssetType.ERC721 ? "erc721" : "erc20";
  const externalId = `eip155:${network}/${standard}:${address}`;
  const assetId = await idOf("asset", deploymentId);
  const identifierId = await idOf("identifier", externalId);
  const times = { createdAt: timestampFromMs(at), updatedAt: timestampFromMs(at) };
  return [
    imported(AssetSchema, assetId, {
      ...token.asset,
      ...times,
      assetId,
      assetType,
      isActive: true,
      ...symbol === undefined ? {} : { symbol },
      ...token.name === undefined ? {} : { name: token.name.trim() },
    }),
    imported(AssetDeploymentSchema, deploymentId, {
      ...times,
      deploymentId,
      assetId,
      address,
      chainId: chainIdOf(network),
      isNative: false,
      tokenStandard: standard === "erc20" ? "ERC20" : "OTHER",
      ...decimals === undefined ? {} : { decimals },
    }),
    imported(AssetIdentifierSchema, identifierId, {
      ...times,
      identifierId,
      assetId,
      externalId,
      source: DataSource.TOKEN_LIST,
      isPrimary: true,
    }),
  ];
}
