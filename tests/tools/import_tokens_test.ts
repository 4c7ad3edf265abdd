import assert from "node:assert/strict";
import { test } from "node:test";
import { identifierConflicts } from "../../contracts/mod.ts";
import {
  AssetDeploymentSchema,
  type AssetIdentifier,
  AssetIdentifierSchema,
  AssetSchema,
} from "../../gen/ts/cqc/assets/v1/mod.ts";
import { importTokens, tokenRows } from "../../tools/importers/sources.ts";
import { importToken } from "../../tools/importers/tokens.ts";
import { assertRepeatable, assertSound, AT, countsOf, jsonOf, said, taken } from "./_importers.ts";

/** The import of the whole package, once for all tests. */
const everything = importTokens({ at: AT });

const DAI = "0x6B175474E89094C44Da98b954EedeAC495271d0F";
const ROW = { name: "Dai Stablecoin", logo: "dai.svg", erc20: true, symbol: "DAI", decimals: 18 };
const from = (row: unknown, address = DAI) => importToken(address, row, { at: AT });

test("importTokens() takes all 662 rows of the package", async () => {
  const batch = await everything;
  assert.deepEqual(batch.refused, []);
  assert.equal(batch.rows, 662);
  assert.equal(tokenRows().length, 662);
  assert.deepEqual(countsOf(batch), {
    "cqc.assets.v1.Asset": 662,
    "cqc.assets.v1.AssetDeployment": 662,
    "cqc.assets.v1.AssetIdentifier": 662,
  });
});

test("importTokens() gives valid messages that survive bytes and JSON", async () => {
  assertSound((await everything).messages);
});

test("importTokens() is repeatable", async () => {
  await assertRepeatable(importTokens);
});

test("importTokens() keeps the odd rows: 15 unique tokens, 24 decimals, symbols given twice", async () => {
  const { messages } = await everything;
  const assets = jsonOf(messages, AssetSchema);
  const unique = assets.filter((each) => each["asset_type"] === "ASSET_TYPE_ERC721");
  assert.equal(unique.length, 15);
  const decimals = jsonOf(messages, AssetDeploymentSchema).map((each) => Number(each["decimals"]));
  assert.equal(Math.max(...decimals), 24);
  assert.equal(new Set(assets.map((each) => each["symbol"])).size, 657);
  // A blank at the end of a name goes.
  assert.equal(assets.filter((each) => each["name"] === "Pantos Token").length, 1);
});

test("importTokens() gives identifiers that do not contradict each other", async () => {
  const { messages } = await everything;
  const identifiers = messages.filter(({ schema }) => schema === AssetIdentifierSchema)
    .map(({ message }) => message as AssetIdentifier);
  assert.deepEqual(identifierConflicts(identifiers), []);
});

test("importToken() refuses a symbol that looks like another one", async () => {
  for (const symbol of ["DA\u200bI", "\u202eIAD", "\ufeffDAI", "DAI\u2069", "D\u0085AI"]) {
    const reasons = said(await from({ ...ROW, symbol }));
    assert.ok(reasons.includes("symbol import.type"), JSON.stringify([symbol, reasons]));
  }
});

test("importToken() takes a symbol of other writing and one with joined emoji", async () => {
  for (const symbol of ["₮", "テザー", "👩\u200d🚀"]) {
    assert.equal("messages" in await from({ ...ROW, symbol }), true, symbol);
  }
});

test("importToken() makes an asset, its deployment and its id of a row", async () => {
  const times = { created_at: "2026-01-02T08:00:00Z", updated_at: "2026-01-02T08:00:00Z" };
  const assetId = "2ddd4259-eb7b-54c2-be9a-2e7d997bf93f";
  const messages = taken(await from(ROW));
  assert.deepEqual(jsonOf(messages, AssetSchema), [{
    ...times,
    asset_id: assetId,
    symbol: "DAI",
    name: "Dai Stablecoin",
    asset_type: "ASSET_TYPE_ERC20",
    is_active: true,
    metadata: { logo: "dai.svg" },
  }]);
  assert.deepEqual(jsonOf(messages, AssetDeploymentSchema), [{
    ...times,
    deployment_id: `ethereum:${DAI.toLowerCase()}`,
    asset_id: assetId,
    chain_id: "ethereum",
    is_native: false,
    address: DAI.toLowerCase(),
    decimals: 18,
    token_standard: "ERC20",
  }]);
  assert.deepEqual(jsonOf(messages, AssetIdentifierSchema), [{
    ...times,
    identifier_id: "106379d5-f392-5a46-814e-30d2060d24b1",
    asset_id: assetId,
    source: "DATA_SOURCE_TOKEN_LIST",
    external_id: `eip155:1/erc20:${DAI.toLowerCase()}`,
    is_primary: true,
  }]);
});

test("importToken() gives the same ids whatever the capitals of the address", async () => {
  const keys = async (address: string): Promise<string[]> =>
    taken(await from(ROW, address)).map(({ key }) => key);
  assert.deepEqual(await keys(DAI.toLowerCase()), await keys(DAI));
  assert.deepEqual(await keys(`0x${DAI.slice(2).toUpperCase()}`), await keys(DAI));
});

const asset = "cqc.assets.v1.Asset";
const deployment = "cqc.assets.v1.AssetDeployment";

const REFUSED: Readonly<Record<string, readonly [row: unknown, reasons: string[], key?: string]>> =
  {
    "a wrong checksum": [
      ROW,
      [`${deployment} address import.address_checksum`],
      DAI.replace("B", "b"),
    ],
    "a short address": [ROW, [`${deployment} address import.address_form`], DAI.slice(0, -1)],
    "an address of another family": [
      ROW,
      [`${deployment} address import.address_form`],
      "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
    ],
    "the zero address": [ROW, [`${deployment} address import.address_zero`], `0x${"0".repeat(40)}`],
    "no symbol": [{ ...ROW, symbol: undefined }, [`${asset} symbol required`]],
    "an empty symbol": [{ ...ROW, symbol: "" }, [`${asset} symbol string.pattern`]],
    "a symbol with a blank": [{ ...ROW, symbol: "D AI" }, [`${asset} symbol string.pattern`]],
    "a symbol of 33 characters": [{ ...ROW, symbol: "D".repeat(33) }, [
      `${asset} symbol string.max_len`,
    ]],
    "no name": [{ ...ROW, name: undefined }, [`${asset} name required`]],
    "a blank name": [{ ...ROW, name: "  " }, [`${asset} name string.min_len`]],
    "a name that is no text": [{ ...ROW, name: 1 }, ["name import.type", `${asset} name required`]],
    "a name with half a character": [
      { ...ROW, name: "\ud800" },
      ["name import.type", `${asset} name required`],
    ],
    "no decimals": [{ ...ROW, decimals: null }, [`${deployment} decimals required`]],
    "256 decimals": [{ ...ROW, decimals: 256 }, [`${deployment} decimals int32.gte_lte`]],
    "negative decimals": [{ ...ROW, decimals: -1 }, [`${deployment} decimals int32.gte_lte`]],
    "decimals beyond 32 bits": [{ ...ROW, decimals: 2 ** 40 }, [
      `${deployment} decimals int32.gte_lte`,
    ]],
    "half a decimal": [
      { ...ROW, decimals: 1.5 },
      ["decimals import.type", `${deployment} decimals required`],
    ],
    "decimals as text": [
      { ...ROW, decimals: "18" },
      ["decimals import.type", `${deployment} decimals required`],
    ],
    "two standards": [{ ...ROW, erc721: true }, [`${asset} asset_type import.one_standard`]],
    "no standard": [{ ...ROW, erc20: false }, [`${asset} asset_type import.one_standard`]],
  };

for (const [what, [row, reasons, key]] of Object.entries(REFUSED)) {
  test(`importToken() refuses ${what}`, async () => {
    assert.deepEqual(said(await from(row, key)), reasons);
  });
}

test("importToken() names everything that is wrong with a row that is no object", async () => {
  for (const row of [null, [], "DAI", 7, true]) {
    const reasons = said(await from(row));
    assert.ok(reasons.includes("import.type"), String(row));
    assert.ok(reasons.includes(`${asset} symbol required`));
  }
});

test("importToken() shows no value in its reasons", async () => {
  const outcome = await from({ ...ROW, symbol: "secret symbol", name: 7 }, "secret");
  assert.doesNotMatch(JSON.stringify(outcome), /secret/);
});
