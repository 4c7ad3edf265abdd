import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../core/mod.ts";
import { fakeClock } from "../../testing/mod.ts";

test("fakeClock starts where it is told, and its monotonic time at 0", () => {
  assert.deepEqual([fakeClock(5).now(), fakeClock(5).monotonic()], [5, 0]);
  assert.equal(new Date(fakeClock().now()).toISOString(), "2026-01-01T00:00:00.000Z");
});

test("fakeClock stands still by itself", async () => {
  const clock = fakeClock();
  let fired = 0;
  clock.timer(() => fired++, 0);
  await new Promise((done) => setTimeout(done, 5));
  assert.deepEqual([clock.monotonic(), fired, clock.pending], [0, 0, 1]);
});

test("advance() fires timers in order of time, then in order of setting", async () => {
  const clock = fakeClock();
  const fired: string[] = [];
  const set = (name: string, ms: number) =>
    clock.timer(() => fired.push(`${name} at ${clock.monotonic()}`), ms);
  set("c", 20);
  set("a", 10);
  set("b", 10);
  set("d", 30);
  set("late", 31);
  await clock.advance(30);
  assert.deepEqual(fired, ["a at 10", "b at 10", "c at 20", "d at 30"]);
  assert.deepEqual([clock.monotonic(), clock.pending], [30, 1]);
});

test("advance() honours timers that timers set, at their own moment", async () => {
  const clock = fakeClock();
  const ticks: number[] = [];
  const tick = (): void => {
    ticks.push(clock.monotonic());
    clock.timer(tick, 10);
  };
  clock.timer(tick, 10);
  await clock.advance(35);
  assert.deepEqual(ticks, [10, 20, 30]);
  await clock.advance(5);
  assert.deepEqual(ticks, [10, 20, 30, 40]);
});

test("advance() honours timers that awaited work sets between two others", async () => {
  const clock = fakeClock();
  const log: string[] = [];
  const work = async (): Promise<void> => {
    await sleep(clock, 10);
    for (let i = 0; i < 50; i++) await null;
    await sleep(clock, 5);
    log.push(`work at ${clock.monotonic()}`);
  };
  const done = work();
  clock.timer(() => log.push(`timer at ${clock.monotonic()}`), 16);
  await clock.advance(20);
  await done;
  assert.deepEqual(log, ["work at 15", "timer at 16"]);
});

test("advance() by 0 fires what is due, with timers of no delay that they set", async () => {
  const clock = fakeClock();
  let fired = 0;
  clock.timer(() => clock.timer(() => fired++, 0), -5);
  await clock.advance(0);
  assert.equal(fired, 1);
});

test("advance() calls that overlap add up, and time never goes back", async () => {
  const clock = fakeClock();
  const seen: number[] = [];
  for (const ms of [5, 12, 18, 25]) clock.timer(() => seen.push(clock.monotonic()), ms);
  await Promise.all([clock.advance(10), clock.advance(10), clock.advance(0)]);
  assert.deepEqual([seen, clock.monotonic()], [[5, 12, 18], 20]);
});

test("advance() from within a timer adds to the one that is under way", async () => {
  const clock = fakeClock();
  const inner: Promise<void>[] = [];
  let late = 0;
  clock.timer(() => void inner.push(clock.advance(100)), 5);
  clock.timer(() => late = clock.monotonic(), 80);
  await clock.advance(10);
  await Promise.all(inner);
  assert.deepEqual([late, clock.monotonic()], [80, 110]);
});

test("advance() throws what a timer's callback throws, and the rest fires later", async () => {
  const clock = fakeClock();
  let fired = 0;
  clock.timer(() => assert.fail("broken"), 5);
  clock.timer(() => fired++, 6);
  await assert.rejects(clock.advance(10), /broken/);
  assert.deepEqual([fired, clock.monotonic()], [0, 10]);
  await clock.advance(0);
  assert.equal(fired, 1);
});

test("advance() and jump() refuse what is no span of time", async () => {
  const clock = fakeClock();
  for (const ms of [-1, NaN, Infinity, "5" as unknown as number]) {
    await assert.rejects(clock.advance(ms), { code: "CQI_OPTION_INVALID" });
  }
  assert.throws(() => clock.jump(NaN), { code: "CQI_OPTION_INVALID" });
  assert.deepEqual([clock.monotonic(), clock.now()], [0, fakeClock().now()]);
});

test("timer() of NaN fires at once, of Infinity never", async () => {
  const clock = fakeClock();
  const fired: string[] = [];
  clock.timer(() => fired.push("NaN"), NaN);
  clock.timer(() => fired.push("Infinity"), Infinity);
  await clock.advance(1e12);
  assert.deepEqual([fired, clock.monotonic(), clock.pending], [["NaN"], 1e12, 1]);
});

test("cancel() calls off a timer, also from another timer of the same moment", async () => {
  const clock = fakeClock();
  const fired: string[] = [];
  clock.timer(() => {
    fired.push("first");
    second.cancel();
  }, 10);
  const second = clock.timer(() => fired.push("second"), 10);
  const third = clock.timer(() => fired.push("third"), 20);
  third.cancel();
  third.cancel();
  await clock.advance(30);
  assert.deepEqual([fired, clock.pending], [["first"], 0]);
});

test("cancel() in a timer's own callback does nothing", async () => {
  const clock = fakeClock();
  let fired = 0;
  const timer = clock.timer(() => {
    fired++;
    timer.cancel();
  }, 1);
  await clock.advance(5);
  assert.equal(fired, 1);
});

test("jump() moves the wall clock, either way, and no timers", async () => {
  const clock = fakeClock(1000);
  let fired = 0;
  clock.timer(() => fired++, 10);
  clock.jump(3_600_000);
  assert.deepEqual([clock.now(), clock.monotonic(), fired], [3_601_000, 0, 0]);
  clock.jump(-7_200_000);
  assert.equal(clock.now(), 1000 - 3_600_000);
  await clock.advance(10);
  assert.deepEqual([clock.now(), fired], [1010 - 3_600_000, 1]);
});
