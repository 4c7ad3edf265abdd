const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CODES: Readonly<Record<string, number>> = Object.assign(
  Object.create(null),
  Object.fromEntries([...ALPHABET].map((letter, code) => [letter, code])),
);

/**
 * Decodes base64url (RFC 4648 section 5) in its one canonical form: no padding, no spaces, no
 * other alphabet, unused last bits zero (section 3.5). So no two texts stand for the same bytes.
 *
 * @returns The bytes, or undefined when the text is anything else.
 */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor(text.length * 3 / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of text) {
    const code = CODES[letter];
    if (code === undefined) return undefined;
    held = (held << 6 | code) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits & 0xff;
    }
  }
  return (held & (1 << bits) - 1) === 0 ? bytes : undefined;
}
