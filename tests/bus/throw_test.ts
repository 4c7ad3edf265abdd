import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { type Bus, HEADER, type Skip, topic } from "../../bus/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { collector, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { openOn, turn } from "./_kit.ts";

// The runner fails a file on an unhandled rejection: that none comes is part of each test here.

const quick = { retry: { maxAttempts: 2, initialDelay: { nanos: 1_000_000 } } };

class Trap extends Error {
  override get message(): string {
    throw new Error("message bites");
  }
}

const THROWN: [what: string, make: () => unknown][] = [
  ["undefined", () => undefined],
  ["null", () => null],
  ["a text", () => "oh"],
  ["an empty text", () => ""],
  ["a number", () => 0],
  ["a symbol", () => Symbol("s")],
  ["a bigint", () => 1n],
  ["a function", () => () => {}],
  ["a plain object", () => ({ code: "E", retryable: "yes" })],
  ["an object without prototype", () => Object.create(null)],
  ["a frozen error", () => Object.freeze(new Error("frozen"))],
  ["an error whose message throws", () => new Trap()],
  [
    "an error whose name throws",
    () =>
      Object.defineProperty(new Error("x"), "name", {
        get() {
          throw new Error("name bites");
        },
      }),
  ],
  ["a proxy that throws at every look", () =>
    new Proxy({}, {
      get() {
        throw new Error("proxy bites");
      },
      getPrototypeOf() {
        throw new Error("prototype bites");
      },
    })],
  ["a revoked proxy", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }],
  ["an error that is its own cause", () => {
    const error = new Error("round");
    error.cause = error;
    return error;
  }],
  ["an error of a megabyte with control characters", () => new Error("\r\n\0".repeat(350_000))],
  ["a CqiError that is retryable", () => new CqiError("CQI_UNAVAILABLE", "Cannot reach it")],
  ["an AbortError", () => new DOMException("stop", "AbortError")],
];

/** Publishes 0 and 1 under one key and gives the dead letter of 0 once 1 is handled. */
async function deadLetterOf(
  bus: Bus,
  handler: () => void | Skip | Promise<void | Skip>,
): Promise<ReadonlyMap<string, unknown>> {
  const prices = freshTopic();
  const got = collector<number>();
  await bus.subscribe(prices, (event) => {
    if (numberOf(event) === 0) return handler();
    got.add(numberOf(event));
  });
  for (const n of [0n, 1n]) await bus.publish(prices, aPriceUpdated({ sequence: n }), { key: "k" });
  await got.until((seen) => seen.length === 1);
  for await (const { headers } of bus.records(`${prices.name}.dlq`)) return headers;
  throw new Error("The stream ended");
}

for (const [what, make] of THROWN) {
  test(`B7 a handler that throws ${what} is retried, dead-lettered and passed`, async () => {
    const logger = testLogger();
    await using bus = await openOn(createBroker(), quick, { logger });
    const headers = await deadLetterOf(bus, () => {
      throw make();
    });
    assert.equal(headers.get(HEADER.dlqReason), "exhausted");
    assert.equal(headers.get(HEADER.dlqAttempts), "2");
    // deno-lint-ignore no-control-regex -- what must not be there
    assert.match(String(headers.get(HEADER.dlqMessage)), /^[^\x00-\x1f]{0,1024}$/);
    assert.ok(logger.entries.some(({ message }) => message === "Event dead-lettered"));
  });

  test(`B7 a handler that rejects with ${what} is retried, dead-lettered and passed`, async () => {
    await using bus = await openOn(createBroker(), quick);
    const headers = await deadLetterOf(bus, () => Promise.reject(make()));
    assert.equal(headers.get(HEADER.dlqReason), "exhausted");
  });
}

class LateQuery extends Promise<void> {
  override then(): never {
    throw new Error("then bites");
  }
}

const BAD_THENABLES: [what: string, make: () => object][] = [
  ["whose then throws at once", () => ({
    then() {
      throw new Error("then bites");
    },
  })],
  ["that resolves with a promise that rejects", () => ({
    then: (resolve: (value: unknown) => void) => resolve(Promise.reject(new Error("inner"))),
  })],
  ["that is a function and rejects", () =>
    Object.assign(() => {}, {
      then: (_: unknown, reject: (error: unknown) => void) => reject(new Error("by a function")),
    })],
  ["that is a promise of another class whose then throws", () => new LateQuery(() => {})],
  ["that throws after it has rejected", () => ({
    then(_: unknown, reject: (error: unknown) => void) {
      reject(new Error("first"));
      throw new Error("second");
    },
  })],
];

for (const [what, make] of BAD_THENABLES) {
  test(`B7 a handler that gives a thenable ${what} is retried, dead-lettered and passed`, async () => {
    await using bus = await openOn(createBroker(), quick);
    const headers = await deadLetterOf(bus, () => make() as Promise<void>);
    assert.equal(headers.get(HEADER.dlqReason), "exhausted");
    assert.equal(headers.get(HEADER.dlqAttempts), "2");
  });
}

test("B7 an event is not done before the promise that its handler's thenable resolves with", async () => {
  const broker = createBroker({ partitions: 1 });
  await using bus = await openOn(broker);
  const prices = freshTopic();
  const gate = Promise.withResolvers<void>();
  const started = collector<number>();
  await bus.subscribe(prices, (event) => {
    started.add(numberOf(event));
    const thenable = { then: (resolve: (value: unknown) => void) => resolve(gate.promise) };
    return thenable as unknown as Promise<void>;
  }, { group: "g" });
  for (const n of [0n, 1n]) await bus.publish(prices, aPriceUpdated({ sequence: n }), { key: "k" });
  await started.until((seen) => seen.length === 1);
  await turn();
  assert.deepEqual(started.seen, [0]);
  assert.equal(broker.groups.get("g")!.committed.size, 0);
  gate.resolve();
  await started.until((seen) => seen.length === 2);
});

test("an answer that a database lost is no reason to set an event aside", async () => {
  await using bus = await openOn(createBroker(), quick);
  const prices = freshTopic();
  const attempts = collector<number>();
  await bus.subscribe(prices, (_event, { attempt }) => {
    attempts.add(attempt);
    if (attempt === 1) throw new CqiError("CQI_DATABASE_OUTCOME_UNKNOWN", "Cannot say");
  });
  await bus.publish(prices, aPriceUpdated());
  assert.deepEqual(await attempts.until((seen) => seen.length >= 2), [1, 2]);
});

test("B7 a middleware of handling that throws counts as the handler's failure", async () => {
  await using bus = await openOn(createBroker(), quick, {
    consumeMiddleware: [(delivery, info, next) => {
      if (delivery.offset === 0n) throw new Error("from the middleware");
      return next(delivery, info);
    }],
  });
  const headers = await deadLetterOf(bus, () => assert.fail("reached"));
  assert.equal(headers.get(HEADER.dlqMessage), "from the middleware");
});

test("B7 a middleware of publishing that throws, and a key function that throws, reach the caller", async () => {
  const bites = new Error("bites");
  await using one = await openOn(createBroker(), {}, {
    publishMiddleware: [() => {
      throw bites;
    }],
  });
  await assert.rejects(one.publish(freshTopic(), aPriceUpdated()), bites);
  await using two = await openOn(createBroker());
  const keyed = topic(PriceUpdatedSchema, {
    name: "t",
    key: () => {
      throw bites;
    },
  });
  await assert.rejects(two.publish(keyed, aPriceUpdated()), bites);
});

for (
  const [what, result] of [
    ["null", null],
    ["a number", 5],
    ["an empty object", {}],
    ["true", true],
  ] as const
) {
  test(`B7 a handler that gives ${what} has handled its event`, async () => {
    await using bus = await openOn(createBroker(), quick);
    const prices = freshTopic();
    const got = collector<number>();
    await bus.subscribe(prices, (_event, { attempt }) => {
      got.add(attempt);
      return result as unknown as void;
    });
    for (const _ of [0, 1]) await bus.publish(prices, aPriceUpdated(), { key: "k" });
    assert.deepEqual(await got.until((seen) => seen.length === 2), [1, 1]);
  });
}

for (const reason of ["noise", "", "\r\n".repeat(1000), undefined, null, 7, {}]) {
  test(`B7 skip takes ${JSON.stringify(reason)?.slice(0, 12)} as its reason and skips`, async () => {
    await using bus = await openOn(createBroker(), quick, { logger: testLogger() });
    const prices = freshTopic();
    const got = collector<number>();
    await bus.subscribe(prices, (_event, { skip, attempt }) => {
      got.add(attempt);
      return skip(reason as string);
    });
    for (const _ of [0, 1]) await bus.publish(prices, aPriceUpdated(), { key: "k" });
    assert.deepEqual(await got.until((seen) => seen.length === 2), [1, 1]);
  });
}

test("B7 a driver that throws at every call rejects each call of the bus and nothing else", async () => {
  const broken = (): never => {
    throw new Error("no broker");
  };
  const bus = await openOn(createBroker(), {}, {
    logger: testLogger(),
    faults: { send: broken, consume: broken, ensureTopics: broken, close: broken },
  });
  const prices = freshTopic();
  await assert.rejects(bus.publish(prices, aPriceUpdated()), { code: "CQI_BUS_UNAVAILABLE" });
  await assert.rejects(bus.subscribe(prices, () => {}), /no broker/);
  const reader = bus.records(prices.name)[Symbol.asyncIterator]();
  await assert.rejects(reader.next(), /no broker/);
  await bus.close();
});

test("B7 a subscription whose closing fails does not stop an abort or the bus", async () => {
  const stop = new AbortController();
  const bus = await openOn(createBroker(), {}, {
    logger: testLogger(),
    faults: { revoked: () => Promise.reject(new Error("no leave")), bare: true },
  });
  await bus.subscribe(freshTopic(), () => {}, { signal: stop.signal });
  const waiting = bus.subscribe(freshTopic(), { group: "g", signal: stop.signal });
  const next = waiting[Symbol.asyncIterator]().next().catch((error) => error);
  stop.abort();
  await next;
  await bus.close();
});
