import assert from "node:assert/strict";
import { test } from "node:test";
import { CAUSE } from "../../bus/_environment.ts";
import { deadlines } from "../../bus/_deadlines.ts";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import {
  activeContext,
  type Clock,
  contextKey,
  runInContext,
  systemClock,
} from "../../core/mod.ts";
import { collector, freshTopic, numberOf, publishNumbers } from "../../testing/_bus_kit.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { openOn, until } from "./_kit.ts";

// One timer, one commit serve many events: none of them may show in the work of another.

test("what listens to the signal of an event that is cut is in that event's context", async () => {
  const clock = fakeClock();
  await using bus = await openOn(createBroker(), {
    concurrency: 4,
    handlerTimeout: { seconds: 1n },
    retry: { maxAttempts: 1 },
  }, { clock });
  const prices = freshTopic();
  const got = collector<readonly [own: string, seen: string | undefined]>();
  await bus.subscribe(prices, (_event, { correlationId, signal }) => {
    signal.addEventListener("abort", () => {
      got.add([correlationId, activeContext().get(CAUSE)?.correlationId]);
    });
    return new Promise<void>(() => {});
  });
  await publishNumbers(bus, prices, 0, 3, (n) => `k${n}`);
  await clock.advance(1000);
  const seen = await got.until((all) => all.length === 3);
  assert.equal(new Set(seen.map(([own]) => own)).size, 3);
  for (const [own, at] of seen) assert.equal(at, own);
});

test("deadlines set their timer in the context that they were made in, not that of the first work", () => {
  const key = contextKey<string>("whose");
  const seen: (string | undefined)[] = [];
  const clock: Clock = {
    ...systemClock,
    timer() {
      seen.push(activeContext().get(key));
      return { cancel() {} };
    },
  };
  const home = activeContext().with(key, "home");
  const limits = runInContext(home, () => deadlines(clock, 10, () => new Error("late")));
  runInContext(activeContext().with(key, "first"), () => limits.add({ cut() {} }));
  assert.deepEqual(seen, ["home"]);
});

test("offsets are committed in the context of no event, also where an attempt has failed", async () => {
  const contexts: unknown[] = [];
  await using bus = await openOn(createBroker(), {
    retry: { maxAttempts: 3, initialDelay: { nanos: 1_000_000 } },
  }, {
    faults: {
      commit(_positions, pass) {
        contexts.push(activeContext().get(CAUSE));
        return pass();
      },
    },
  });
  const prices = freshTopic();
  const got = collector<number>();
  await bus.subscribe(prices, (event, { attempt }) => {
    if (attempt === 1) throw new Error("once");
    got.add(numberOf(event));
  }, { group: "g" });
  await publishNumbers(bus, prices, 0, 2);
  await got.until((seen) => seen.length === 2);
  await until(() => contexts.length >= 2, "commits");
  assert.deepEqual(contexts.filter((cause) => cause !== undefined), []);
});
