import assert from "node:assert/strict";
import { test } from "node:test";
import { importAaveReserve } from "../../tools/importers/aave_reserves.ts";
import { type Batch, importRows } from "../../tools/importers/batch.ts";
import { importToken } from "../../tools/importers/tokens.ts";
import { AT } from "./_importers.ts";

const DAI = "0x6B175474E89094C44Da98b954EedeAC495271d0F";
const ROW = { name: "Dai Stablecoin", erc20: true, symbol: "DAI", decimals: 18 };
const tokens = (...rows: [string, unknown][]): Promise<Batch> =>
  importRows(
    rows.map(([name, row]) => ({ name, row })),
    ({ name, row }) => importToken(name, row, { at: AT }),
  );
const refusals = (batch: Batch): string[] =>
  batch.refused.map(({ name, reasons }) => `${name} ${reasons.map(({ rule }) => rule).join()}`);

test("importRows() refuses a row that was there before, whatever its capitals", async () => {
  const batch = await tokens([DAI, ROW], [DAI.toLowerCase(), ROW]);
  assert.equal(batch.rows, 2);
  assert.equal(batch.messages.length, 3);
  assert.deepEqual(refusals(batch), [
    `${DAI.toLowerCase()} import.duplicate`,
  ]);
  assert.match(batch.refused[0]!.reasons[0]!.reason, new RegExp(`^${DAI} gave the same`));
});

test("importRows() refuses a row that contradicts one before", async () => {
  const batch = await tokens([DAI, ROW], [DAI.toLowerCase(), { ...ROW, decimals: 6 }]);
  assert.deepEqual(refusals(batch), [
    `${DAI.toLowerCase()} import.duplicate,import.conflict`,
  ]);
});

test("importRows() takes nothing of a row that is refused", async () => {
  const batch = await tokens([DAI, { ...ROW, symbol: "" }]);
  assert.deepEqual(batch.messages, []);
  assert.deepEqual(refusals(batch), [`${DAI} string.pattern`]);
});

test("importRows() of no rows is empty", async () => {
  const batch = await tokens();
  assert.deepEqual([batch.rows, batch.messages, batch.refused, batch.omitted], [0, [], [], []]);
});

test("importRows() lets two pools lend the same token, and refuses it under two names", async () => {
  const reserve = {
    decimals: 18,
    id: 0,
    UNDERLYING: DAI,
    A_TOKEN: "0x018008bfb33d285247A21d44E50697654f754e63",
    V_TOKEN: "0xcF8d0c70c850859266f5C338b38F9D663181C314",
  };
  const pool = { CHAIN_ID: 1, POOL: "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2" };
  const rows = [
    { poolName: "AaveV3Ethereum", key: "DAI" },
    { poolName: "AaveV3EthereumLido", key: "DAI" },
    { poolName: "AaveV3EthereumEtherFi", key: "USDC" },
  ];
  const batch = await importRows(
    rows.map((row) => ({ name: row.poolName, row: { ...row, pool, row: reserve } })),
    ({ row }) => importAaveReserve(row, { at: AT, known: new Set() }),
  );
  assert.deepEqual(refusals(batch), [
    "AaveV3EthereumEtherFi import.conflict",
  ]);
  assert.equal(batch.messages.length, 2 * 6 + 3);
});
