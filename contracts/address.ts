import { base58Length, isBech32 } from "./_base_codes.ts";
import { keccak256 } from "./_keccak.ts";

/** Whether the capitals of a mixed address are its checksum, after EIP-55. */
function hasRightCapitals(digits: string): boolean {
  if (digits === digits.toLowerCase() || digits === digits.toUpperCase()) return true;
  const hash = keccak256(new TextEncoder().encode(digits.toLowerCase()));
  return [...digits].every((digit, at) =>
    parseInt(hash[at]!, 16) >= 8 ? digit === digit.toUpperCase() : digit === digit.toLowerCase()
  );
}

const FORMS: ReadonlyMap<string, (address: string) => boolean> = new Map(Object.entries({
  EVM: (address: string) =>
    /^0x[0-9a-fA-F]{40}$/.test(address) && hasRightCapitals(address.slice(2)),
  SVM: (address: string) => address.length <= 44 && base58Length(address) === 32,
  UTXO: (address: string) => isBech32(address) || base58Length(address) === 25,
  COSMOS: (address: string) => isBech32(address),
  MOVE: (address: string) => /^0x[0-9a-fA-F]{1,64}$/.test(address),
}));

/**
 * Whether a text has the form of an address on a chain of some family.
 *
 * EVM: 0x and 40 hex digits, and mixed capitals must be the checksum of EIP-55. SVM: base58 of 32
 * bytes. COSMOS: bech32 with its checksum. UTXO: the same, or base58 of 25 bytes (whose checksum is
 * not computed). MOVE: 0x and up to 64 hex digits. Other families have no form that is checked.
 *
 * @param chainType Family, as in `cqc.assets.v1.Chain.chain_type`.
 * @param address The text.
 *
 * @example
 * ```ts
 * import { isAddress } from "@cq/cqi/contracts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(isAddress("EVM", "0xdac17f958d2ee523a2206206994597c13d831ec7"), true);
 * assert.equal(isAddress("EVM", "0xDac17f958d2ee523a2206206994597c13d831ec7"), false);
 * ```
 */
export function isAddress(chainType: string, address: string): boolean {
  return FORMS.get(chainType)?.(address) ?? address !== "";
}
