import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ring } from "../../cache/ring.ts";

test("A ring gives what has not left, in the order it came, and is empty then", () => {
  const step = fc.record({ leaves: fc.boolean(), at: fc.nat(20) });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const ring = new Ring<number>();
    const model = new Set<number>();
    const seats = steps.map(({ leaves, at }, i) => {
      const seat = ring.add(i);
      model.add(i);
      return { seat, out: leaves ? Math.min(at, i) : undefined };
    });
    for (const { out } of seats) {
      if (out === undefined) continue;
      // Some of them twice.
      seats[out]!.seat.leave();
      model.delete(out);
    }
    assert.deepEqual(ring.empty(), [...model]);
    assert.deepEqual(ring.empty(), []);
    for (const { seat } of seats) seat.leave();
    ring.add(-1);
    assert.deepEqual(ring.empty(), [-1]);
  }));
});
