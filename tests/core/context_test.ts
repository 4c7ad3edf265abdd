import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { test } from "node:test";
import { activeContext, type Context, contextKey, runInContext } from "../../core/mod.ts";

const ID = contextKey<number>("id");
const id = (): number | undefined => activeContext().get(ID);
const withId = (value: number): Context => activeContext().with(ID, value);

test("activeContext() is empty outside of any work", () => {
  assert.equal(id(), undefined);
});

test("runInContext() holds for the function, and ends with it", () => {
  assert.equal(runInContext(withId(1), id), 1);
  assert.equal(id(), undefined);
});

test("runInContext() ends when the function throws", () => {
  const throwing = (): never => {
    throw new Error("broken");
  };
  assert.throws(() => runInContext(withId(1), throwing), /broken/);
  assert.equal(id(), undefined);
});

test("runInContext() nests: the inner value hides the outer until it ends", () => {
  runInContext(withId(1), () => {
    assert.equal(runInContext(withId(2), id), 2);
    assert.equal(id(), 1);
  });
});

test("runInContext() of an outer context inside an inner one leaves the inner", () => {
  const outer = activeContext();
  runInContext(withId(1), () => assert.equal(runInContext(outer, id), undefined));
});

test("with() makes a new context and leaves the old one as it was", () => {
  const empty = activeContext();
  const one = empty.with(ID, 1);
  const two = one.with(ID, 2);
  assert.deepEqual([empty.get(ID), one.get(ID), two.get(ID)], [undefined, 1, 2]);
});

test("with() can hide a value with undefined and with null", () => {
  const key = contextKey<number | undefined | null>("key");
  const one = activeContext().with(key, 1);
  assert.equal(one.with(key, undefined).get(key), undefined);
  assert.equal(one.with(key, null).get(key), null);
});

test("contextKey() twice with one name makes two keys", () => {
  const [one, two] = [contextKey<string>("name"), contextKey<string>("name")];
  const context = activeContext().with(one, "one");
  assert.deepEqual([context.get(one), context.get(two)], ["one", undefined]);
});

test("get() finds a value below 10,000 others", () => {
  let context = activeContext().with(ID, 7);
  for (let i = 0; i < 10_000; i++) context = context.with(contextKey<number>("other"), i);
  assert.equal(context.get(ID), 7);
});

/** What carries work on to a later moment. */
const CARRIERS: Readonly<Record<string, () => Promise<unknown>>> = {
  "promises": () => Promise.resolve().then(() => {}),
  "microtasks": () => new Promise<void>((done) => queueMicrotask(done)),
  "timers": () => new Promise((done) => setTimeout(done, Math.random() * 5)),
  "immediates": () => new Promise((done) => setImmediate(done)),
  "Web Crypto": () => crypto.subtle.digest("SHA-256", new Uint8Array(8)),
  "MessageChannel": () =>
    new Promise<void>((done) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        done();
      };
      port2.postMessage(null);
    }),
  "streams": () => new Response("body").text(),
};

for (const [name, carry] of Object.entries(CARRIERS)) {
  test(`activeContext() follows 1,000 interleaved works over ${name}, without mixing`, async () => {
    const work = async (value: number): Promise<void> => {
      for (let step = 0; step < 3; step++) {
        await carry();
        assert.equal(id(), value);
      }
    };
    await Promise.all(
      Array.from({ length: 1000 }, (_, value) => runInContext(withId(value), () => work(value))),
    );
    assert.equal(id(), undefined);
  });
}

test("activeContext() inside a callback is that of who set the timer", async () => {
  const seen = await runInContext(
    withId(1),
    () => new Promise((done) => setTimeout(() => done(id()), 1)),
  );
  assert.equal(seen, 1);
});

test("activeContext() of an async iterator is that of who steps it", async () => {
  async function* ids(): AsyncGenerator<number | undefined> {
    for (;;) {
      await Promise.resolve();
      yield id();
    }
  }
  const steps = runInContext(withId(1), ids);
  const next = (value: number) =>
    runInContext(withId(value), async () => (await steps.next()).value);
  assert.deepEqual([await next(2), await next(3)], [2, 3]);
});

test("activeContext() in a for await loop stays that of the loop", async () => {
  async function* numbers(): AsyncGenerator<number> {
    for (let i = 0; i < 3; i++) yield await runInContext(withId(99), () => Promise.resolve(i));
  }
  await runInContext(withId(5), async () => {
    for await (const _ of numbers()) assert.equal(id(), 5);
    assert.equal(id(), 5);
  });
});

test("activeContext() after a rejection is still that of the work", async () => {
  await runInContext(withId(4), async () => {
    await Promise.reject(new Error("broken")).catch(() => {});
    assert.equal(id(), 4);
  });
});
