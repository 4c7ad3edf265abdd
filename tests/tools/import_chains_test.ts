import assert from "node:assert/strict";
import { test } from "node:test";
import { ChainSchema } from "../../gen/ts/cqc/assets/v1/mod.ts";
import { importChain } from "../../tools/importers/chains.ts";
import { chainRows, importChains } from "../../tools/importers/sources.ts";
import { assertRepeatable, assertSound, AT, countsOf, jsonOf, said, taken } from "./_importers.ts";

/** The import of the whole package, once for all tests. */
const everything = importChains({ at: AT });

const CHAIN = "cqc.assets.v1.Chain";
const ROW = {
  name: "Ethereum Mainnet",
  chain: "ETH",
  faucets: [],
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  infoURL: "https://ethereum.org",
  shortName: "eth",
  chainId: 1,
  networkId: 1,
  slip44: 60,
  explorers: [{ name: "etherscan", url: "https://etherscan.io", standard: "EIP3091" }],
};
const from = (row: unknown) => importChain(row, { at: AT });
const chainOf = (row: unknown) => jsonOf(taken(from(row)), ChainSchema)[0]!;

/** The rows whose name says main network while their coin type is that of test networks. */
const CONTRADICTIONS = [
  "Jumbochain Mainnet",
  "ZKBase Mainnet",
  "Ruby Smart Chain MAINNET",
  "King Of Legends Mainnet",
  "EthStorage Mainnet",
  "edeXa Mainnet",
  "Aura Mainnet",
  "RACE Mainnet",
  "Orenium Mainnet Protocol",
  "BOAT Mainnet",
  "KONET Mainnet",
  "Lambda Chain Mainnet",
  "Bitlayer Mainnet",
  "zkLink Nova Mainnet",
  "Sharecle Mainnet",
  "DeepBrainChain Mainnet",
];

test("importChains() takes 1924 of the 1940 rows of the package and names the 16 others", async () => {
  const batch = await everything;
  assert.equal(batch.rows, 1940);
  assert.equal(chainRows().length, 1940);
  assert.deepEqual(countsOf(batch), { [CHAIN]: 1924 });
  assert.deepEqual(batch.refused.map(({ name }) => name), CONTRADICTIONS);
  for (const { reasons } of batch.refused) {
    assert.deepEqual(reasons.map(({ type, field, rule }) => [type, field, rule]), [
      [CHAIN, "is_testnet", "import.testnet_contradiction"],
    ]);
  }
  // An empty infoURL, or one that is no web address.
  assert.deepEqual(batch.omitted.map(({ reason, count }) => [reason.rule, count]), [
    ["import.info_url", 58],
  ]);
});

test("importChains() gives valid messages that survive bytes and JSON", async () => {
  assertSound((await everything).messages);
});

test("importChains() is repeatable", async () => {
  await assertRepeatable(importChains);
});

test("importChains() tells test networks and networks out of use", async () => {
  const chains = jsonOf((await everything).messages, ChainSchema);
  assert.equal(chains.filter((each) => each["is_testnet"] === true).length, 876);
  assert.equal(chains.filter((each) => each["is_active"] === false).length, 140);
});

test("importChains() keeps network numbers beyond 32 bits", async () => {
  const chains = jsonOf((await everything).messages, ChainSchema);
  const wide = chains.map((each) => Number(each["network_id"])).filter((id) => id > 2 ** 32);
  assert.equal(Math.max(...wide), 2_716_446_429_837_000);
  assert.equal(wide.length, 19);
});

test("importChain() makes a chain of a row", () => {
  assert.deepEqual(chainOf(ROW), {
    chain_id: "ethereum",
    chain_name: "Ethereum Mainnet",
    chain_type: "EVM",
    network_id: "1",
    caip2_id: "eip155:1",
    explorer_url: "https://etherscan.io",
    is_testnet: false,
    is_active: true,
    created_at: "2026-01-02T08:00:00Z",
    updated_at: "2026-01-02T08:00:00Z",
    metadata: {
      short_name: "eth",
      info_url: "https://ethereum.org",
      native_symbol: "ETH",
      native_decimals: 18,
    },
  });
});

test("importChain() names a chain by its number, whatever the list calls it", () => {
  const renamed = chainOf({ ...ROW, name: "Renamed", shortName: "renamed" });
  assert.equal(renamed["chain_id"], "ethereum");
  assert.equal(chainOf({ ...ROW, chainId: 4242 })["chain_id"], "eip155-4242");
});

const TESTNETS_ROWS: Readonly<Record<string, readonly [change: object, is: boolean]>> = {
  "a coin type of test networks": [{ name: "Omni", slip44: 1 }, true],
  "a name that says so": [{ name: "Sepolia" }, true],
  "a title that says so": [{ name: "Ropsten", title: "Ethereum Testnet Ropsten" }, true],
  "a short name that says so": [{ name: "X1 Network", shortName: "x1-testnet" }, true],
  "a coin that says so": [{ nativeCurrency: { ...ROW.nativeCurrency, name: "Testnet ETH" } }, true],
  "a faucet alone": [{ faucets: ["https://faucet.example.com"] }, false],
};

for (const [what, [change, is]] of Object.entries(TESTNETS_ROWS)) {
  test(`importChain() takes ${what} for ${is ? "a test network" : "no sign of one"}`, () => {
    assert.equal(chainOf({ ...ROW, name: "Some Chain", ...change })["is_testnet"], is);
  });
}

test("importChain() keeps warnings and a number of peers that differs", () => {
  const row = { ...ROW, networkId: 7, redFlags: ["reusedChainId"], status: "deprecated" };
  const { metadata, is_active } = chainOf(row) as { metadata: object; is_active: boolean };
  assert.deepEqual(metadata, {
    short_name: "eth",
    status: "deprecated",
    info_url: "https://ethereum.org",
    native_symbol: "ETH",
    native_decimals: 18,
    peer_network_id: 7,
    red_flags: ["reusedChainId"],
  });
  assert.equal(is_active, false);
});

const REFUSED: Readonly<Record<string, readonly [row: unknown, reasons: string[]]>> = {
  "no number": [
    { ...ROW, chainId: undefined },
    [`${CHAIN} chain_id string.pattern`, `${CHAIN}  chain.evm_has_network`],
  ],
  "the number zero": [{ ...ROW, chainId: 0 }, [`${CHAIN} network_id import.network_positive`]],
  "a negative number": [
    { ...ROW, chainId: -1 },
    [
      `${CHAIN} network_id import.network_positive`,
      `${CHAIN} network_id int64.gte`,
    ],
  ],
  "a number beyond 53 bits": [
    { ...ROW, chainId: 2 ** 60 },
    ["chainId import.type", `${CHAIN} chain_id string.pattern`, `${CHAIN}  chain.evm_has_network`],
  ],
  "no name": [{ ...ROW, name: undefined }, [`${CHAIN} chain_name required`]],
  "a name of 129 characters": [
    { ...ROW, name: "x".repeat(129) },
    [`${CHAIN} chain_name string.max_len`],
  ],
  "an explorer without an address that could be opened": [
    { ...ROW, explorers: [{ url: "etherscan dot io" }] },
    [`${CHAIN} explorer_url string.pattern`, `${CHAIN} explorer_url string.uri`],
  ],
  "an explorer whose address runs a script": [
    { ...ROW, explorers: [{ url: "javascript:alert(1)" }] },
    [`${CHAIN} explorer_url string.pattern`],
  ],
  "a name with a character that is not seen": [
    { ...ROW, name: "Ethereum\u0000" },
    ["name import.type", `${CHAIN} chain_name required`],
  ],
  "an explorer that is no object": [
    { ...ROW, explorers: ["https://etherscan.io"] },
    ["explorers[0]. import.type"],
  ],
  "a coin that is no object": [{ ...ROW, nativeCurrency: "ETH" }, ["nativeCurrency import.type"]],
  "coins by the half": [
    { ...ROW, nativeCurrency: { symbol: "ETH", decimals: 0.5 } },
    ["nativeCurrency.decimals import.type"],
  ],
  "words that contradict each other": [
    { ...ROW, slip44: 1 },
    [`${CHAIN} is_testnet import.testnet_contradiction`],
  ],
};

for (const [what, [row, reasons]] of Object.entries(REFUSED)) {
  test(`importChain() refuses ${what}`, () => {
    assert.deepEqual(said(from(row)), reasons);
  });
}
