import assert from "node:assert/strict";
import { test } from "node:test";
import { retryBudget } from "../../retry/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

function drain(withdraw: () => boolean): number {
  let count = 0;
  while (withdraw()) count++;
  return count;
}

test("retryBudget earns a retry by every tenth call at 10 %", () => {
  const budget = retryBudget({ ratio: 0.1, minPerSecond: 0, clock: fakeClock() });
  for (let i = 0; i < 9; i++) budget.deposit();
  assert.equal(budget.withdraw(), false);
  budget.deposit();
  assert.equal(budget.withdraw(), true);
  assert.equal(budget.withdraw(), false);
});

test("retryBudget allows the floor each second, also without any calls", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ ratio: 0, minPerSecond: 3, clock });
  assert.equal(drain(budget.withdraw), 3);
  await clock.advance(1000);
  assert.equal(drain(budget.withdraw), 3);
});

test("retryBudget saves up no more than its capacity", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ ratio: 1, minPerSecond: 5, capacity: 20, clock });
  for (let i = 0; i < 1000; i++) budget.deposit();
  await clock.advance(3_600_000);
  assert.equal(budget.balance, 20);
  assert.equal(drain(budget.withdraw), 20);
});

test("retryBudget of nothing allows no retry", () => {
  const budget = retryBudget({ ratio: 0, minPerSecond: 0 });
  for (let i = 0; i < 1000; i++) budget.deposit();
  assert.equal(budget.withdraw(), false);
});

test("retryBudget refuses options out of bounds and names them", () => {
  for (const [name, value] of [["ratio", 1.1], ["minPerSecond", -1], ["capacity", NaN]] as const) {
    assert.throws(() => retryBudget({ [name]: value }), {
      code: "CQI_OPTION_INVALID",
      message: new RegExp(`'${name}'`),
    });
  }
});
