import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { batcher } from "../../bus/_batcher.ts";
import { open, partitionOfKey, topic } from "../../bus/mod.ts";
import type { Clock } from "../../core/mod.ts";
import { type CqiError, isCqiError } from "../../errors/mod.ts";
import { PriceUpdatedSchema, RiskAlertSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { collector, freshTopic, numberOf } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { memoryDrivers, openOn, settledBy, turn } from "./_kit.ts";

const tiny = { memory: { partitions: 1, retentionRecords: 4n } };

test("B6 publish waits while a slow consumer holds the log full, and goes on when it commits", async () => {
  await using bus = await open(tiny, { drivers: memoryDrivers });
  const prices = freshTopic();
  const gate = Promise.withResolvers<void>();
  const got = collector<number>();
  await bus.subscribe(prices, async (event) => {
    await gate.promise;
    got.add(numberOf(event));
  });
  let written = 0;
  const all = (async () => {
    for (let n = 0; n < 50; n++) {
      await bus.publish(prices, aPriceUpdated({ sequence: BigInt(n) }));
      written++;
    }
  })();
  for (let n = 0; n < 20; n++) await turn();
  assert.equal(written, 4);
  gate.resolve();
  await all;
  await got.until((seen) => seen.length === 50);
  assert.deepEqual(got.seen, Array.from({ length: 50 }, (_, n) => n));
});

test("B6 publish on a log that stays full fails at publish_timeout with a typed error", async () => {
  const clock = fakeClock();
  await using bus = await open({ ...tiny, publishTimeout: { seconds: 3n } }, {
    drivers: memoryDrivers,
    clock,
  });
  const prices = freshTopic();
  const sub = await bus.subscribe(prices, () => new Promise(() => {}), { timeout: "1h" });
  for (let n = 0; n < 4; n++) await bus.publish(prices, aPriceUpdated());
  const { afterMs, result } = await settledBy(
    clock,
    bus.publish(prices, aPriceUpdated()),
    500,
    9000,
  );
  assert.equal(afterMs, 3000);
  assert.ok(result.status === "rejected" && isCqiError(result.reason, "CQI_BUS_BUFFER_FULL"));
  assert.equal(result.reason.retryable, true);
  const closing = sub.close();
  await clock.advance(10_000);
  await closing;
});

test("B6 a partition that is full holds up no other partition, and no other topic", async () => {
  await using bus = await open({ memory: { partitions: 2, retentionRecords: 1n } }, {
    drivers: memoryDrivers,
  });
  const [prices, other] = [freshTopic(), freshTopic()];
  const gate = Promise.withResolvers<void>();
  await bus.subscribe(prices, () => gate.promise);
  const keys = ["a", "b", "c", "d", "e", "f"];
  const one = keys.find((key) => partitionOfKey(key, 2) === 0)!;
  const two = keys.find((key) => partitionOfKey(key, 2) === 1)!;
  await bus.publish(prices, aPriceUpdated(), { key: one });
  const order: string[] = [];
  // Separate calls to the driver: what shares one call is acknowledged together.
  const stuck = bus.publish(prices, aPriceUpdated(), { key: one }).then(() => order.push("stuck"));
  await bus.publish(other, aPriceUpdated());
  order.push("other topic");
  gate.resolve();
  await bus.publish(prices, aPriceUpdated(), { key: two });
  await stuck;
  assert.deepEqual(order, ["other topic", "stuck"]);
});

test("K18 100,000 publications to a broker that does not answer all settle in publish_timeout", async () => {
  const timers = new Set<{ at: number; fire: () => void }>();
  let now = 0;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    timer(fire, delayMs) {
      const timer = { at: now + delayMs, fire };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
  };
  const settings = { publishTimeoutMs: 30_000, drainTimeoutMs: 10_000, maxMessageBytes: 2 ** 20 };
  const driver = { send: () => new Promise<never>(() => {}) };
  const out = batcher({ clock, settings, driver } as unknown as Parameters<typeof batcher>[0]);
  const record = {
    topic: "t",
    key: "k",
    value: new Uint8Array(300),
    headers: new Map<string, string>(),
    timestampMs: 0,
  };
  const codes: string[] = [];
  const all = Array.from(
    { length: 100_600 },
    () => out.send(record, {}).catch((error: CqiError) => codes.push(error.code)),
  );
  await turn();
  assert.equal(codes.length, 600, "only what is beyond the bound is refused at once");
  now = 31_000;
  for (const timer of timers) {
    timers.delete(timer);
    timer.fire();
  }
  await Promise.all(all);
  assert.equal(codes.length, 100_600);
  assert.deepEqual([...new Set(codes)].sort(), ["CQI_BUS_BUFFER_FULL", "CQI_BUS_UNAVAILABLE"]);
  await out.close(10_000);
  assert.equal(timers.size, 0);
});

test("a publication that its caller gave up leaves its place to another", async () => {
  const settings = { publishTimeoutMs: 30_000, drainTimeoutMs: 10_000, maxMessageBytes: 2 ** 20 };
  const sent: string[][] = [];
  const gate = Promise.withResolvers<void>();
  const driver = {
    async send(records: readonly { key: string }[]): Promise<Error[]> {
      sent.push(records.map(({ key }) => key));
      await gate.promise;
      return records.map(() => new Error("refused"));
    },
  };
  const out = batcher(
    { clock: fakeClock(), settings, driver } as unknown as Parameters<typeof batcher>[0],
  );
  const send = (key: string, signal?: AbortSignal): Promise<string> =>
    out.send({
      topic: "t",
      key,
      value: new Uint8Array(2 ** 20),
      headers: new Map<string, string>(),
      timestampMs: 0,
    }, { ...signal && { signal } }).then(() => "sent", ({ message }) => message);
  const first = send("first");
  await turn();
  const impatient = new AbortController();
  const given = Array.from({ length: 63 }, () => send("given up", impatient.signal));
  assert.match(await send("too much"), /wait for the broker already/);
  impatient.abort(new Error("impatient"));
  const next = send("next");
  assert.deepEqual(await Promise.all(given), Array(63).fill("impatient"));
  gate.resolve();
  assert.deepEqual(await Promise.all([first, next]), ["refused", "refused"]);
  assert.deepEqual(sent, [["first"], ["next"]]);
  await out.close(1000);
});

test("K18 order per key holds for 12,000 publications that nobody awaits one by one", async () => {
  await using bus = await openOn(createBroker());
  const prices = freshTopic();
  const event = aPriceUpdated();
  const all = await Promise.all(
    Array.from({ length: 12_000 }, () => bus.publish(prices, event, { key: "k" })),
  );
  assert.deepEqual(all.map(({ offset }) => Number(offset)), all.map((_, n) => n));
});

test("B6 one call to a driver takes no more bytes than max_message_bytes", async () => {
  const sizes: number[] = [];
  await using bus = await openOn(createBroker(), { maxMessageBytes: 4096n }, {
    faults: {
      send(records, pass) {
        sizes.push(records.length);
        return pass();
      },
    },
  });
  const prices = freshTopic();
  await Promise.all(Array.from({ length: 20 }, () => bus.publish(prices, aPriceUpdated())));
  assert.ok(sizes.length > 1 && Math.max(...sizes) < 20, `batches of ${sizes}`);
  assert.equal(sizes.reduce((a, b) => a + b), 20);
});

test("publish refuses an event beyond max_message_bytes, headers included", async () => {
  await using bus = await openOn(createBroker(), { maxMessageBytes: 2048n });
  const prices = freshTopic();
  await bus.publish(prices, aPriceUpdated(), { headers: { h: "x".repeat(1000) } });
  const large = bus.publish(prices, aPriceUpdated(), { headers: { h: "x".repeat(2000) } });
  await assert.rejects(large, (error) => {
    assert.ok(isCqiError(error, "CQI_CONTRACT_INVALID"));
    assert.match(error.message, /max_message_bytes/);
    return true;
  });
});

test("publish aborted before, while queued and while under way rejects with the signal's reason", async () => {
  const sending = Promise.withResolvers<void>();
  let sent = 0;
  const bus = await openOn(createBroker(), {}, {
    faults: {
      async send(records, pass) {
        sent += records.length;
        await sending.promise;
        return await pass();
      },
    },
  });
  const prices = freshTopic();
  const reason = new Error("changed my mind");
  const publish = (signal: AbortSignal) => bus.publish(prices, aPriceUpdated(), { signal });
  await assert.rejects(publish(AbortSignal.abort(reason)), reason);
  const stop = new AbortController();
  const underWay = publish(stop.signal);
  await turn();
  const queued = publish(stop.signal);
  await turn();
  stop.abort(reason);
  await assert.rejects(underWay, reason);
  await assert.rejects(queued, reason);
  sending.resolve();
  await bus.close();
  assert.equal(sent, 1);
});

test("publish passes on what the driver says of each record, and a missing answer is an error", async () => {
  const answers: (Error | undefined)[] = [new Error("record 0 is refused"), undefined];
  await using bus = await openOn(createBroker(), {}, {
    faults: { send: () => Promise.resolve(answers as Error[]) },
  });
  const prices = freshTopic();
  const [one, two] = await Promise.allSettled([
    bus.publish(prices, aPriceUpdated()),
    bus.publish(prices, aPriceUpdated()),
  ]);
  assert.ok(one.status === "rejected" && one.reason === answers[0]);
  assert.ok(two.status === "rejected" && isCqiError(two.reason, "CQI_INTERNAL"));
});

const prices = topic(PriceUpdatedSchema);

for (
  const [what, target, event] of [
    ["null", prices, null],
    ["undefined", prices, undefined],
    ["a text", prices, "event"],
    ["an array", prices, []],
    ["a message of another type", prices, create(RiskAlertSchema)],
    ["a field of the wrong type", prices, { price: 7 }],
    ["a field of the wrong type deep within", prices, { price: { price: {} } }],
    ["an invalid event", prices, {}],
    ["a message whose field is none", prices, Object.assign(aPriceUpdated(), { price: {} })],
    ["a message whose field is a number", prices, Object.assign(aPriceUpdated(), { price: 7 })],
    [
      "a message whose time is a Date",
      prices,
      Object.assign(aPriceUpdated(), { timestamp: new Date() }),
    ],
    ["a time out of range", prices, { timestamp: { seconds: 10n ** 18n } }],
    ["no message on a topic by name", "prices", {}],
    ["null on a topic by name", "prices", null],
    ["an unknown message on a topic by name", "prices", { $typeName: "a.B" }],
    ["nothing as its topic", undefined, {}],
    ["null as its topic", null, {}],
    ["a number as its topic", 7, {}],
  ] as [string, never, never][]
) {
  test(`publish refuses ${what} with a CqiError`, async () => {
    await using bus = await openOn(createBroker());
    await assert.rejects(bus.publish(target, event), (error) => {
      assert.ok(isCqiError(error), String(error));
      assert.notEqual(error.code, "CQI_INTERNAL");
      return true;
    });
  });
}
