import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../core/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { spySignal } from "./_spy_signal.ts";

test("sleep() ends when its time is over, not before", async () => {
  const clock = fakeClock();
  let woke = false;
  const nap = sleep(clock, 1000).then(() => (woke = true));
  await clock.advance(999);
  assert.equal(woke, false);
  await clock.advance(1);
  assert.equal(await nap, true);
});

test("sleep() of no time, and of less, ends at once", async () => {
  const clock = fakeClock();
  const naps = Promise.all([sleep(clock, 0), sleep(clock, -5), sleep(clock, NaN)]);
  await clock.advance(0);
  assert.equal((await naps).length, 3);
});

test("sleep() with a signal that has aborted rejects with its reason and sets no timer", async () => {
  const clock = fakeClock();
  const reason = { why: "no longer wanted" };
  const spy = spySignal();
  spy.abort(reason);
  const error = await sleep(clock, 1000, spy).catch((caught) => caught);
  assert.equal(error, reason);
  assert.deepEqual([clock.pending, spy.listeners], [0, 0]);
});

test("sleep() rejects with the signal's reason as soon as it aborts, and leaves nothing", async () => {
  const clock = fakeClock();
  const spy = spySignal();
  const reason = new Error("stop");
  const nap = sleep(clock, 1000, spy);
  assert.deepEqual([clock.pending, spy.listeners], [1, 1]);
  spy.abort(reason);
  await assert.rejects(nap, reason);
  assert.deepEqual([clock.pending, spy.listeners], [0, 0]);
});

test("sleep() leaves no listener when it ends by itself", async () => {
  const clock = fakeClock();
  const spy = spySignal();
  const nap = sleep(clock, 10, spy);
  await clock.advance(10);
  await nap;
  assert.equal(spy.listeners, 0);
  spy.abort();
});

test("sleep() does not leak listeners over 1,000 naps on one signal", async () => {
  const clock = fakeClock();
  const spy = spySignal();
  const naps = Array.from({ length: 1000 }, () => sleep(clock, 5, spy));
  assert.equal(spy.listeners, 1000);
  await clock.advance(5);
  await Promise.all(naps);
  assert.deepEqual([clock.pending, spy.listeners], [0, 0]);
});

test("sleep() that an abort and its timer end at one moment settles once", async () => {
  const clock = fakeClock();
  const spy = spySignal();
  const reason = new Error("stop");
  clock.timer(() => spy.abort(reason), 10);
  const nap = sleep(clock, 10, spy).then(() => "slept", (caught) => caught);
  await clock.advance(10);
  assert.equal(await nap, reason);
  assert.equal(clock.pending, 0);
});

test("sleep() hands `background` on to the clock", () => {
  const given: unknown[] = [];
  const clock = {
    ...fakeClock(),
    timer(_callback: () => void, delayMs: number, options?: { background?: boolean }) {
      given.push([delayMs, options?.background]);
      return { cancel() {} };
    },
  };
  void sleep(clock, 7, { background: true });
  void sleep(clock, 8);
  assert.deepEqual(given, [[7, true], [8, undefined]]);
});
