import assert from "node:assert/strict";
import { test } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import type { StreamOptions, SubscribeOptions } from "../../bus/mod.ts";
import { freshTopic, publishNumbers } from "../../testing/_bus_kit.ts";
import { openOn } from "./_kit.ts";

const WRONG: readonly (readonly [option: string, options: unknown])[] = [
  ["group", { group: "" }],
  ["group", { group: "a b" }],
  ["group", { group: "a\n" }],
  ["group", { group: "a\u0000" }],
  ["group", { group: "g".repeat(250) }],
  ["group", { group: 7 }],
  ["group", { group: null }],
  ["startAt", { startAt: "foo" }],
  ["startAt", { startAt: new Date(NaN) }],
  ["startAt", { startAt: 0 }],
  ["startAt", { startAt: null }],
  ["options", null],
  ["options", "earliest"],
];

for (const [option, options] of WRONG) {
  const shown = JSON.stringify(options) ?? String(options);

  test(`subscribe() with a handler refuses the options ${shown.slice(0, 60)}`, async () => {
    const broker = createBroker();
    await using bus = await openOn(broker);
    const wrong = bus.subscribe(freshTopic(), () => {}, options as SubscribeOptions);
    await assert.rejects(wrong, { code: "CQI_OPTION_INVALID", message: RegExp(`'${option}'`) });
    assert.equal(broker.groups.size, 0);
  });

  if (option === "options") continue;
  test(`subscribe() and records() of a stream refuse the options ${shown.slice(0, 60)}`, async () => {
    await using bus = await openOn(createBroker());
    const expected = { code: "CQI_OPTION_INVALID", message: RegExp(`'${option}'`) };
    assert.throws(() => bus.subscribe(freshTopic(), options as StreamOptions), expected);
    assert.throws(() => bus.records("t", options as StreamOptions), expected);
  });
}

for (const second of [null, "earliest", 5, true, Symbol("x")]) {
  test(`subscribe() refuses ${String(second)} in place of a handler`, async () => {
    await using bus = await openOn(createBroker());
    assert.throws(() => bus.subscribe(freshTopic(), second as never), {
      code: "CQI_OPTION_INVALID",
      message: /Cannot use option 'handler'/,
    });
  });
}

test("subscribe() takes a group of 249 letters and a moment to start at", async () => {
  await using bus = await openOn(createBroker());
  const options = { group: "g".repeat(249), startAt: new Date(0) };
  const running = await bus.subscribe(freshTopic(), () => {}, options);
  assert.equal(running.group, options.group);
  await bus.subscribe(freshTopic(), options).close();
});

const WRONG_OFFSETS: readonly (readonly [what: string, startAt: unknown])[] = [
  ["nothing", {}],
  ["an object", { offsets: { 0: 1n } }],
  ["a list", { offsets: [[0, 1n]] }],
  ["a number for an offset", { offsets: new Map([[0, 1]]) }],
  ["a negative offset", { offsets: new Map([[0, -1n]]) }],
  ["text for a partition", { offsets: new Map([["0", 1n]]) }],
  ["a negative partition", { offsets: new Map([[-1, 1n]]) }],
  ["half a partition", { offsets: new Map([[0.5, 1n]]) }],
  ["one wrong of two", { offsets: new Map<number, unknown>([[0, 1n], [1, null]]) }],
];

for (const [what, startAt] of WRONG_OFFSETS) {
  test(`row 26 startAt with ${what} in place of offsets is refused`, async () => {
    const broker = createBroker();
    await using bus = await openOn(broker);
    const options = { startAt } as SubscribeOptions;
    const expected = { code: "CQI_OPTION_INVALID", message: /'startAt'/ };
    await assert.rejects(bus.subscribe(freshTopic(), () => {}, options), expected);
    assert.throws(() => bus.records("t", options as StreamOptions), expected);
    assert.equal(broker.groups.size, 0);
  });
}

test("row 26 startAt keeps the offsets that it was given, whatever becomes of the map", async () => {
  await using bus = await openOn(createBroker({ partitions: 1 }));
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 5);
  const offsets = new Map([[0, 3n]]);
  const reader = bus.records(prices.name, { startAt: { offsets } });
  offsets.clear();
  for await (const { offset } of reader) {
    assert.equal(offset, 3n);
    break;
  }
});

test("row 26 startAt at an offset that retention has dropped begins at the first that is left", async () => {
  await using bus = await openOn(createBroker({ partitions: 1, retentionRecords: 4 }));
  const prices = freshTopic();
  await publishNumbers(bus, prices, 0, 10);
  const reading = bus.records(prices.name, { startAt: { offsets: new Map([[0, 2n]]) } });
  for await (const { offset } of reading) {
    assert.equal(offset, 6n);
    break;
  }
});
