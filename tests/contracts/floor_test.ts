import assert from "node:assert/strict";
import { test } from "node:test";
import { messageType } from "../../contracts/mod.ts";
import { CALLS, MESSAGES, VALUES } from "./_floor.ts";
import { allFields, imageRegistry, rulesOfField } from "./_image.ts";

for (const [service, calls] of Object.entries(CALLS)) {
  test(`contracts, ${service} has at least its ${calls.split(" ").length} calls`, () => {
    const present = imageRegistry.getService(`cqc.services.v1.${service}`)?.methods ?? [];
    const names = present.map((method) => method.name);
    assert.deepEqual(calls.split(" ").filter((call) => !names.includes(call)), []);
    assert.ok(names.length >= calls.split(" ").length);
  });
}

for (const [domain, names] of Object.entries(MESSAGES)) {
  test(`contracts, cqc.${domain}.v1 has at least its messages`, () => {
    const missing = names.split(" ").filter((name) => !messageType(`cqc.${domain}.v1.${name}`));
    assert.deepEqual(missing, []);
  });
}

for (const [name, values] of Object.entries(VALUES)) {
  test(`contracts, ${name} has at least its values`, () => {
    const [domain, short = ""] = name.split(".");
    const type = imageRegistry.getEnum(`cqc.${domain}.v1.${short}`);
    const prefix = short.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
    const present = type?.values.map((value) => value.name.replace(`${prefix}_`, "")) ?? [];
    assert.deepEqual(values.split(" ").filter((value) => !present.includes(value)), []);
  });
}

test("contracts, each of the seven market data messages has a required market_id", () => {
  for (const name of "Price OrderBook Trade Candle VWAP MarketDepth LiquidityMetrics".split(" ")) {
    const { fields } = messageType(`cqc.markets.v1.${name}`)!;
    const field = fields.find((each) => each.name === "market_id");
    assert.ok(field !== undefined && rulesOfField(field).required, name);
  }
});

test("contracts, no field is called symbol_id", () => {
  assert.deepEqual(allFields.filter((field) => /symbol_id/.test(field.name)), []);
});
