import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { duration } from "../../core/mod.ts";
import type { CqiError } from "../../errors/mod.ts";
import { RetryConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { policy, retryBudget, type RetryConfigInit } from "../../retry/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

const fail = (): never => {
  throw new Error("reset");
};

async function attemptTimes(section: RetryConfigInit): Promise<number[]> {
  const clock = fakeClock();
  const at: number[] = [];
  const answer = policy(section, { clock })(() => {
    at.push(clock.monotonic());
    fail();
  });
  answer.catch(() => {});
  await clock.advance(86_400_000);
  return at;
}

test("policy of an empty section makes 3 attempts from 100 ms on", async () => {
  const at = await attemptTimes({});
  assert.equal(at.length, 3);
  assert(at[1]! <= 100 && at[2]! - at[1]! <= 200);
});

test("policy does what each setting of its section says", async () => {
  const at = await attemptTimes({
    maxAttempts: 6,
    initialDelay: duration("1s"),
    maxDelay: duration("5s"),
    multiplier: 3,
    jitter: "none",
    maxElapsed: duration("12s"),
  });
  assert.deepEqual(at, [0, 1000, 4000, 9000]);
});

test("policy takes a message as well as a plain object", async () => {
  const section = create(RetryConfigSchema, { maxAttempts: 2 });
  assert.equal((await attemptTimes(section)).length, 2);
});

test("policy honours explicit zeros of the budget", async () => {
  const at = await attemptTimes({ budgetRatio: 0, budgetMinPerSecond: 0 });
  assert.equal(at.length, 1);
});

test("policy shares one budget over its calls", async () => {
  const clock = fakeClock();
  const call = policy({ budgetRatio: 0, budgetMinPerSecond: 3 }, { clock });
  let calls = 0;
  const callers = Array.from(
    { length: 100 },
    () => call(() => (calls++, fail())).catch((error: CqiError) => error.details.reason),
  );
  await clock.advance(300);
  const reasons = await Promise.all(callers);
  assert(calls >= 103 && calls <= 104, `${calls} calls`);
  assert(reasons.filter((reason) => reason === "budget").length >= 99);
});

test("policy takes a budget that others share", async () => {
  const budget = retryBudget({ ratio: 0, minPerSecond: 0 });
  const call = policy({}, { budget });
  await assert.rejects(call(fail), (error: CqiError) => error.details.reason === "budget");
});

test("policy ends with the signal of the call", async () => {
  const call = policy();
  await assert.rejects(
    call(fail, { signal: AbortSignal.abort("gone") }),
    (thrown) => thrown === "gone",
  );
});

test("policy refuses a section that breaks its contract, with all violations", () => {
  const section = { maxAttempts: 101, multiplier: 0.5, jitter: "lots" };
  assert.throws(() => policy(section), (error: CqiError) => {
    assert.equal(error.code, "CQI_CONTRACT_INVALID");
    assert.equal((error.details.violations as unknown[]).length, 3);
    return true;
  });
});
