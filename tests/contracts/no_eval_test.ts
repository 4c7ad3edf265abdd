import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, validate, violations } from "../../contracts/mod.ts";
import { PriceSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";

// Edge workers refuse to make code from text. This file has a process of its own, so that rules
// are compiled here for the first time, under the same ban.
test("validate, compiles rules without making code from text", () => {
  const { eval: evaluate, Function: make } = globalThis;
  const refuse = () => {
    throw new EvalError("Code generation from strings disallowed for this context");
  };
  Object.assign(globalThis, { eval: refuse, Function: refuse });
  try {
    const bytes = encode(PriceSchema, create(PriceSchema, { bid: "2", ask: "1" }));
    assert.ok(
      violations(PriceSchema, create(PriceSchema, { bid: "2", ask: "1" }))
        .some((each) => each.rule === "price.bid_not_above_ask"),
    );
    assert.throws(
      () => validate(PriceSchema, decode(PriceSchema, bytes)),
      /Cannot accept cqc\.markets\.v1\.Price: .*\(required\)/,
    );
  } finally {
    Object.assign(globalThis, { eval: evaluate, Function: make });
  }
});
