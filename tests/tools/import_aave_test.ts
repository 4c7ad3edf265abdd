import assert from "node:assert/strict";
import { test } from "node:test";
import { AssetDeploymentSchema, AssetSchema, ChainSchema } from "../../gen/ts/cqc/assets/v1/mod.ts";
import {
  InstrumentSchema,
  LendingBorrowSchema,
  LendingDepositSchema,
  MarketSchema,
} from "../../gen/ts/cqc/markets/v1/mod.ts";
import { VenueSchema } from "../../gen/ts/cqc/venues/v1/mod.ts";
import { importAaveReserve } from "../../tools/importers/aave_reserves.ts";
import { importAaveToken } from "../../tools/importers/aave_tokens.ts";
import { importAaveVenue } from "../../tools/importers/aave_venues.ts";
import { aaveRows, importAave, importChains } from "../../tools/importers/sources.ts";
import { assertRepeatable, assertSound, AT, countsOf, jsonOf, said, taken } from "./_importers.ts";

/** The import of the whole package, once for all tests. */
const everything = importAave({ at: AT });

const WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2";
const A_WETH = "0x4d5F47FA6A74757f35C14fD3a6Ef8E3C9BC514E8";
const V_WETH = "0xeA51d7853EEFb32b6ee06b1C12E6dcCA88Be0fFE";
const POOL = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2";
const ZERO = `0x${"0".repeat(40)}`;

const TOKEN = {
  chainId: 1,
  address: WETH,
  name: "Wrapped Ether",
  decimals: 18,
  symbol: "WETH",
  tags: ["underlying"],
  logoURI: "https://assets.example.com/weth.svg",
};
const RESERVE = {
  decimals: 18,
  id: 0,
  UNDERLYING: WETH,
  A_TOKEN: A_WETH,
  V_TOKEN: V_WETH,
  ORACLE: "0x5424384B256154046E9667dDFaaa5e550145215e",
  INTEREST_RATE_STRATEGY: ZERO,
};
const BOOK = { CHAIN_ID: 1, POOL, ASSETS: { WETH: RESERVE } };

const reserveFrom = (row: unknown, { pool = BOOK, poolName = "AaveV3Ethereum", key = "WETH" }: {
  pool?: unknown;
  poolName?: string;
  key?: string;
} = {}) => importAaveReserve({ poolName, pool, key, row }, { at: AT, known: new Set() });
const tokenFrom = (row: unknown) => importAaveToken(row, { at: AT });
const venueFrom = (row: unknown, name = "AaveV3Ethereum") => importAaveVenue(name, row, { at: AT });

test("importAave() takes 1286 of the 1287 rows of the package and names the other", async () => {
  const { tokens, pools, reserves } = aaveRows();
  assert.deepEqual([tokens.length, pools.length, reserves.length], [857, 36, 394]);
  const batch = await everything;
  assert.equal(batch.rows, 1287);
  assert.deepEqual(countsOf(batch), {
    // 857 of the list, and 38 of test networks that are in no list.
    "cqc.assets.v1.Asset": 895,
    "cqc.assets.v1.AssetDeployment": 895,
    "cqc.assets.v1.AssetIdentifier": 895,
    "cqc.venues.v1.Venue": 35,
    "cqc.markets.v1.Instrument": 788,
    "cqc.markets.v1.LendingDeposit": 394,
    "cqc.markets.v1.LendingBorrow": 394,
    "cqc.markets.v1.Market": 788,
  });
  assert.deepEqual(
    batch.refused.map(({ name, reasons }) => [name, ...reasons.map(({ rule }) => rule)]),
    // The first version's pools have no reserves in the package.
    [["AaveV1", "import.required", "import.pool_name"]],
  );
  assert.deepEqual(batch.omitted.map(({ reason, count }) => [reason.field, count]), [
    ["lending", 394],
    ["debt_asset_id", 394],
    ["receipt_asset_id", 40],
  ]);
});

test("importAave() gives valid messages that survive bytes and JSON", async () => {
  assertSound((await everything).messages);
});

test("importAave() is repeatable", async () => {
  await assertRepeatable(importAave);
});

test("importAave() refers only to assets, instruments and venues that it gives", async () => {
  const { messages } = await everything;
  const keys = (schema: typeof messages[number]["schema"]): Set<unknown> =>
    new Set(messages.filter((each) => each.schema === schema).map(({ key }) => key));
  const [assets, instruments, venues] = [AssetSchema, InstrumentSchema, VenueSchema].map(keys);
  for (const each of jsonOf(messages, AssetDeploymentSchema)) {
    assert.ok(assets!.has(each["asset_id"]));
  }
  for (const schema of [LendingDepositSchema, LendingBorrowSchema]) {
    for (const each of jsonOf(messages, schema)) {
      assert.ok(assets!.has(each["underlying_asset_id"]));
      assert.ok(instruments!.has(each["instrument_id"]));
      assert.ok(assets!.has(each["receipt_asset_id"] ?? each["underlying_asset_id"]));
    }
  }
  for (const each of jsonOf(messages, MarketSchema)) {
    assert.ok(instruments!.has(each["instrument_id"]));
    assert.ok(venues!.has(each["venue_id"]));
    assert.ok(assets!.has(each["settlement_asset_id"]));
  }
});

test("importAave() gives each code of an instrument and each symbol of a venue once", async () => {
  const { messages } = await everything;
  const codes = jsonOf(messages, InstrumentSchema).map((each) => each["code"]);
  assert.equal(new Set(codes).size, 788);
  const symbols = jsonOf(messages, MarketSchema).map((each) =>
    `${each["venue_id"]} ${each["venue_symbol"]}`
  );
  assert.equal(new Set(symbols).size, 788);
});

test("importAave() knows a chain by the same name as importChains()", async () => {
  const chains = jsonOf((await importChains({ at: AT })).messages, ChainSchema);
  const known = new Set(chains.map((each) => each["chain_id"]));
  const venues = jsonOf((await everything).messages, VenueSchema);
  const used = new Set(venues.map((each) => each["chain_id"]));
  // Chains that are younger than the version of the list of chains.
  assert.deepEqual([...used].filter((id) => !known.has(id)).sort(), [
    "ink",
    "megaeth",
    "plasma",
    "soneium",
    "sonic",
  ]);
  assert.deepEqual([...used].filter((id) => String(id).startsWith("eip155-")), []);
});

test("importAaveReserve() makes two instruments with their markets and the token of a row", async () => {
  const messages = taken(await reserveFrom(RESERVE));
  assert.deepEqual(
    jsonOf(messages, InstrumentSchema).map((each) => [each["instrument_type"], each["code"]]),
    [
      ["LENDING_DEPOSIT", "AAVE-V3-ETHEREUM:WETH:DEPOSIT"],
      ["LENDING_BORROW", "AAVE-V3-ETHEREUM:WETH:BORROW"],
    ],
  );
  assert.deepEqual(jsonOf(messages, AssetSchema).map((each) => each["symbol"]), ["WETH"]);
  const [deposit, borrow] = jsonOf(messages, MarketSchema);
  assert.deepEqual([deposit!["venue_symbol"], borrow!["venue_symbol"]], [
    "WETH:deposit",
    "WETH:borrow",
  ]);
  assert.equal(deposit!["status"], "pending");
  assert.deepEqual(deposit!["metadata"], {
    pool: POOL.toLowerCase(),
    underlying: WETH.toLowerCase(),
    a_token: A_WETH.toLowerCase(),
    v_token: V_WETH.toLowerCase(),
    oracle: RESERVE.ORACLE.toLowerCase(),
  });
});

test("importAaveReserve() gives no asset of what a list has, and names the receipt", async () => {
  const known = new Set([WETH, A_WETH].map((address) => `ethereum:${address.toLowerCase()}`));
  const row = { poolName: "AaveV3Ethereum", pool: BOOK, key: "WETH", row: RESERVE };
  const messages = taken(await importAaveReserve(row, { at: AT, known }));
  assert.deepEqual(jsonOf(messages, AssetSchema), []);
  const [token] = taken(await tokenFrom({ ...TOKEN, address: A_WETH }));
  const [deposit] = jsonOf(messages, LendingDepositSchema);
  assert.equal(deposit!["receipt_asset_id"], token!.key);
});

test("importAaveVenue() reads the name of a pool", () => {
  const nameOf = (name: string): unknown[] => {
    const [venue] = jsonOf(taken(venueFrom(BOOK, name)), VenueSchema);
    return [venue!["venue_id"], venue!["name"], venue!["is_sandbox"]];
  };
  assert.deepEqual(nameOf("AaveV3EthereumLido"), [
    "aave-v3-ethereum-lido",
    "Aave V3 Ethereum Lido",
    false,
  ]);
  assert.deepEqual(nameOf("AaveV2EthereumAMM"), [
    "aave-v2-ethereum-amm",
    "Aave V2 Ethereum AMM",
    false,
  ]);
  assert.deepEqual(nameOf("AaveV3Fuji"), ["aave-v3-fuji", "Aave V3 Fuji", true]);
});

test("importAaveToken() tells claims on deposits from other tokens", async () => {
  const typeOf = async (tags: string[]): Promise<unknown> =>
    jsonOf(taken(await tokenFrom({ ...TOKEN, tags })), AssetSchema)[0]!["asset_type"];
  assert.equal(await typeOf(["underlying"]), "ASSET_TYPE_ERC20");
  assert.equal(await typeOf(["aTokenV3", "aaveV3"]), "ASSET_TYPE_RECEIPT_TOKEN");
});

const [ASSET, DEPLOYMENT, INSTRUMENT] = [
  "cqc.assets.v1.Asset",
  "cqc.assets.v1.AssetDeployment",
  "cqc.markets.v1.Instrument",
];

test("importAaveToken() refuses rows that cannot be a token", async () => {
  const reasons = async (change: object): Promise<readonly string[]> =>
    said(await tokenFrom({ ...TOKEN, ...change }));
  assert.deepEqual(await reasons({ chainId: undefined }), ["chainId import.required"]);
  assert.deepEqual(await reasons({ address: "0x1" }), [
    `${DEPLOYMENT} address import.address_form`,
  ]);
  assert.deepEqual(await reasons({ decimals: 300 }), [`${DEPLOYMENT} decimals int32.gte_lte`]);
  assert.deepEqual(await reasons({ logoURI: "weth.svg" }), [`${ASSET} logo_url string.uri`]);
  assert.deepEqual(await reasons({ tags: [1] }), ["tags import.type"]);
  assert.deepEqual(await reasons({ tags: ["a", "a"] }), [`${ASSET} tags repeated.unique`]);
  assert.deepEqual(await reasons({ tags: ["x".repeat(33)] }), [
    `${ASSET} tags[0] string.max_len`,
  ]);
});

test("importAaveVenue() refuses exports that cannot be a pool", () => {
  assert.deepEqual(said(venueFrom(BOOK, "AaveGovernanceV2")), ["import.pool_name"]);
  assert.deepEqual(said(venueFrom({ ...BOOK, ASSETS: {} })), ["ASSETS import.required"]);
  assert.deepEqual(said(venueFrom({ ...BOOK, POOL: ZERO })), [
    "cqc.venues.v1.Venue protocol_address import.address_zero",
  ]);
  assert.deepEqual(said(venueFrom({ ...BOOK, CHAIN_ID: "1" })), [
    "CHAIN_ID import.type",
    "CHAIN_ID import.required",
  ]);
});

test("importAaveReserve() refuses rows that cannot be a reserve", async () => {
  const reasons = async (change: object): Promise<readonly string[]> =>
    said(await reserveFrom({ ...RESERVE, ...change }));
  assert.deepEqual(await reasons({ V_TOKEN: undefined }), ["V_TOKEN import.address_form"]);
  assert.deepEqual(await reasons({ A_TOKEN: ZERO }), ["A_TOKEN import.address_zero"]);
  assert.deepEqual(await reasons({ UNDERLYING: WETH.replace("C", "c") }), [
    "UNDERLYING import.address_checksum",
  ]);
  assert.deepEqual(await reasons({ id: -1 }), ["id import.required"]);
  assert.deepEqual(await reasons({ decimals: 256 }), [`${DEPLOYMENT} decimals int32.gte_lte`]);
  assert.deepEqual(said(await reserveFrom(RESERVE, { pool: null })).slice(-2), [
    "AaveV3Ethereum. import.type",
    "AaveV3Ethereum.CHAIN_ID import.required",
  ]);
  assert.ok(
    said(await reserveFrom(RESERVE, { key: "W ETH" })).includes(
      `${INSTRUMENT} code string.pattern`,
    ),
  );
  assert.deepEqual(said(await reserveFrom(RESERVE, { poolName: "Aave" })), ["import.pool_name"]);
});
