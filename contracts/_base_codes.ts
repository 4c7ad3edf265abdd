// Codes in which chains write bytes: base58 (Bitcoin's alphabet) and bech32 (BIP 173, BIP 350).

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATORS: readonly number[] = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
/** What the checksum leaves over: bech32 and its successor bech32m. */
const REMAINDERS: readonly number[] = [1, 0x2bc830a3];

/** Number of bytes that a base58 text stands for, or undefined when it is none. */
export function base58Length(text: string): number | undefined {
  if (text.length > 128) return undefined;
  let value = 0n;
  for (const digit of text) {
    const at = BASE58.indexOf(digit);
    if (at === -1) return undefined;
    value = value * 58n + BigInt(at);
  }
  const zeros = /^1*/.exec(text)![0].length;
  return zeros + (value === 0n ? 0 : Math.ceil(value.toString(16).length / 2));
}

/** Whether a text is bech32 or bech32m with a right checksum. Capitals and small letters do not mix. */
export function isBech32(text: string): boolean {
  const lower = text.toLowerCase();
  if (text.length > 90 || (text !== lower && text !== text.toUpperCase())) return false;
  const at = lower.lastIndexOf("1");
  const [prefix, data] = [lower.slice(0, at), lower.slice(at + 1)];
  if (at < 1 || data.length < 6 || !/^[\x21-\x7e]+$/.test(prefix)) return false;
  const codes = [...prefix].map((letter) => letter.charCodeAt(0));
  const digits = [...data].map((letter) => BECH32.indexOf(letter));
  if (digits.includes(-1)) return false;
  let sum = 1;
  for (const value of [...codes.map((c) => c >> 5), 0, ...codes.map((c) => c & 31), ...digits]) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of GENERATORS.entries()) {
      if ((top >> bit) & 1) sum ^= generator;
    }
  }
  return REMAINDERS.includes(sum);
}
