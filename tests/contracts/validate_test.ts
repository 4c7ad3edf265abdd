import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, fromJson, validate, violations } from "../../contracts/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { ApiKeyEntrySchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { PriceSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { FeeSchema, OrderSchema } from "../../gen/ts/cqc/venues/v1/mod.ts";
import { LogEntrySchema } from "../../gen/ts/cqc/observability/v1/mod.ts";
import { example } from "./_image.ts";

const price = (patch: Record<string, unknown>) =>
  fromJson(PriceSchema, { ...example("cqc.markets.v1.Price"), ...patch } as never);

test("validate, a decimal that is none is refused by string.pattern", () => {
  const bad = ["1e5", "+1", ".5", "01", "NaN", "-0", "", "1\n", "1.", " 1", "1,5", "0x1", "-", "١"];
  for (const text of [...bad, "1".repeat(39), `0.${"1".repeat(39)}`, "1 ", "--1", "Infinity"]) {
    assert.deepEqual(
      violations(PriceSchema, price({ price: text })).map(({ field, rule }) => ({ field, rule })),
      [{ field: "price", rule: "string.pattern" }],
      JSON.stringify(text),
    );
  }
});

test("validate, the same texts are refused where a decimal may be negative", () => {
  for (const text of ["1e5", "+1", ".5", "01", "NaN", "-0", "-0.00", "", "1\n", "-01", "-.5"]) {
    const fee = fromJson(FeeSchema, { ...example("cqc.venues.v1.Fee"), amount: text });
    assert.deepEqual(violations(FeeSchema, fee).map((each) => each.rule), ["string.pattern"]);
  }
});

test("validate, decimals that the grammar has are taken", () => {
  for (const text of ["0", "0.00", "2.50", "9".repeat(38), `0.${"0".repeat(37)}1`, "64250.10"]) {
    assert.deepEqual(violations(PriceSchema, price({ price: text, bid: null, ask: null })), []);
  }
});

test("validate, what is set must be above zero where the contract says so", () => {
  for (const text of ["0", "0.000", "-1"]) {
    const order = fromJson(OrderSchema, { ...example("cqc.venues.v1.Order"), price: text });
    assert.deepEqual(violations(OrderSchema, order).map((each) => [each.field, each.rule]), [
      ["price", "string.pattern"],
    ]);
  }
});

test("validate, an enum number that is not defined is refused", () => {
  const unknown = price({ price_type: 99 });
  assert.deepEqual(violations(PriceSchema, unknown).map((each) => [each.field, each.rule]), [
    ["price_type", "enum.defined_only"],
  ]);
});

test("validate, an enum that is unspecified is refused where it is required", () => {
  const unset = price({ price_type: 0 });
  assert.deepEqual(violations(PriceSchema, unset).map((each) => [each.field, each.rule]), [
    ["price_type", "enum.not_in"],
  ]);
});

test("validate, an empty message lists every required field", () => {
  const found = violations(PriceUpdatedSchema, create(PriceUpdatedSchema));
  assert.deepEqual(found.map((each) => [each.field, each.rule]), [
    ["event_id", "required"],
    ["timestamp", "required"],
    ["actor_id", "required"],
    ["price", "required"],
  ]);
});

test("validate, the empty text is refused where a value is required", () => {
  const event = fromJson(PriceUpdatedSchema, {
    ...example("cqc.events.v1.PriceUpdated"),
    event_id: "",
    actor_id: "",
  });
  assert.deepEqual(violations(PriceUpdatedSchema, event).map((each) => each.field), [
    "event_id",
    "actor_id",
  ]);
});

test("validate, who acts is system, a user or a service", () => {
  for (const actor of ["system", "user:ada", "service:cqpm", "user:ada@example.com|1"]) {
    const event = fromJson(PriceUpdatedSchema, {
      ...example("cqc.events.v1.PriceUpdated"),
      actor_id: actor,
    });
    assert.deepEqual(violations(PriceUpdatedSchema, event), [], actor);
  }
  for (const actor of ["ada", "user:", "System", "user:a b", "service:\n", "systemx"]) {
    const event = fromJson(PriceUpdatedSchema, {
      ...example("cqc.events.v1.PriceUpdated"),
      actor_id: actor,
    });
    assert.deepEqual(violations(PriceUpdatedSchema, event).map((each) => each.rule), [
      "string.pattern",
    ]);
  }
});

test("validate, names the path through messages and lists", () => {
  const order = fromJson(OrderSchema, {
    ...example("cqc.venues.v1.Order"),
    fees: [example("cqc.venues.v1.Fee"), { ...example("cqc.venues.v1.Fee"), amount: "1e5" }],
  });
  assert.deepEqual(violations(OrderSchema, order).map((each) => each.field), ["fees[1].amount"]);
});

test("validate, exactly one of quantity and quote_quantity is asked for", () => {
  for (const patch of [{ quantity: null }, { quote_quantity: "5" }]) {
    const order = fromJson(OrderSchema, { ...example("cqc.venues.v1.Order"), ...patch } as never);
    assert.deepEqual(violations(OrderSchema, order).map((each) => each.rule), ["message.oneof"]);
  }
});

test("validate, throws with all violations in details and the first ones in the message", () => {
  const event = create(PriceUpdatedSchema, { price: { price: "1e5" } });
  assert.throws(() => validate(PriceUpdatedSchema, event), (error) => {
    assert.ok(isCqiError(error, "CQI_CONTRACT_INVALID"));
    assert.deepEqual(error.details.violations, violations(PriceUpdatedSchema, event));
    assert.match(error.message, /^Cannot accept cqc\.events\.v1\.PriceUpdated: event_id /);
    assert.match(error.message, /, and 3 more$/);
    return true;
  });
});

test("validate, the message names field path and rule", () => {
  const bad = price({ price: "1e5" });
  assert.throws(() => validate(PriceSchema, bad), /: price .*\(string\.pattern\)/);
});

test("validate, never shows the value of a field", () => {
  const entry = create(ApiKeyEntrySchema, { keyId: "canary key", hash: "canary-hash" });
  assert.throws(() => validate(ApiKeyEntrySchema, entry), (error) => {
    assert.ok(isCqiError(error, "CQI_CONTRACT_INVALID"));
    assert.doesNotMatch(JSON.stringify([error.message, error.details]), /canary/);
    return true;
  });
});

test("validate, a valid message passes, decoded or made", () => {
  const event = fromJson(PriceUpdatedSchema, example("cqc.events.v1.PriceUpdated"));
  const decoded = decode(PriceUpdatedSchema, encode(PriceUpdatedSchema, event));
  assert.doesNotThrow(() => validate(PriceUpdatedSchema, event));
  assert.doesNotThrow(() => validate(PriceUpdatedSchema, decoded));
});

test("validate, a value of a wrong type is refused as unreadable without being shown", () => {
  const bad = price({});
  (bad as unknown as Record<string, unknown>).source = { canary: 1 };
  assert.throws(() => validate(PriceSchema, bad), (error) => {
    assert.ok(isCqiError(error, "CQI_CONTRACT_INVALID"));
    assert.doesNotMatch(JSON.stringify([error.message, error.details]), /canary/);
    return true;
  });
});

test("validate, a log line with an empty text is valid, and without one it is not", () => {
  const line = { ...example("cqc.observability.v1.LogEntry"), message: "" };
  assert.deepEqual(violations(LogEntrySchema, fromJson(LogEntrySchema, line)), []);
  const silent = fromJson(LogEntrySchema, { ...line, message: null });
  assert.deepEqual(violations(LogEntrySchema, silent).map((each) => each.rule), ["required"]);
});

// Quadratic matching would take hours over these: to end is the claim.
test("validate, adversarial text of 1 MB is refused in the end", () => {
  const length = 1_000_000;
  for (const text of ["1".repeat(length), "0." + "0".repeat(length), "-".repeat(length)]) {
    assert.ok(violations(PriceSchema, price({ price: text })).length > 0);
    assert.ok(violations(PriceSchema, price({ venue_id: text, source: text })).length > 0);
  }
});
