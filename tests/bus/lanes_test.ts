import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Lanes, lanes, type LaneTask, type Rest } from "../../bus/lanes.ts";

// Every promise callback that is ready runs first.
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A task that is done when its promise settles. */
const task = (work: (rest: Rest) => Promise<void>): LaneTask => (rest, done) =>
  void work(rest).then(done, done);

interface Step {
  readonly lane: number;
  readonly rests: boolean;
  readonly rejects: boolean;
}

const steps = fc.array(
  fc.record({ lane: fc.nat(5), rests: fc.boolean(), rejects: fc.boolean() }),
  { maxLength: 40 },
);

/** Runs steps; each task ends, or goes on after its rest, when the schedule picks it. */
function play(work: Lanes, plan: readonly Step[]) {
  const open = new Map<number, () => void>();
  const log = { started: [] as number[], ended: [] as number[], atWork: 0, most: 0 };
  const enter = (): void => {
    log.atWork++;
    log.most = Math.max(log.most, log.atWork);
  };
  const pause = (id: number): Promise<void> => new Promise((resolve) => open.set(id, resolve));
  plan.forEach((step, id) =>
    work.push(
      step.lane === 0 ? undefined : `lane ${step.lane}`,
      task(async (rest) => {
        log.started.push(id);
        enter();
        if (step.rests) {
          log.atWork--;
          await rest(pause(id));
          enter();
        }
        await pause(id);
        log.atWork--;
        log.ended.push(id);
        if (step.rejects) throw new Error("a task that fails");
      }),
    )
  );
  return { log, open };
}

test("lanes keep the order of each lane and the bound, in whatever order tasks end", async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.integer({ min: 1, max: 6 }),
      fc.infiniteStream(fc.nat(1000)),
      async (plan, concurrency, picks) => {
        const { log, open } = play(lanes(concurrency), plan);
        await turn();
        while (open.size > 0) {
          const ids = [...open.keys()];
          const id = ids[picks.next().value! % ids.length]!;
          const go = open.get(id)!;
          open.delete(id);
          go();
          await turn();
        }
        assert.equal(log.ended.length, plan.length);
        assert.ok(log.most <= concurrency, `${log.most} at work with a bound of ${concurrency}`);
        for (const lane of [1, 2, 3, 4, 5]) {
          const own = plan.flatMap((step, id) => step.lane === lane ? [id] : []);
          assert.deepEqual(log.started.filter((id) => own.includes(id)), own);
          assert.deepEqual(log.ended.filter((id) => own.includes(id)), own);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("lanes give the place of a resting task to others and its lane to nobody", async () => {
  const work = lanes(1);
  const { log, open } = play(work, [
    { lane: 1, rests: true, rejects: false },
    { lane: 1, rests: false, rejects: false },
    { lane: 2, rests: false, rejects: false },
  ]);
  await turn();
  assert.deepEqual(log.started, [0, 2]);
  // The rest is over, yet the only place is taken.
  open.get(0)!();
  await turn();
  assert.equal(log.atWork, 1);
  open.get(2)!();
  await turn();
  open.get(0)!();
  await turn();
  assert.deepEqual(log.started, [0, 2, 1]);
  assert.deepEqual(log.ended, [2, 0]);
});

test("lanes start nothing while paused, let resting tasks finish, and go on in order", async () => {
  const work = lanes(2);
  const { log, open } = play(work, [
    { lane: 1, rests: true, rejects: false },
    { lane: 2, rests: false, rejects: false },
    { lane: 3, rests: false, rejects: false },
  ]);
  await turn();
  work.pause(true);
  open.get(1)!();
  open.get(0)!();
  await turn();
  open.get(0)!();
  await turn();
  assert.deepEqual(log.ended, [1, 0]);
  const before = [...log.started];
  work.pause(false);
  await turn();
  assert.deepEqual(before, [0, 1, 2].slice(0, before.length));
  assert.deepEqual(log.started, [0, 1, 2]);
});

test("lanes rest rejects as the wait did, with a place again", async () => {
  const work = lanes(1);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  work.push(
    "a",
    task(async (rest) => {
      await rest(Promise.reject(new Error("cut"))).catch(resolve);
    }),
  );
  assert.equal((await promise as Error).message, "cut");
});

for (
  const [how, finish] of [
    ["at once", (done: () => void) => done()],
    ["later", (done: () => void) => queueMicrotask(done)],
  ] as const
) {
  test(`lanes run 100,000 tasks that are done ${how} in order without piling up the stack`, async () => {
    const work = lanes(4);
    const all = Promise.withResolvers<void>();
    let last = -1;
    work.pause(true);
    for (let n = 0; n < 100_000; n++) {
      work.push("one", (_rest, done) => {
        assert.equal(n, last + 1);
        last = n;
        if (n === 99_999) all.resolve();
        finish(done);
      });
    }
    work.pause(false);
    await all.promise;
    assert.equal(last, 99_999);
  });
}

test("lanes count what rests and what waits behind it as parked, and nothing else", async () => {
  let parkings = 0;
  const work = lanes(2, () => parkings++);
  const slept = Promise.withResolvers<void>();
  const running = Promise.withResolvers<void>();
  work.push("a", task((rest) => rest(slept.promise)));
  for (let n = 0; n < 3; n++) work.push("a", task(() => running.promise));
  for (let n = 0; n < 3; n++) work.push("b", task(() => running.promise));
  assert.deepEqual([work.parked, parkings], [4, 1]);
  slept.resolve();
  await turn();
  assert.equal(work.parked, 0);
  running.resolve();
  await turn();
  assert.equal(work.parked, 0);
});
