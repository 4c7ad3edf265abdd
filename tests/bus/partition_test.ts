import assert from "node:assert/strict";
import { test } from "node:test";
import { ownedPartition } from "../../bus/_partition.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

test("drain of a partition asked for twice ends twice, when what runs is done", async () => {
  const clock = fakeClock();
  const owner = ownedPartition({ topic: "t", partition: 0 });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  owner.add(0n);
  const run = owner.run({ offset: 0n, key: "k" }, () => promise);
  const drains = [owner.drain(clock, 1000, false), owner.drain(clock, 1000, false)];
  resolve(true);
  await Promise.all([run, ...drains]);
  assert.equal(owner.fenced, true);
  assert.equal(clock.pending, 0);
});
