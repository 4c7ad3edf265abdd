import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { pace } from "../../bus/_pace.ts";
import { systemClock } from "../../core/mod.ts";
import { freshTopic, publishNumbers } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { openOn, until } from "./_kit.ts";

// Where no timer fires in the middle, the events end by themselves after this.
const LONG_MS = 3000;

for (const isAsync of [false, true]) {
  const how = isAsync ? "waits for" : "does not wait for";
  test(`an event that publishes the next for ever, and ${how} it, lets timers fire`, async () => {
    await using bus = await openOn(createBroker());
    const prices = freshTopic();
    const begunMs = systemClock.monotonic();
    let isOver = false;
    let elapsedMs: number | undefined;
    systemClock.timer(() => {
      elapsedMs = systemClock.monotonic() - begunMs;
      isOver = true;
    }, 1);
    const next = (): Promise<unknown> => bus.publish(prices, aPriceUpdated(), { key: "k" });
    await bus.subscribe(prices, () => {
      if (isOver || systemClock.monotonic() - begunMs > LONG_MS) return undefined;
      if (isAsync) return next().then(() => {});
      next().catch(() => {});
      return undefined;
    });
    await next();
    await until(() => elapsedMs !== undefined, "the timer");
    assert.ok(elapsedMs! < LONG_MS, `the timer fired after ${elapsedMs} ms`);
  });
}

test("a batch of events that are handled at once lets timers fire in its middle", async () => {
  await using bus = await openOn(createBroker({ partitions: 1 }));
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 200);
  let handled = 0;
  let handledBefore: number | undefined;
  await bus.subscribe(prices, () => {
    if (handled++ === 0) systemClock.timer(() => handledBefore = handled, 1);
    const begunMs = systemClock.monotonic();
    while (systemClock.monotonic() - begunMs < 1);
  });
  await until(() => handled === 200 && handledBefore !== undefined, "all events");
  assert.ok(handledBefore! < 200, `${handledBefore} were handled before the timer fired`);
});

test("pace waits only where a timer that is due has not fired, and for nothing once stopped", async () => {
  const clock = fakeClock();
  let nowMs = 0;
  const breath = pace({ ...clock, timer: clock.timer, monotonic: () => nowMs });
  assert.equal(breath.turn(), undefined);
  nowMs = 9;
  assert.equal(breath.turn(), undefined);
  assert.equal(clock.pending, 0);
  // Nobody knows yet whether timers fired meanwhile.
  nowMs = 5000;
  assert.equal(breath.turn(), undefined);
  assert.equal(clock.pending, 1);
  nowMs = 5009;
  assert.equal(breath.turn(), undefined);
  nowMs = 5010;
  const wait = breath.turn();
  assert.ok(wait instanceof Promise);
  await clock.advance(0);
  await wait;
  assert.equal(breath.turn(), undefined);
  nowMs = 5020;
  breath.turn();
  nowMs = 5030;
  const stopped = breath.turn();
  breath.stop();
  await stopped;
  assert.equal(clock.pending, 0);
});
