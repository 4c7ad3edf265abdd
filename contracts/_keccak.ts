// Keccak-256 as Ethereum uses it: the sponge of FIPS 202 with rate 1088, padded with 0x01 in place
// of SHA-3's 0x06. Written here because Web Crypto has no such hash and addresses are 40 bytes long,
// so speed does not matter.

const MASK = (1n << 64n) - 1n;
const RATE = 136;

const rotate = (lane: bigint, by: number): bigint =>
  by === 0 ? lane : ((lane << BigInt(by)) | (lane >> BigInt(64 - by))) & MASK;

/** Round constants, from the linear feedback shift register of FIPS 202, 3.2.5. */
function roundConstants(): bigint[] {
  let register = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let bit = 0; bit <= 6; bit++) {
      if (register & 1) constant |= 1n << BigInt(2 ** bit - 1);
      register = register & 0x80 ? ((register << 1) ^ 0x171) & 0xff : register << 1;
    }
    return constant;
  });
}

const CONSTANTS: readonly bigint[] = roundConstants();

/** The permutation Keccak-f[1600] on 25 lanes, lane x + 5y. */
function permute(state: bigint[]): void {
  for (const constant of CONSTANTS) {
    const columns = [0, 1, 2, 3, 4].map((x) =>
      [0, 5, 10, 15, 20].reduce((all, y) => all ^ state[x + y]!, 0n)
    );
    for (let at = 0; at < 25; at++) {
      state[at]! ^= columns[(at + 4) % 5]! ^ rotate(columns[(at + 1) % 5]!, 1);
    }
    // Steps rho and pi walk over all lanes but the first.
    let [x, y, lane] = [1, 0, state[1]!];
    for (let step = 0; step < 24; step++) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const next = state[x + 5 * y]!;
      state[x + 5 * y] = rotate(lane, ((step + 1) * (step + 2) / 2) % 64);
      lane = next;
    }
    for (let row = 0; row < 25; row += 5) {
      const old = state.slice(row, row + 5);
      for (let at = 0; at < 5; at++) {
        state[row + at] = old[at]! ^ (~old[(at + 1) % 5]! & MASK & old[(at + 2) % 5]!);
      }
    }
    state[0]! ^= constant;
  }
}

/** Hash of bytes, 32 bytes as 64 hex digits. */
export function keccak256(bytes: Uint8Array): string {
  const padded = new Uint8Array((Math.floor(bytes.length / RATE) + 1) * RATE);
  padded.set(bytes);
  padded[bytes.length]! ^= 0x01;
  padded[padded.length - 1]! ^= 0x80;
  const view = new DataView(padded.buffer);
  const state = new Array<bigint>(25).fill(0n);
  for (let block = 0; block < padded.length; block += RATE) {
    for (let lane = 0; lane < RATE / 8; lane++) {
      state[lane]! ^= view.getBigUint64(block + lane * 8, true);
    }
    permute(state);
  }
  const out = new DataView(new ArrayBuffer(32));
  for (let lane = 0; lane < 4; lane++) out.setBigUint64(lane * 8, state[lane]!, true);
  return Array.from(new Uint8Array(out.buffer), (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
