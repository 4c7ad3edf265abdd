import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { importAaveReserve } from "../../tools/importers/aave_reserves.ts";
import { importAaveToken } from "../../tools/importers/aave_tokens.ts";
import { importAaveVenue } from "../../tools/importers/aave_venues.ts";
import { importChain } from "../../tools/importers/chains.ts";
import type { Outcome } from "../../tools/importers/outcome.ts";
import { aaveRows, chainRows, tokenRows } from "../../tools/importers/sources.ts";
import { importToken } from "../../tools/importers/tokens.ts";
import { assertSound, AT } from "./_importers.ts";

const options = { at: AT };
const withKnown = { at: AT, known: new Set<string>() };
const [token, chain] = [tokenRows()[0]!, chainRows()[0]!];
const { tokens, pools, reserves } = aaveRows();
const [aaveToken, pool, reserve] = [tokens[0]!, pools[1]!, reserves[0]!];

/** Texts with half characters, numbers of every size, and the rest of JSON. */
const anything = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: "binary" }),
  fc.double(),
  fc.bigInt().map(Number),
  fc.constantFrom(0, -0, 2 ** 31, 2 ** 53, 2 ** 63, "", " ", "\ud800", "__proto__", [], {}, null),
);

/** A real row with some of its fields changed into anything, or gone. */
function spoilt(row: unknown): fc.Arbitrary<unknown> {
  const fields = row as Record<string, unknown>;
  return fc.dictionary(fc.constantFrom(...Object.keys(fields)), anything, { minKeys: 1 })
    .map((changes) => ({ ...fields, ...changes }));
}

/** Either messages which are sound, or reasons which name a rule. */
function assertOutcome(outcome: Outcome): void {
  if ("messages" in outcome) {
    assert.ok(outcome.messages.length > 0);
    assertSound(outcome.messages);
  } else {
    assert.ok(outcome.refused.length > 0);
    for (const { rule, reason } of outcome.refused) assert.ok(rule !== "" && reason !== "");
  }
}

const IMPORTERS: Readonly<
  Record<string, readonly [row: unknown, run: (name: string, row: unknown) => unknown]>
> = {
  importToken: [token.row, (name, row) => importToken(name, row, options)],
  importChain: [chain.row, (_name, row) => importChain(row, options)],
  importAaveToken: [aaveToken.row, (_name, row) => importAaveToken(row, options)],
  importAaveVenue: [pool.row, (name, row) => importAaveVenue(name, row, options)],
  importAaveReserve: [
    reserve.row.row,
    (name, row) => importAaveReserve({ ...reserve.row, key: name, row }, withKnown),
  ],
};

for (const [name, [real, run]] of Object.entries(IMPORTERS)) {
  test(`${name}() answers for any JSON`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), anything, async (key, row) => {
        assertOutcome(await run(key, row) as Outcome);
      }),
      { numRuns: 200 },
    );
  });

  test(`${name}() answers for a real row that is spoilt`, async () => {
    const keys = fc.constantFrom(token.name, pool.name, reserve.row.key);
    await fc.assert(
      fc.asyncProperty(keys, spoilt(real), async (key, row) => {
        assertOutcome(await run(key, row) as Outcome);
      }),
      { numRuns: 200 },
    );
  });
}

test("importAaveReserve() answers for any pool", async () => {
  await fc.assert(
    fc.asyncProperty(anything, fc.oneof(anything, spoilt(pool.row)), async (row, poolRow) => {
      const outcome = await importAaveReserve({ ...reserve.row, pool: poolRow, row }, withKnown);
      assertOutcome(outcome);
    }),
    { numRuns: 200 },
  );
});
