import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { watermark } from "../../bus/committer.ts";

/** Offsets in reading order with gaps, and an order in which they finish. */
const runs = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 60 }).chain(
  (steps) => {
    let offset = -1n;
    const offsets = steps.map((step) => offset += BigInt(step));
    return fc.record({
      offsets: fc.constant(offsets),
      order: fc.shuffledSubarray(offsets, { minLength: 0 }),
      // How many more are read before each completion.
      reads: fc.array(fc.nat(5), { minLength: offsets.length, maxLength: offsets.length }),
    });
  },
);

test("K17 watermark never offers an offset past the lowest unfinished one, in any order", () => {
  fc.assert(fc.property(runs, ({ offsets, order }) => {
    const marks = watermark();
    for (const offset of offsets) marks.add(offset);
    const unfinished = new Set(offsets);
    let committed = -1n;
    for (const [index, offset] of order.entries()) {
      unfinished.delete(offset);
      const next = marks.done(offset);
      const lowest = [...unfinished].reduce((a, b) => a < b ? a : b, offsets.at(-1)! + 1n);
      if (next !== undefined) {
        assert.ok(next <= lowest, `offered ${next}, but ${lowest} is unfinished`);
        assert.ok(next > committed, `offered ${next} after ${committed}`);
        committed = next;
      }
      assert.equal(marks.inFlight, offsets.length - index - 1);
    }
    if (unfinished.size === 0) assert.equal(committed, offsets.at(-1)! + 1n);
  }));
});

test("K17 watermark moves as far as it can at each completion, while more is read", () => {
  fc.assert(fc.property(runs, ({ offsets, reads }) => {
    const marks = watermark();
    const open: bigint[] = [];
    const done = new Set<bigint>();
    let read = 0;
    let committed = 0n;
    const expected = (): bigint => {
      let mark = 0n;
      for (const offset of offsets.slice(0, read)) {
        if (!done.has(offset)) break;
        mark = offset + 1n;
      }
      return mark;
    };
    for (const [index, count] of reads.entries()) {
      for (let n = 0; n < count && read < offsets.length; n++) {
        marks.add(offsets[read]!);
        open.push(offsets[read++]!);
      }
      if (open.length === 0) continue;
      const [offset] = open.splice((index * 7919) % open.length, 1);
      done.add(offset!);
      committed = marks.done(offset!) ?? committed;
      assert.equal(committed, expected());
      assert.equal(marks.inFlight, open.length);
    }
  }));
});

test("K17 what a crash forgets is read again: nothing is missing after any number of crashes", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 50 }),
    fc.array(fc.array(fc.nat(30), { maxLength: 20 }), { maxLength: 10 }),
    (count, lives) => {
      const handled: number[] = [];
      let committed = 0;
      for (const picks of [...lives, Array.from({ length: count }, () => 0)]) {
        // A new life, as after a revoke: a new tracker that starts at what was committed.
        const marks = watermark();
        const open = Array.from({ length: count - committed }, (_, i) => committed + i);
        for (const offset of open) marks.add(BigInt(offset));
        for (const pick of picks) {
          if (open.length === 0) break;
          const [offset] = open.splice(pick % open.length, 1);
          handled.push(offset!);
          committed = Number(marks.done(BigInt(offset!)) ?? committed);
        }
      }
      assert.equal(committed, count);
      assert.equal(new Set(handled).size, count);
    },
  ));
});

test("watermark refuses an offset that does not rise", () => {
  const marks = watermark();
  marks.add(5n);
  assert.throws(() => marks.add(5n), { code: "CQI_INTERNAL" });
  assert.throws(() => marks.add(4n), { code: "CQI_INTERNAL" });
});

test("watermark keeps offsets beyond 2^53 apart", () => {
  const marks = watermark();
  const first = 2n ** 60n;
  marks.add(first);
  marks.add(first + 1n);
  assert.equal(marks.done(first + 1n), undefined);
  assert.equal(marks.done(first), first + 2n);
});

test("watermark takes a million records in linear time and holds only what is open", () => {
  const marks = watermark();
  for (let n = 0n; n < 1_000_000n; n++) {
    marks.add(n);
    if (n >= 10n) assert.equal(marks.done(n - 10n), n - 9n);
  }
  assert.equal(marks.inFlight, 10);
});
