import assert from "node:assert/strict";
import { test } from "node:test";
import { type Entry, judge } from "./_judge.ts";

const published: Entry[] = ["a0", "a1"].flatMap((uuid): Entry[] => [
  { kind: "publish", uuid, key: "a" },
  { kind: "accepted", uuid },
]);
const deliver = (uuid: string): Entry => ({ kind: "deliver", group: "g", uuid });
const ack = (uuid: string): Entry => ({ kind: "ack", group: "g", uuid });
const nack = (uuid: string): Entry => ({ kind: "nack", group: "g", uuid });
const disrupt: Entry = { kind: "disrupt", group: "g" };

const rules = (...entries: Entry[]): string[] =>
  [...new Set(judge([...published, ...entries], ["g"]).map(({ rule }) => rule))].sort();

test("judge finds nothing in a history as it should be", () => {
  const entries = [deliver("a0"), nack("a0"), deliver("a0"), ack("a0"), deliver("a1"), ack("a1")];
  assert.deepEqual(rules(...entries), []);
});

test("judge finds what was acknowledged and never delivered", () => {
  assert.deepEqual(rules(deliver("a0"), ack("a0")), ["lost"]);
});

test("judge finds what was delivered and never published", () => {
  const whole = [deliver("a0"), ack("a0"), deliver("a1"), ack("a1")];
  assert.deepEqual(rules(...whole, deliver("x")), ["g1a"]);
});

test("judge finds a key out of order", () => {
  assert.deepEqual(rules(deliver("a1"), ack("a1"), deliver("a0"), ack("a0")), ["order"]);
});

test("judge finds a later one acknowledged where an earlier one never was", () => {
  const entries = [deliver("a0"), nack("a0"), deliver("a1"), ack("a1")];
  assert.deepEqual(rules(...entries), ["skip", "unacked"]);
});

test("judge finds a repeat that nothing explains", () => {
  const whole = [deliver("a0"), ack("a0"), deliver("a1"), ack("a1")];
  assert.deepEqual(rules(...whole, deliver("a0"), ack("a0")), ["duplicate"]);
  assert.deepEqual(rules(...whole, disrupt, deliver("a0")), ["duplicate"]);
});

test("judge lets what was in flight come again when a member went", () => {
  const entries = [deliver("a0"), disrupt, deliver("a0"), ack("a0"), deliver("a1"), ack("a1")];
  assert.deepEqual(rules(...entries), []);
});

test("judge finds what was delivered and never acknowledged", () => {
  assert.deepEqual(rules(deliver("a0"), ack("a0"), deliver("a1")), ["unacked"]);
});
