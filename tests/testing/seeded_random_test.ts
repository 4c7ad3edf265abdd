import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../internal/ids.ts";
import { seededRandom } from "../../testing/mod.ts";

test("seededRandom gives the same for the same seed, on every runtime", () => {
  const random = seededRandom(42);
  assert.equal(hex(random.bytes(16)), "5f47812625070e97ee18bb17d08eba2f");
  assert.equal(random.next(), 0.6309881146412689);
});

test("seededRandom gives other numbers for other seeds, neighbours included", () => {
  const seeds = [...Array(1000).keys(), 2 ** 31, 2 ** 32 - 1];
  const firsts = new Set(seeds.map((seed) => hex(seededRandom(seed).bytes(8))));
  assert.equal(firsts.size, seeds.length);
  const [one, two] = [seededRandom(1), seededRandom(2)];
  const run = (random: typeof one) => Array.from({ length: 100 }, () => random.next());
  const seen = new Set(run(one));
  assert.ok(run(two).every((value) => !seen.has(value)));
});

test("seededRandom refuses a seed that is not a whole number of 32 bits", () => {
  for (const seed of [-1, 1.5, NaN, 2 ** 32, "1" as unknown as number]) {
    assert.throws(() => seededRandom(seed), { code: "CQI_OPTION_INVALID" });
  }
});

test("bytes() of seededRandom gives as many as were asked for, as the system's does", () => {
  const random = seededRandom(1);
  for (const length of [0, 1, 3, 4, 5, 16, 65_536]) {
    assert.equal(random.bytes(length).length, length);
  }
  for (const length of [-1, 1.5, NaN, 65_537]) {
    assert.throws(() => random.bytes(length), { code: "CQI_OPTION_INVALID" });
  }
});

test("bytes() of seededRandom gives 100,000 different ids", () => {
  const random = seededRandom(3);
  const ids = new Set(Array.from({ length: 100_000 }, () => hex(random.bytes(16))));
  assert.equal(ids.size, 100_000);
});

test("bytes() of seededRandom spread evenly over their values", () => {
  const counts = new Array<number>(256).fill(0);
  for (const byte of seededRandom(5).bytes(65_536)) counts[byte]!++;
  const chiSquared = counts.reduce((sum, count) => sum + (count - 256) ** 2 / 256, 0);
  // 255 degrees of freedom: mean 255, standard deviation 22.6.
  assert.ok(chiSquared > 170 && chiSquared < 340, `chi-squared is ${chiSquared}`);
});

test("next() of seededRandom is from 0 to 1, evenly, and not in step with itself", () => {
  const random = seededRandom(9);
  const values = Array.from({ length: 20_000 }, () => random.next());
  assert.ok(values.every((value) => value >= 0 && value < 1));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(mean - 0.5) < 0.01, `mean is ${mean}`);
  const product = values.slice(1).reduce((sum, value, i) => sum + value * values[i]!, 0);
  assert.ok(Math.abs(product / (values.length - 1) - 0.25) < 0.01);
});
