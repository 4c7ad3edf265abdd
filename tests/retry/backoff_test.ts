import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "../../core/mod.ts";
import { delays, type Jitter } from "../../retry/mod.ts";
import { seededRandom } from "./_helpers.ts";

const DRAWS = 10_000;

function draw(jitter: Jitter, attempt: number): number[] {
  const delayAfter = delays({ initialMs: 100, maxMs: 10_000, jitter }, seededRandom(attempt));
  return Array.from({ length: DRAWS }, () => delayAfter(attempt));
}

// Kolmogorov-Smirnov distance between draws and the uniform distribution on [from, to].
function distance(draws: number[], from: number, to: number): number {
  const sorted = [...draws].sort((a, b) => a - b);
  return sorted.reduce((most, value, i) => {
    const expected = (value - from) / (to - from);
    return Math.max(most, Math.abs(expected - i / DRAWS), Math.abs(expected - (i + 1) / DRAWS));
  }, 0);
}

// Critical value at the 0.1 % level for large samples.
const CRITICAL = 1.95 / Math.sqrt(DRAWS);

test("delays with full jitter are uniform from 0 to the capped power in 10,000 draws (X2)", () => {
  for (const attempt of [1, 3, 6, 8, 40]) {
    const top = Math.min(10_000, 100 * 2 ** (attempt - 1));
    const draws = draw("full", attempt);
    assert(draws.every((ms) => ms >= 0 && ms <= top), `attempt ${attempt} stays within ${top}`);
    const mean = draws.reduce((sum, ms) => sum + ms, 0) / DRAWS;
    assert(Math.abs(mean - top / 2) < 0.02 * (top / 2), `mean ${mean} is near ${top / 2}`);
    assert(distance(draws, 0, top) < CRITICAL, `attempt ${attempt} is uniform`);
  }
});

test("delays with equal jitter are uniform from half to all of the delay", () => {
  const draws = draw("equal", 4);
  assert(draws.every((ms) => ms >= 400 && ms <= 800));
  assert(distance(draws, 400, 800) < CRITICAL);
});

test("delays with decorrelated jitter draw from the first delay to three times the previous", () => {
  const delayAfter = delays(
    { initialMs: 100, maxMs: 10_000, jitter: "decorrelated" },
    seededRandom(7),
  );
  const draws = Array.from({ length: DRAWS }, () => delayAfter(2, 500));
  assert(draws.every((ms) => ms >= 100 && ms <= 1500));
  assert(distance(draws, 100, 1500) < CRITICAL);
  let previousMs: number | undefined;
  for (let attempt = 1; attempt <= 2000; attempt++) {
    previousMs = delayAfter(attempt, previousMs);
    assert(previousMs >= 100 && previousMs <= 10_000);
  }
});

test("delays without jitter double up to the cap, also at attempt 2,000 (X3)", () => {
  const delayAfter = delays({ initialMs: 100, maxMs: 5000, jitter: "none" }, systemRandom);
  assert.deepEqual([1, 2, 3, 6, 7, 1024, 2000].map((n) => delayAfter(n)), [
    100,
    200,
    400,
    3200,
    5000,
    5000,
    5000,
  ]);
});

test("delays never exceed the longest delay when the first one is above it", () => {
  const delayAfter = delays({ initialMs: 900, maxMs: 50, jitter: "none" }, systemRandom);
  assert.deepEqual([1, 2, 3].map((n) => delayAfter(n)), [50, 50, 50]);
});

test("delays of 0 stay 0 whatever the attempt", () => {
  for (const jitter of ["full", "equal", "decorrelated", "none"] as const) {
    assert.equal(delays({ initialMs: 0, jitter }, systemRandom)(2000, 100), 0);
  }
});

test("delays refuses settings out of bounds and names them", () => {
  const table: [string, unknown][] = [
    ["initialMs", -1],
    ["initialMs", NaN],
    ["maxMs", Infinity],
    ["multiplier", 0.5],
    ["multiplier", 101],
    ["jitter", "some"],
  ];
  for (const [name, value] of table) {
    assert.throws(() => delays({ [name]: value }, systemRandom), {
      code: "CQI_OPTION_INVALID",
      message: new RegExp(`'${name}'`),
    });
  }
});

// Optimistic concurrency over a slow network, as in the AWS Architecture Blog's simulation: each
// client reads a row, writes it back, and starts again after a delay when another came first. Its base
// of 5 ms is doubled before the first delay, hence 10 here.
function contend(clients: number, jitter: Jitter, seed: number): number {
  const random = seededRandom(seed);
  const delayAfter = delays({ initialMs: 10, maxMs: 2000, jitter }, random);
  // Mean 10 ms, deviation 2 ms, by the sum of twelve uniform numbers.
  const hop = (): number => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += random.next();
    return Math.abs(10 + 2 * sum);
  };
  const queue: { at: number; act: (at: number) => void }[] = [];
  const later = (at: number, act: (at: number) => void): void => void queue.push({ at, act });
  let version = 0;
  let calls = 0;
  const start = (at: number, attempt: number, previousMs?: number): void => {
    later(at + hop(), (readAt) => {
      const seen = version;
      later(readAt + hop() + hop(), (writtenAt) => {
        calls++;
        if (seen === version) return void version++;
        const delayMs = delayAfter(attempt, previousMs);
        start(writtenAt + hop() + delayMs, attempt + 1, delayMs);
      });
    });
  };
  for (let i = 0; i < clients; i++) start(0, 1);
  while (queue.length > 0) {
    let first = 0;
    for (let i = 1; i < queue.length; i++) if (queue[i]!.at < queue[first]!.at) first = i;
    const [event] = queue.splice(first, 1);
    event!.act(event!.at);
  }
  assert.equal(version, clients);
  return calls;
}

test("delays with full jitter let 100 contending clients through in 1.1 x 798 calls at most (X2)", () => {
  const runs = [1, 2, 3, 4].map((seed) => contend(100, "full", seed));
  const mean = runs.reduce((sum, calls) => sum + calls, 0) / runs.length;
  assert(mean <= 1.1 * 798, `mean of ${runs} is ${mean}`);
  const plain = contend(100, "none", 1);
  assert(plain > 2 * mean, `${plain} calls without jitter`);
});
