import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { CqiError } from "../../errors/mod.ts";
import { withDeadline } from "../../core/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { spySignal } from "./_spy_signal.ts";

const never = <T>(): Promise<T> => new Promise<T>(() => {});

test("withDeadline() gives what the function gives, awaited or not, and leaves nothing", async () => {
  const clock = fakeClock();
  const spy = spySignal();
  assert.equal(await withDeadline(clock, 100, () => 1, spy), 1);
  assert.equal(await withDeadline(clock, 100, () => Promise.resolve(2), spy), 2);
  assert.deepEqual([clock.pending, spy.listeners], [0, 0]);
});

test("withDeadline() throws what the function throws, and leaves nothing", async () => {
  const clock = fakeClock();
  const spy = spySignal();
  const error = new Error("broken");
  const throwing = (): never => {
    throw error;
  };
  await assert.rejects(withDeadline(clock, 100, throwing, spy), error);
  await assert.rejects(withDeadline(clock, 100, () => Promise.reject(error), spy), error);
  assert.deepEqual([clock.pending, spy.listeners], [0, 0]);
});

test("withDeadline() cuts at the limit, not before, and names the action", async () => {
  const clock = fakeClock();
  const outcomes: CqiError[] = [];
  const call = withDeadline(clock, 250, never, { action: "publishing to 'orders'" })
    .catch((error) => outcomes.push(error));
  await clock.advance(249);
  assert.equal(outcomes.length, 0);
  await clock.advance(1);
  await call;
  assert.equal(outcomes[0]?.code, "CQI_DEADLINE_EXCEEDED");
  assert.equal(outcomes[0]?.message, "Timed out: publishing to 'orders' took over 250 ms");
});

test("withDeadline() throws the error that it was given for a timeout", async () => {
  const clock = fakeClock();
  const error = new CqiError("CQI_DATABASE_TIMEOUT", "Timed out");
  const call = assert.rejects(withDeadline(clock, 1, never, { error: () => error }), error);
  await clock.advance(1);
  await call;
});

test("withDeadline() aborts the function's signal with the same reason", async () => {
  const clock = fakeClock();
  let inner: AbortSignal | undefined;
  const call = withDeadline(clock, 5, (signal) => {
    inner = signal;
    return never();
  }).catch((error) => error);
  assert.equal(inner?.aborted, false);
  await clock.advance(5);
  assert.equal(inner?.reason, await call);
});

test("withDeadline() does not abort the signal of a function that was in time", async () => {
  const clock = fakeClock();
  let inner: AbortSignal | undefined;
  await withDeadline(clock, 5, (signal) => void (inner = signal));
  await clock.advance(10);
  assert.equal(inner?.aborted, false);
});

test("withDeadline() rejects by the limit, whatever the function makes of its abort", async () => {
  const clock = fakeClock();
  const onAbort = (act: (settle: PromiseWithResolvers<string>) => void) =>
    withDeadline(clock, 5, (signal) => {
      const settle = Promise.withResolvers<string>();
      signal.addEventListener("abort", () => act(settle));
      return settle.promise;
    });
  const calls = [
    onAbort((settle) => settle.reject(new Error("own error"))),
    onAbort((settle) => settle.resolve("half an answer")),
  ].map((call) => assert.rejects(call, { code: "CQI_DEADLINE_EXCEEDED" }));
  await clock.advance(5);
  await Promise.all(calls);
});

test("withDeadline() with a signal that has aborted does not call the function", async () => {
  const clock = fakeClock();
  const spy = spySignal();
  const reason = new Error("stop");
  spy.abort(reason);
  let calls = 0;
  await assert.rejects(withDeadline(clock, 5, () => calls++, spy), reason);
  assert.deepEqual([calls, clock.pending, spy.listeners], [0, 0, 0]);
});

test("withDeadline() rejects with the caller's reason when it aborts, and leaves nothing", async () => {
  const clock = fakeClock();
  const spy = spySignal();
  const reason = new Error("stop");
  let inner: AbortSignal | undefined;
  const call = withDeadline(clock, 5, (signal) => {
    inner = signal;
    return never();
  }, spy);
  spy.abort(reason);
  await assert.rejects(call, reason);
  assert.equal(inner?.reason, reason);
  assert.deepEqual([clock.pending, spy.listeners], [0, 0]);
});

test("withDeadline() of Infinity sets no timer, and still follows the caller's signal", async () => {
  const clock = fakeClock();
  const spy = spySignal();
  const reason = new Error("stop");
  const call = withDeadline(clock, Infinity, never, spy);
  assert.equal(clock.pending, 0);
  spy.abort(reason);
  await assert.rejects(call, reason);
});

test("withDeadline() of 0 cuts what waits, and not what is ready", async () => {
  const clock = fakeClock();
  assert.equal(await withDeadline(clock, 0, () => "ready"), "ready");
  const call = assert.rejects(withDeadline(clock, 0, never), { code: "CQI_DEADLINE_EXCEEDED" });
  await clock.advance(0);
  await call;
});

test("withDeadline() drops the late error of a function that was left behind", async () => {
  const clock = fakeClock();
  const unhandled: unknown[] = [];
  const listener = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", listener);
  const late = Promise.withResolvers<never>();
  const call = withDeadline(clock, 5, () => late.promise).catch((error) => error.code);
  await clock.advance(5);
  assert.equal(await call, "CQI_DEADLINE_EXCEEDED");
  late.reject(new Error("late"));
  // The runtimes tell of an unhandled rejection some turns of the loop later.
  for (let turn = 0; turn < 5; turn++) await new Promise((done) => setTimeout(done, 0));
  process.off("unhandledRejection", listener);
  assert.deepEqual(unhandled, []);
});

test("withDeadline() calls that run at once do not cut each other", async () => {
  const clock = fakeClock();
  const limits = [5, 10, 15, 20];
  const ends: number[] = [];
  const calls = limits.map((limit) =>
    withDeadline(clock, limit, never).catch(() => ends.push(clock.monotonic()))
  );
  await clock.advance(20);
  await Promise.all(calls);
  assert.deepEqual(ends, limits);
});
