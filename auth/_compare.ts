/**
 * Whether two byte strings are equal, in time that depends on their lengths alone: every byte is
 * looked at, whatever the first difference.
 */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  // Lengths are public here: digests of one algorithm.
  let difference = left.length ^ right.length;
  for (let i = 0; i < left.length; i++) difference |= left[i]! ^ (right[i] ?? 0);
  return difference === 0;
}

/** SHA-256 of a text's UTF-8 bytes: 32 bytes. */
export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
