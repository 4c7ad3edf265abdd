// IP addresses and prefixes (RFC 4632, RFC 4291) as numbers.

/** A range of addresses. */
export interface AddressRange {
  readonly bits: 32 | 128;
  readonly base: bigint;
  readonly length: number;
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split(".", 5);
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    // No leading zeros: some parsers read them as octal, so they are two addresses in one text.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value << 8n | BigInt(part);
  }
  return value;
}

function groupsOf(text: string): bigint[] | undefined {
  if (text === "") return [];
  const groups: bigint[] = [];
  const parts = text.split(":", 9);
  for (const [i, part] of parts.entries()) {
    const v4 = i === parts.length - 1 && part.includes(".") ? parseV4(part) : undefined;
    if (v4 !== undefined) groups.push(v4 >> 16n, v4 & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split("::", 3);
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!);
  const tail = halves.length === 2 ? groupsOf(halves[1]!) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<bigint>(missing).fill(0n), ...tail];
  return groups.reduce((value, group) => value << 16n | group, 0n);
}

function parseAddress(text: string): AddressRange | undefined {
  if (text.length > 45) return undefined;
  const v4 = parseV4(text);
  if (v4 !== undefined) return { bits: 32, base: v4, length: 32 };
  const v6 = text.includes(":") ? parseV6(text) : undefined;
  if (v6 === undefined) return undefined;
  // RFC 4291 section 2.5.5.2: an IPv4 address as a dual-stack socket shows it.
  if (v6 >> 32n === 0xffffn) return { bits: 32, base: v6 & 0xffffffffn, length: 32 };
  return { bits: 128, base: v6, length: 128 };
}

/** Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = "", length, ...more] = text.split("/", 3);
  const range = parseAddress(address);
  if (range === undefined || more.length > 0) return undefined;
  if (length === undefined) return range;
  if (!/^\d{1,3}$/.test(length) || Number(length) > range.bits) return undefined;
  return { ...range, length: Number(length) };
}

/** Whether an address lies in a range. Text that is no address lies in none. */
export function isInRange(address: string, range: AddressRange): boolean {
  const given = parseAddress(address);
  if (given === undefined || given.bits !== range.bits) return false;
  const shift = BigInt(range.bits - range.length);
  return given.base >> shift === range.base >> shift;
}
