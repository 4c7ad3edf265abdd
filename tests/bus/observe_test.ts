import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { activeSpan } from "../../core/mod.ts";
import * as metrics from "../../metrics/mod.ts";
import * as prometheus from "../../metrics/drivers/prometheus.ts";
import * as tracing from "../../tracing/mod.ts";
import * as memory from "../../tracing/drivers/memory.ts";
import { collector, freshTopic, numberOf, publishNumbers } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { type Faults, openOn, turn, until } from "./_kit.ts";

const openTracer = () => tracing.open({ driver: "memory" }, { drivers: { memory: () => memory } });
const openMetrics = () => metrics.open({}, { drivers: { prometheus: () => prometheus } });

test("go-peer 6 row 20 producer and consumer are one trace, over handlers that publish on", async () => {
  await using tracer = await openTracer();
  const broker = createBroker();
  await using maker = await openOn(broker, {}, { tracer });
  await using bus = await openOn(broker, {}, { tracer });
  const [a, b] = [freshTopic(), freshTopic()];
  const done = collector<string | undefined>();
  await bus.subscribe(a, async (event) => void await bus.publish(b, { price: event.price! }), {
    group: "first",
  });
  await bus.subscribe(b, () => done.add(activeSpan()?.traceId), { group: "second" });
  await tracer.span("request", { kind: "server" }, () => maker.publish(a, aPriceUpdated()));
  await done.until((seen) => seen.length === 1);
  await until(() => tracer.spans().length === 5, "five spans");
  const spans = tracer.spans();
  const find = (name: string) => spans.find((span) => span.name === name)!;
  const chain = ["request", `send ${a.name}`, `process ${a.name}`, `send ${b.name}`];
  const names = [...chain, `process ${b.name}`];
  assert.deepEqual(spans.map(({ name }) => name).sort(), [...names].sort());
  for (const [index, name] of names.entries()) {
    assert.equal(find(name).context.traceId, find("request").context.traceId);
    if (index > 0) assert.equal(find(name).parentSpanId, find(names[index - 1]!).context.spanId);
  }
  assert.equal(done.seen[0], find("request").context.traceId);
  assert.equal(find(`send ${a.name}`).kind, "producer");
  assert.equal(find(`process ${a.name}`).kind, "consumer");
  const { attributes } = find(`process ${a.name}`);
  assert.equal(attributes["messaging.consumer.group.name"], "first");
  assert.equal(attributes["messaging.destination.name"], a.name);
  assert.equal(
    attributes["messaging.message.id"],
    find(`send ${a.name}`).attributes["messaging.message.id"],
  );
});

test("row 15 the attempt is seen by handler, span and log, and a failed span says so", async () => {
  await using tracer = await openTracer();
  const logger = testLogger();
  await using bus = await openOn(createBroker(), {
    retry: { maxAttempts: 3, initialDelay: { nanos: 1_000_000 } },
  }, { tracer, logger });
  const prices = freshTopic();
  const attempts = collector<number>();
  await bus.subscribe(prices, (_event, { attempt }) => {
    attempts.add(attempt);
    throw new Error("no luck");
  });
  await bus.publish(prices, aPriceUpdated());
  await attempts.until((seen) => seen.length === 3);
  await until(() => tracer.spans().some(({ name }) => name.startsWith("process")), "the span");
  const span = tracer.spans().find(({ name }) => name.startsWith("process"))!;
  const retries = span.events.filter(({ name }) => name === "retry");
  assert.deepEqual(retries.map(({ attributes }) => attributes?.["attempt"]), [1, 2]);
  const warned = logger.entries.filter(({ message }) => /will be tried again/.test(message));
  assert.deepEqual(warned.map(({ fields }) => fields["attempt"]), [1, 2]);
  logger.expect({ level: "error", message: "Event dead-lettered" });
});

test("row 29 a scripted run is counted as it was, and nothing is in flight afterwards", async () => {
  await using registry = await openMetrics();
  const bus = await openOn(createBroker(), {
    retry: { maxAttempts: 2, initialDelay: { nanos: 1_000_000 } },
    unknownType: "skip",
  }, { metrics: registry });
  const prices = freshTopic();
  const tries = collector<number>();
  const held = Promise.withResolvers<void>();
  await bus.subscribe(prices, async (event, { skip }) => {
    const n = numberOf(event);
    tries.add(n);
    if (n === 3) await held.promise;
    if (n === 2) throw new Error("no luck");
    return n === 1 ? skip("noise") : undefined;
  }, { group: "g" });
  for (const n of [0n, 1n, 2n, 3n]) {
    await bus.publish(prices, aPriceUpdated({ sequence: n }), { key: "k" });
  }
  await assert.rejects(bus.publish(prices, {}));
  await tries.until((seen) => seen.length === 5);
  const series = async (): Promise<Map<string, number>> => {
    const { body } = await registry.expose();
    return new Map(
      body.split("\n").filter((line) => line.startsWith("cqi_bus_")).map((line) => {
        const cut = line.lastIndexOf(" ");
        return [line.slice(0, cut).replace(prices.name, "T"), Number(line.slice(cut + 1))];
      }),
    );
  };
  await until(() => tries.seen.length === 5);
  for (let n = 0; n < 5; n++) await turn();
  const during = await series();
  assert.equal(during.get('cqi_bus_in_flight{group="g"}'), 1);
  assert.equal(during.get('cqi_bus_consumer_lag{topic="T",group="g"}'), 1);
  held.resolve();
  const handled = 'cqi_bus_consumed_total{topic="T",group="g",result="handled"}';
  await until(async () => (await series()).get(handled) === 2, "two handled events");
  await turn();
  const after = await series();
  assert.equal(after.get('cqi_bus_in_flight{group="g"}'), 0);
  assert.equal(after.get('cqi_bus_consumer_lag{topic="T",group="g"}'), 0);
  assert.equal(after.get('cqi_bus_consumed_total{topic="T",group="g",result="skipped"}'), 1);
  assert.equal(after.get('cqi_bus_consumed_total{topic="T",group="g",result="dead_lettered"}'), 1);
  assert.equal(after.get('cqi_bus_retried_total{topic="T",group="g"}'), 1);
  assert.equal(after.get('cqi_bus_published_total{topic="T",result="ok"}'), 4);
  assert.equal(after.get('cqi_bus_published_total{topic="T",result="error"}'), 1);
  assert.equal(after.get('cqi_bus_handler_duration_seconds_count{topic="T",group="g"}'), 5);
  await bus.close();
  assert.equal((await series()).get('cqi_bus_in_flight{group="g"}'), 0);
});

test("row 29 the lag of a member that gave its partitions up is nothing", async () => {
  await using registry = await openMetrics();
  await using bus = await openOn(createBroker(), {}, { metrics: registry });
  const prices = freshTopic();
  const lag = async (): Promise<string | undefined> =>
    (await registry.expose()).body.match(/^cqi_bus_consumer_lag\{[^}]*\} (\d+)$/m)?.[1];
  const first = await bus.subscribe(prices, () => {}, { group: "g" });
  first.pause();
  await publishNumbers(bus, prices, 0, 5);
  assert.equal(await lag(), "5");
  await first.close();
  assert.equal(await lag(), "0");
});

test("row 29 a subscription that is refused leaves nobody without a broker", async () => {
  await using registry = await openMetrics();
  const faults: { -readonly [K in keyof Faults]: Faults[K] } = {};
  await using bus = await openOn(createBroker(), {}, { metrics: registry, faults });
  faults.consume = () => Promise.reject(new Error("may not be read"));
  await assert.rejects(bus.subscribe(freshTopic(), () => {}, { group: "g" }), /may not be read/);
  assert.deepEqual(await bus.check(), { status: "ok" });
  assert.match((await registry.expose()).body, /^cqi_bus_consumer_up\{group="g"\} 1$/m);
});

test("row 29 what has no group is in the report too, until it is closed", async () => {
  const faults: { -readonly [K in keyof Faults]: Faults[K] } = {};
  await using bus = await openOn(createBroker(), {}, { faults });
  const prices = freshTopic();
  const down = { check: () => Promise.resolve({ status: "down", message: "No rows" } as const) };
  const each = await bus.subscribe(prices, () => {}, { broadcast: true, dependsOn: [down] });
  await until(async () => (await bus.check()).status === "degraded");
  assert.deepEqual(await bus.check(), {
    status: "degraded",
    message: `Consumer without a group waits with '${prices.name}': No rows`,
    details: { [prices.name]: "waiting" },
  });
  await each.close();
  assert.deepEqual(await bus.check(), { status: "ok" });
  faults.consume = () => Promise.reject(new Error("no broker"));
  await assert.rejects(bus.subscribe(prices, () => {}, { broadcast: true }), /no broker/);
  assert.deepEqual(await bus.check(), { status: "ok" });
});

test("row 29 in flight goes back to nothing after a close in the middle, paused or not", async () => {
  for (const paused of [false, true]) {
    await using registry = await openMetrics();
    const bus = await openOn(createBroker(), { drainTimeout: { nanos: 100_000_000 } }, {
      metrics: registry,
    });
    const prices = freshTopic();
    const sub = await bus.subscribe(prices, () => new Promise(() => {}), { group: "g" });
    if (paused) sub.pause();
    for (let n = 0; n < 50; n++) await bus.publish(prices, aPriceUpdated(), { key: `k${n}` });
    await turn();
    await bus.close();
    await turn();
    assert.match((await registry.expose()).body, /cqi_bus_in_flight\{group="g"\} 0\n/);
  }
});

test("a log line of a handler carries the event, topic, partition and offset", async () => {
  const seen = collector<Readonly<Record<string, unknown>>>();
  const logger = testLogger();
  await using bus = await openOn(createBroker(), {}, { logger });
  const prices = freshTopic();
  const { LOG_FIELDS, activeContext } = await import("../../core/mod.ts");
  await bus.subscribe(prices, () => seen.add({ ...activeContext().get(LOG_FIELDS) }));
  const { eventId, partition, offset } = await bus.publish(prices, aPriceUpdated());
  const [fields] = await seen.until((all) => all.length === 1);
  assert.deepEqual(fields, {
    attempt: 1,
    event_id: eventId,
    correlation_id: eventId,
    topic: prices.name,
    partition,
    offset,
  });
});
