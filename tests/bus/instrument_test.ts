import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { lanes } from "../../bus/lanes.ts";
import { type Metrics, noopMetrics, noopTracer, type Tracer } from "../../core/mod.ts";
import { collector, freshTopic, numberOf, publishNumbers, range } from "../../testing/_bus_kit.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { openOn, until } from "./_kit.ts";

// What is handed in to observe a bus may fail; that must cost no event.

const bite = (): never => {
  throw new Error("instrument bites");
};
const biting = { add: bite, set: bite, observe: bite };
const bitingMetric = { ...biting, with: () => biting };
const unlabelledMetric = { ...biting, with: bite };

const METRICS: [what: string, metrics: Metrics][] = [
  ["series that throw", bitingMetric],
  ["families that throw", unlabelledMetric],
].map(([what, metric]) => [what as string, {
  ...noopMetrics,
  counter: () => metric,
  gauge: () => metric,
  histogram: () => metric,
} as Metrics]);

for (const [what, metrics] of METRICS) {
  for (const isAsync of [false, true]) {
    const how = isAsync ? "later" : "at once";
    test(`metrics of ${what} cost no event that is handled ${how}, and the bus closes`, async () => {
      const broker = createBroker({ partitions: 2 });
      const logger = testLogger();
      const bus = await openOn(broker, {}, { metrics, logger });
      const prices = freshTopic();
      const got = collector<number>();
      await bus.subscribe(prices, (event) => {
        got.add(numberOf(event));
        return isAsync ? Promise.resolve() : undefined;
      }, { group: "g" });
      await publishNumbers(bus, prices, 0, 20, (n) => `k${n % 5}`);
      await got.until((seen) => seen.length === 20);
      await bus.close();
      assert.deepEqual([...got.seen].sort((a, b) => a - b), range(20));
      const done = [...broker.groups.get("g")!.committed.values()];
      assert.equal(done.reduce((sum, offset) => sum + offset, 0), 20);
      const told = logger.entries.filter(({ message }) => message === "Metric cannot be counted");
      assert.ok(told.length > 0 && told.length < 10, `${told.length} times`);
    });
  }
}

test("lanes go on when a task throws, its own lane too, and whoever pushed it hears of it", () => {
  const work = lanes(1);
  const ran: number[] = [];
  work.pause(true);
  for (const n of range(6)) {
    work.push(n % 2 === 0 ? "a" : "b", (_rest, done) => {
      ran.push(n);
      if (n < 2) throw new Error(`task ${n}`);
      done();
    });
  }
  assert.throws(() => work.pause(false), /task 0/);
  assert.deepEqual(ran.toSorted(), range(6));
});

test("an event whose handling fails before its handler is tried again here, with its key in order", async () => {
  let failures = 3;
  const tracer: Tracer = {
    ...noopTracer,
    span(...args: Parameters<Tracer["span"]>) {
      const [name] = args;
      if (name.startsWith("process") && failures-- > 0) throw new Error("tracer bites");
      return noopTracer.span(...args);
    },
  } as Tracer;
  const retry = { initialDelay: { nanos: 1_000_000 }, maxDelay: { nanos: 2_000_000 } };
  const broker = createBroker({ partitions: 1 });
  await using bus = await openOn(broker, { retry }, { tracer });
  const prices = freshTopic();
  const got = collector<number>();
  await bus.subscribe(prices, (event) => got.add(numberOf(event)), { group: "g" });
  await publishNumbers(bus, prices, 0, 5);
  await got.until((seen) => seen.length === 5);
  assert.deepEqual(got.seen, range(5));
  const committed = () => broker.groups.get("g")!.committed.get(`${prices.name}:0`);
  await until(() => committed() === 5, "the commit");
});
