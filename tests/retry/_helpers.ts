import type { Metrics, Random } from "../../core/mod.ts";

/** A repeatable source of numbers: mulberry32, a public-domain generator with 32 bits of state. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)),
  };
}

/** Metrics that keep counts by their labels' values. */
export function countingMetrics(): { metrics: Metrics; counts: Map<string, number> } {
  const counts = new Map<string, number>();
  const family = {
    add() {},
    set() {},
    observe() {},
    with: (labels: Readonly<Record<string, string>>) => ({
      add: () => {
        const key = Object.values(labels).join(" ");
        counts.set(key, (counts.get(key) ?? 0) + 1);
      },
      set() {},
      observe() {},
    }),
  };
  const metrics = {
    counter: () => family,
    gauge: () => family,
    histogram: () => family,
    onCollect: () => () => {},
  };
  return { metrics, counts };
}
