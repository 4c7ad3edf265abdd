import assert from "node:assert/strict";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { decode, encode, fromJson, toJson, validate } from "../../contracts/mod.ts";
import type { Batch } from "../../tools/importers/batch.ts";
import type { Imported, Outcome } from "../../tools/importers/outcome.ts";

/** When the imports of the tests take place. */
export const AT = Date.UTC(2026, 0, 2, 8);

/** What a row became: the names of its messages' types, or every "type field rule" against it. */
export function said(outcome: Outcome): readonly string[] {
  return "refused" in outcome
    ? outcome.refused.map(({ type, field, rule }) => [type, field, rule].join(" ").trim())
    : outcome.messages.map(({ schema }) => schema.typeName);
}

/** The messages of a row that was taken. */
export function taken(outcome: Outcome): readonly Imported[] {
  assert.ok("messages" in outcome, said(outcome).join(", "));
  return outcome.messages;
}

/** The messages of a type as JSON. */
export function jsonOf(messages: readonly Imported[], schema: DescMessage): Json[] {
  return messages.filter((each) => each.schema === schema)
    .map(({ message }) => toJson(schema, message as MessageShape<DescMessage>) as Json);
}

/** A message as JSON. */
export type Json = Record<string, unknown>;

/** How many messages of each type there are. */
export function countsOf(batch: Batch): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { schema } of batch.messages) {
    counts[schema.typeName] = (counts[schema.typeName] ?? 0) + 1;
  }
  return counts;
}

/** Asserts that messages are valid and are the same after a way through bytes and through JSON. */
export function assertSound(messages: readonly Imported[]): void {
  for (const { schema, message } of messages) {
    const whole = message as MessageShape<DescMessage>;
    validate(schema, whole);
    const json = toJson(schema, whole);
    assert.deepEqual(toJson(schema, decode(schema, encode(schema, whole))), json);
    assert.deepEqual(toJson(schema, fromJson(schema, json)), json);
  }
}

/** Asserts that a second import has the same keys, and at the same time the same messages. */
export async function assertRepeatable(
  run: (options: { at: number }) => Promise<Batch>,
): Promise<void> {
  const lines = (batch: Batch): string[] =>
    batch.messages.map(({ schema, message }) => JSON.stringify(toJson(schema, message)));
  const keys = (batch: Batch): string[] =>
    batch.messages.map(({ schema, key }) => `${schema.typeName} ${key}`);
  const [first, again, later] = [
    await run({ at: AT }),
    await run({ at: AT }),
    await run({ at: AT + 86_400_000 }),
  ];
  assert.deepEqual(lines(again), lines(first));
  assert.deepEqual(keys(later), keys(first));
  assert.equal(new Set(keys(first)).size, first.messages.length);
}
