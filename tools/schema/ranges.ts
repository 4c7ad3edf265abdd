// Ranges of numbers as regular expressions, for numbers that are written as text: what JSON carries
// of 64-bit integers and durations has no `minimum`. Only syntax that ECMAScript, RE2 and Python
// have in common.

/** Alternatives as one expression. */
export function either(parts: readonly string[]): string {
  return parts.length === 1 ? parts[0]! : `(?:${parts.join("|")})`;
}

/**
 * Whole numbers from `min` to `max`, without leading zeros.
 *
 * @param min At least 0.
 * @param max At least `min`.
 */
export function integers(min: bigint, max: bigint): string {
  if (min < 0n || max < min) throw new Error(`Cannot write a range from ${min} to ${max}`);
  const parts: string[] = [];
  for (let length = String(min).length; length <= String(max).length; length++) {
    const first = length === 1 ? 0n : 10n ** BigInt(length - 1);
    const last = 10n ** BigInt(length) - 1n;
    parts.push(
      ...sameLength(String(min > first ? min : first), String(max < last ? max : last)),
    );
  }
  return either(merged(parts));
}

/** Numbers of as many digits as both bounds have. */
function sameLength(min: string, max: string): string[] {
  const rest = min.length - 1;
  const [low, high] = [min[0]!, max[0]!];
  if (rest === 0) return [digits(low, high)];
  if (/^.0*$/.test(min) && /^.9*$/.test(max)) return [digits(low, high) + some(rest)];
  if (low === high) return sameLength(min.slice(1), max.slice(1)).map((part) => low + part);
  const parts: string[] = [];
  const next = (digit: string, by: number): string => String(Number(digit) + by);
  const fromZero = /^.0*$/.test(min);
  const toNine = /^.9*$/.test(max);
  if (!fromZero) {
    parts.push(...sameLength(min.slice(1), "9".repeat(rest)).map((part) => low + part));
  }
  const from = fromZero ? low : next(low, 1);
  const to = toNine ? high : next(high, -1);
  if (from <= to) parts.push(digits(from, to) + some(rest));
  if (!toNine) parts.push(...sameLength("0".repeat(rest), max.slice(1)).map((part) => high + part));
  return parts;
}

const digits = (from: string, to: string): string => from === to ? from : `[${from}-${to}]`;
const some = (count: number): string => count === 1 ? "[0-9]" : `[0-9]{${count}}`;

/** Puts alternatives together that differ in the number of digits only: `[1-9][0-9]{2,5}`. */
function merged(parts: readonly string[]): string[] {
  const result: string[] = [];
  const lengths = new Map<string, number[]>();
  for (const part of parts) {
    const [, head = "", count = "1"] = /^([^{]*?)\[0-9\](?:\{([0-9]+)\})?$/.exec(part) ?? [];
    if (head === "" || head.includes("[0-9]")) {
      if (/^\[[0-9]-[0-9]\]$/.test(part)) lengths.set(part, [0, ...(lengths.get(part) ?? [])]);
      else result.push(part);
    } else lengths.set(head, [...(lengths.get(head) ?? []), Number(count)]);
  }
  for (const [head, counts] of lengths) {
    counts.sort((a, b) => a - b);
    let start = 0;
    for (let i = 1; i <= counts.length; i++) {
      if (counts[i] === counts[i - 1]! + 1) continue;
      result.push(head + between(counts[start]!, counts[i - 1]!));
      start = i;
    }
  }
  return result;
}

function between(min: number, max: number): string {
  if (max === 0) return "";
  if (min === max) return some(min);
  return min === 0 && max === 1 ? "[0-9]?" : `[0-9]{${min},${max}}`;
}

/** Bounds of decimals; whole numbers. */
export interface DecimalRange {
  /** The lower bound, at least 0. */
  readonly min: bigint;
  /** Whether the lower bound itself is out. */
  readonly above: boolean;
  /** The upper bound, which is in. */
  readonly max: bigint;
  /** Most digits behind the point. */
  readonly fraction: number;
}

/**
 * Decimals within bounds, with a fraction or without. Behind an excluded lower bound the fraction
 * may be up to twice as long as said: counting its digits would take an alternative for each.
 */
export function decimals({ min, above, max, fraction }: DecimalRange): string {
  const parts: string[] = [];
  const low = above ? min + 1n : min;
  if (low <= max - 1n) parts.push(`${integers(low, max - 1n)}(?:\\.[0-9]{1,${fraction}})?`);
  if (above && min < max) {
    parts.push(`${min}\\.0{0,${fraction - 1}}[1-9][0-9]{0,${fraction - 1}}`);
  }
  if (low <= max) parts.push(`${max}(?:\\.0{1,${fraction}})?`);
  return either(parts);
}
