import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { isAddress } from "../../contracts/mod.ts";
import { keccak256 } from "../../contracts/_keccak.ts";

test("keccak256, has the published values", () => {
  const hash = (text: string) => keccak256(new TextEncoder().encode(text));
  assert.equal(hash(""), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  assert.equal(hash("abc"), "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
});

test("keccak256, takes input around and beyond its block of 136 bytes", () => {
  const hashes = [134, 135, 136, 137, 272].map((length) => keccak256(new Uint8Array(length)));
  assert.equal(new Set(hashes).size, 5);
  assert.ok(hashes.every((hash) => /^[0-9a-f]{64}$/.test(hash)));
});

// The addresses of EIP-55 itself.
const CHECKSUMMED = [
  "0x52908400098527886E0F7030069857D2E4169EE7",
  "0xde709f2102306220921060314715629080e2fb77",
  "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
  "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
  "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
  "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
];

test("isAddress, takes the addresses of EIP-55 as they are, in small letters and in capitals", () => {
  for (const address of CHECKSUMMED) {
    assert.ok(isAddress("EVM", address), address);
    assert.ok(isAddress("EVM", address.toLowerCase()), address);
    assert.ok(isAddress("EVM", `0x${address.slice(2).toUpperCase()}`), address);
  }
});

test("isAddress, refuses an EVM address with one letter of the wrong size", () => {
  const address = CHECKSUMMED[2]!;
  for (let at = 2; at < address.length; at++) {
    const letter = address[at]!;
    const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
    if (other === letter) continue;
    assert.equal(isAddress("EVM", address.slice(0, at) + other + address.slice(at + 1)), false);
  }
});

for (
  const [chain, good, bad] of [
    ["EVM", "0xdac17f958d2ee523a2206206994597c13d831ec7", [
      "0xdac17f958d2ee523a2206206994597c13d831ec",
      "dac17f958d2ee523a2206206994597c13d831ec7",
      "0xdac17f958d2ee523a2206206994597c13d831ec7\n",
      "0xgac17f958d2ee523a2206206994597c13d831ec7",
    ]],
    ["SVM", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", [
      "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEG",
      "0PjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
      "1",
    ]],
    ["UTXO", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", [
      "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
      "bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
      "bc1",
    ]],
    ["UTXO", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", []],
    ["UTXO", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", ["1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf"]],
    ["COSMOS", "cosmos1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnrql8a", [
      "cosmos1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnrql8b",
      "cosmos",
    ]],
    ["MOVE", "0x1", ["0x", `0x${"1".repeat(65)}`]],
    ["TVM", "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs", [""]],
  ] as const
) {
  test(`isAddress, tells ${chain} addresses like ${good.slice(0, 12)} from others`, () => {
    assert.equal(isAddress(chain, good), true);
    for (const text of bad) assert.equal(isAddress(chain, text), false, text);
  });
}

test("isAddress, answers for any text of any family, and soon", () => {
  fc.assert(fc.property(
    fc.constantFrom("EVM", "SVM", "UTXO", "COSMOS", "MOVE", "OTHER", "__proto__", "constructor"),
    fc.oneof(fc.string({ maxLength: 200 }), fc.constant("1".repeat(100_000))),
    (chain, text) => {
      assert.equal(typeof isAddress(chain, text), "boolean");
    },
  ));
});
