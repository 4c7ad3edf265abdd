import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../internal/clock.ts";
import { startChild } from "../_child.ts";

const MAX_DELAY_MS = 2 ** 31 - 1;

interface Faked {
  /** Delays that setTimeout was given, in order. */
  readonly delays: number[];
  /** Lets the pending timer fire, at a moment in milliseconds. */
  fire(atMs: number): void;
  /** Whether a timer is pending. */
  readonly pending: boolean;
  /** How many of the timers let the process end. */
  readonly unreferenced: number;
}

/** Runs with a setTimeout and a monotonic time of our own; nothing in it may wait. */
function withFakeTimers(run: (faked: Faked) => void): void {
  const { setTimeout: ownSet, clearTimeout: ownClear } = globalThis;
  const ownNow = performance.now;
  const delays: number[] = [];
  let nowMs = 0;
  let unreferenced = 0;
  let pending: (() => void) | undefined;
  globalThis.setTimeout = ((callback: () => void, delayMs: number) => {
    delays.push(delayMs);
    pending = callback;
    return { unref: () => unreferenced++ };
  }) as unknown as typeof setTimeout;
  globalThis.clearTimeout = () => void (pending = undefined);
  performance.now = () => nowMs;
  try {
    run({
      delays,
      fire(atMs) {
        nowMs = atMs;
        const callback = pending;
        pending = undefined;
        callback?.();
      },
      get pending() {
        return pending !== undefined;
      },
      get unreferenced() {
        return unreferenced;
      },
    });
  } finally {
    Object.assign(globalThis, { setTimeout: ownSet, clearTimeout: ownClear });
    performance.now = ownNow;
  }
}

test("timer() splits a delay beyond 2^31-1 ms", () => {
  withFakeTimers(({ delays, fire }) => {
    let fired = 0;
    systemClock.timer(() => fired++, 2 * MAX_DELAY_MS + 10);
    fire(MAX_DELAY_MS);
    fire(2 * MAX_DELAY_MS);
    assert.deepEqual([delays, fired], [[MAX_DELAY_MS, MAX_DELAY_MS, 10], 0]);
    fire(2 * MAX_DELAY_MS + 10);
    assert.deepEqual([delays.length, fired], [3, 1]);
  });
});

test("timer() of Infinity waits on and on, and can be called off", () => {
  withFakeTimers((faked) => {
    const timer = systemClock.timer(() => assert.fail("fired"), Infinity);
    for (let turn = 1; turn <= 5; turn++) faked.fire(turn * MAX_DELAY_MS);
    assert.deepEqual(faked.delays, Array(6).fill(MAX_DELAY_MS));
    timer.cancel();
    assert.equal(faked.pending, false);
  });
});

test("timer() called off between two parts of a long delay never fires", () => {
  withFakeTimers((faked) => {
    const timer = systemClock.timer(() => assert.fail("fired"), MAX_DELAY_MS + 10);
    faked.fire(MAX_DELAY_MS);
    timer.cancel();
    assert.equal(faked.pending, false);
  });
});

test("timer() that the runtime fires early waits for the rest", () => {
  withFakeTimers(({ delays, fire }) => {
    let fired = 0;
    systemClock.timer(() => fired++, 100);
    fire(99.2);
    assert.deepEqual([delays, fired], [[100, 1], 0]);
    fire(100.2);
    assert.equal(fired, 1);
  });
});

test("timer() rounds a fraction up", () => {
  withFakeTimers(({ delays }) => {
    systemClock.timer(() => {}, 1.2);
    assert.deepEqual(delays, [2]);
  });
});

test("timer() below 0 or of NaN counts as 0", () => {
  for (const delayMs of [-1, -Infinity, NaN]) {
    withFakeTimers(({ delays, fire }) => {
      let fired = 0;
      systemClock.timer(() => fired++, delayMs);
      fire(0);
      assert.deepEqual([delays, fired], [[0], 1]);
    });
  }
});

test("timer() in the background lets the process end, in each part of a long delay", () => {
  withFakeTimers((faked) => {
    systemClock.timer(() => {}, MAX_DELAY_MS + 10, { background: true });
    faked.fire(MAX_DELAY_MS);
    assert.equal(faked.unreferenced, 2);
    systemClock.timer(() => {}, 10);
    assert.equal(faked.unreferenced, 2);
  });
});

test("timer() never fires before its delay is over", async () => {
  for (let i = 0; i < 60; i++) {
    const delayMs = 0.5 + (i % 5);
    const started = systemClock.monotonic();
    await new Promise<void>((done) => systemClock.timer(done, delayMs));
    assert.ok(systemClock.monotonic() - started >= delayMs);
  }
});

test("timer() called off twice, or after it fired, does nothing", async () => {
  systemClock.timer(() => assert.fail("fired"), 1).cancel();
  let fired = 0;
  const timer = systemClock.timer(() => fired++, 1);
  await new Promise<void>((done) => systemClock.timer(done, 10));
  timer.cancel();
  timer.cancel();
  assert.equal(fired, 1);
});

test("now() is the wall clock, monotonic() does not go back", () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
  let last = systemClock.monotonic();
  for (let i = 0; i < 1000; i++) {
    const next = systemClock.monotonic();
    assert.ok(next >= last);
    last = next;
  }
});

test("background timers do not keep a process alive, others do", async () => {
  const script = fileURLToPath(new URL("_timers_child.ts", import.meta.url));
  const { code, stdout } = await startChild(script).ended;
  assert.deepEqual([code, stdout.trim()], [0, "foreground"]);
});
