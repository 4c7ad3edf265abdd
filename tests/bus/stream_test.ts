import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import type { Delivery } from "../../bus/mod.ts";
import { stream } from "../../bus/_stream.ts";
import { isCqiError } from "../../errors/mod.ts";
import { freshGroup, freshTopic, numberOf, publishNumbers } from "../../testing/_bus_kit.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { type Faults, openOn, turn, until } from "./_kit.ts";

test("stream gives each event once, though two iterators and several next calls ask at once", async () => {
  await using bus = await openOn(createBroker());
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 20);
  await using reading = bus.subscribe(prices, { group: freshGroup() });
  const [one, two] = [reading[Symbol.asyncIterator](), reading[Symbol.asyncIterator]()];
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : two).next()),
  );
  assert.deepEqual(results.map(({ value }) => numberOf(value!.event)), [...Array(20).keys()]);
});

test("stream of a group whose several next calls ask at once acknowledges all but the last", async () => {
  const broker = createBroker({ partitions: 1 });
  await using bus = await openOn(broker);
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 5);
  const reading = bus.subscribe(prices, { group: "g" });
  const iterator = reading[Symbol.asyncIterator]();
  await Promise.all(Array.from({ length: 5 }, () => iterator.next()));
  await reading.close();
  assert.equal(broker.groups.get("g")!.committed.get(`${prices.name}:0`), 4);
});

test("stream left by a throw gives the event back: it comes again", async () => {
  await using bus = await openOn(createBroker());
  const prices = freshTopic();
  const group = freshGroup();
  await publishNumbers(bus, prices, 0, 3);
  const loop = async (): Promise<void> => {
    for await (const { event } of bus.subscribe(prices, { group })) {
      if (numberOf(event) === 1) throw new Error("reader fails");
    }
  };
  await assert.rejects(loop(), /reader fails/);
  for await (const { event, attempt } of bus.subscribe(prices, { group })) {
    assert.deepEqual([numberOf(event), attempt], [1, 1]);
    break;
  }
});

test("stream that returns before its first next starts nothing", async () => {
  const broker = createBroker();
  await using bus = await openOn(broker);
  const iterator = bus.subscribe(freshTopic(), { group: "g" })[Symbol.asyncIterator]();
  assert.deepEqual(await iterator.return!(), { done: true, value: undefined });
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  assert.equal(broker.groups.size, 0);
});

test("stream that is never iterated holds nothing open", async () => {
  const broker = createBroker();
  const bus = await openOn(broker);
  bus.subscribe(freshTopic(), { group: "g" });
  bus.records("t");
  await bus.close();
  assert.equal(broker.groups.size, 0);
});

for (const way of ["close", "return", "bus"] as const) {
  test(`stream that waits for an event ends at ${way}`, async () => {
    const bus = await openOn(createBroker());
    for (
      const reading of [
        bus.subscribe(freshTopic()),
        bus.subscribe(freshTopic(), { group: freshGroup() }),
        bus.records(freshTopic().name),
      ]
    ) {
      const iterator = reading[Symbol.asyncIterator]();
      const waiting = iterator.next();
      await turn();
      if (way === "close") await reading.close();
      else if (way === "return") await iterator.return!();
      else await Promise.all([bus.close(), waiting]);
      assert.equal((await waiting).done, true);
      if (way === "bus") break;
    }
    await bus.close();
  });
}

for (const way of ["signal", "close", "bus"] as const) {
  test(`stream whose broker is away ends at once at ${way}, and what starts later is closed`, async () => {
    const away = Promise.withResolvers<void>();
    let [asked, closed] = [0, 0];
    const faults: Faults = {
      async consume(pass) {
        asked++;
        await away.promise;
        const consumer = await pass();
        const close = (): Promise<void> => consumer.close().finally(() => closed++);
        return { ...consumer, close };
      },
    };
    // Time stands still: nothing ends by a limit.
    const bus = await openOn(createBroker(), {}, { faults, clock: fakeClock() });
    const leaving = new AbortController();
    const { signal } = leaving;
    const name = freshTopic();
    const readings = [
      bus.subscribe(name, { signal }),
      bus.subscribe(name, { group: freshGroup(), signal }),
      bus.records(name.name, { signal }),
    ];
    const waiting = readings.map((reading) => reading[Symbol.asyncIterator]().next());
    await until(() => asked === 3);
    if (way === "signal") leaving.abort();
    else if (way === "close") await Promise.all(readings.map((reading) => reading.close()));
    else await bus.close();
    assert.deepEqual((await Promise.all(waiting)).map(({ done }) => done), [true, true, true]);
    away.resolve();
    await until(() => closed === 3);
    await bus.close();
  });
}

test("stream of each kind ends when its bus closes", async () => {
  const bus = await openOn(createBroker());
  const waiting = [
    bus.subscribe(freshTopic()),
    bus.subscribe(freshTopic(), { group: freshGroup() }),
    bus.records(freshTopic().name),
  ].map((reading) => reading[Symbol.asyncIterator]().next());
  await turn();
  await bus.close();
  assert.deepEqual((await Promise.all(waiting)).map(({ done }) => done), [true, true, true]);
});

test("K16 a group's reader may finish the event that it has while the bus closes", async () => {
  const broker = createBroker({ partitions: 1 });
  const bus = await openOn(broker);
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 3);
  const iterator = bus.subscribe(prices, { group: "g" })[Symbol.asyncIterator]();
  await iterator.next();
  const closing = bus.close();
  await turn();
  assert.equal((await iterator.next()).done, true);
  await closing;
  assert.equal(broker.groups.get("g")!.committed.get(`${prices.name}:0`), 1);
});

test("K16 a group's reader that never comes back costs the bus one drain_timeout", async () => {
  const clock = fakeClock();
  const bus = await openOn(createBroker(), {}, { clock });
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 3);
  const iterator = bus.subscribe(prices, { group: "g" })[Symbol.asyncIterator]();
  await iterator.next();
  const closing = bus.close();
  await clock.advance(10_000);
  await closing;
  assert.equal(clock.pending, 0);
});

test("stream on a closed bus, and on one that cannot start, rejects at next and stays so", async () => {
  const bus = await openOn(createBroker());
  await bus.close();
  for (
    const reading of [bus.subscribe("t"), bus.subscribe("t", { group: "g" }), bus.records("t")]
  ) {
    const iterator = (reading as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    await assert.rejects(iterator.next(), { code: "CQI_CLOSED" });
    await assert.rejects(iterator.next(), { code: "CQI_CLOSED" });
    await iterator.return!();
  }
});

for (const when of ["before", "during"] as const) {
  test(`stream whose signal aborts ${when} its start ends its loop quietly`, async () => {
    const gate = Promise.withResolvers<void>();
    await using bus = await openOn(createBroker(), {}, {
      faults: { consume: (pass) => gate.promise.then(pass) },
    });
    const stop = new AbortController();
    if (when === "before") stop.abort();
    const iterator = bus.subscribe(freshTopic(), { signal: stop.signal })[Symbol.asyncIterator]();
    const first = iterator.next();
    await turn();
    stop.abort();
    gate.resolve();
    assert.equal((await first).done, true);
  });
}

test("stream of a reader sees what is published while it reads, in order per key", async () => {
  await using bus = await openOn(createBroker());
  const prices = freshTopic();
  const seen: Delivery[] = [];
  const reading = (async () => {
    for await (const delivery of bus.subscribe(prices)) {
      seen.push(delivery);
      if (seen.length === 100) break;
    }
  })();
  await publishNumbers(bus, prices, 0, 50, (n) => `k${n % 7}`);
  await publishNumbers(bus, prices, 50, 100, (n) => `k${n % 7}`);
  await reading;
  const last = new Map<string, bigint>();
  for (const { key, partition, offset } of seen) {
    const name = `${partition} ${key}`;
    assert.ok(offset > (last.get(name) ?? -1n));
    last.set(name, offset);
  }
});

test("two groups' streams of one topic wait for nobody but themselves", async () => {
  await using bus = await openOn(createBroker());
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 10);
  const idle = bus.subscribe(prices, { group: freshGroup() })[Symbol.asyncIterator]();
  await idle.next();
  let count = 0;
  for await (const _ of bus.subscribe(prices, { group: freshGroup() })) if (++count === 10) break;
  assert.equal(count, 10);
  await idle.return!();
});

test("stream tells who feeds it when a value was abandoned", async () => {
  const outcomes: string[] = [];
  let feed: ((value: number) => Promise<void>) | undefined;
  const reading = stream<number>((hand) => {
    feed = hand;
    return Promise.resolve({ close: () => Promise.resolve() });
  }, {});
  const iterator = reading[Symbol.asyncIterator]();
  const first = iterator.next();
  await until(() => feed !== undefined);
  const note = (value: number) =>
    feed!(value).then(
      () => outcomes.push(`${value} taken`),
      (error) => outcomes.push(`${value} ${isCqiError(error, "CQI_CLOSED")}`),
    );
  const notes = [note(1), note(2), note(3)];
  await first;
  await iterator.next();
  await reading.close();
  await Promise.all([...notes, note(4)]);
  assert.deepEqual(outcomes.sort(), ["1 taken", "2 true", "3 true", "4 true"]);
});
