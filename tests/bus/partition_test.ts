import assert from "node:assert/strict";
import { test } from "node:test";
import { ownedPartition } from "../../bus/_partition.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

test("drain of a partition asked for twice ends twice, when what runs is done", async () => {
  const clock = fakeClock();
  const owner = ownedPartition({ topic: "t", partition: 0 });
  const record = { offset: 0n, key: "k" };
  owner.add(record.offset);
  assert.equal(owner.begin(record), true);
  const drains = [owner.drain(clock, 1000, false), owner.drain(clock, 1000, false)];
  owner.end(record, true);
  await Promise.all(drains);
  assert.equal(owner.fenced, true);
  assert.equal(clock.pending, 0);
});
