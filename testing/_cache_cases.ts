import assert from "node:assert/strict";
import type { CacheDriver } from "../cache/mod.ts";

type Wait = (ms: number) => Promise<void>;

/**
 * One test of the contract: gets a driver, a way to make keys of its own, a way to wait, and a way
 * to open another driver on the same backend, which it closes itself.
 */
export type Case = (
  driver: CacheDriver,
  key: (name: string) => string,
  wait: Wait,
  another: () => Promise<CacheDriver>,
) => Promise<void>;

/** Tests by name. */
export type Cases = Readonly<Record<string, Case>>;

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

async function put(
  driver: CacheDriver,
  key: string,
  value: Uint8Array,
  ttlMs?: number,
): Promise<void> {
  await driver.set([{ key, value, ttlMs }]);
}

/** What every driver has to do. */
export const BASIC_CASES: Cases = {
  "get gives undefined for a key that was never set": async (driver, key) => {
    assert.equal(await driver.get(key("a")), undefined);
  },
  "get gives the bytes that set was given, every byte value among them": async (driver, key) => {
    const value = Uint8Array.from({ length: 256 }, (_, i) => i);
    await put(driver, key("a"), value);
    assert.deepEqual(plain(await driver.get(key("a"))), value);
  },
  "get gives an empty value, not a miss": async (driver, key) => {
    await put(driver, key("a"), bytes());
    assert.deepEqual(plain(await driver.get(key("a"))), bytes());
  },
  "get gives a value of 512 KiB": async (driver, key) => {
    const value = new Uint8Array(524_288).fill(7);
    await put(driver, key("a"), value);
    assert.deepEqual(plain(await driver.get(key("a"))), value);
  },
  "get and set take a key of 9,000 characters": async (driver, key) => {
    await put(driver, key("k".repeat(9000)), bytes(1));
    assert.deepEqual(plain(await driver.get(key("k".repeat(9000)))), bytes(1));
    assert.equal(await driver.get(key("k".repeat(8999))), undefined);
  },
  "get and getMany of a remote driver give bytes of their own with each read": async (
    driver,
    key,
  ) => {
    if (!driver.features.remote) return;
    await put(driver, key("a"), bytes(1, 2));
    const read = async (): Promise<(Uint8Array | undefined)[]> => [
      await driver.get(key("a")),
      ...await driver.getMany([key("a"), key("a")]),
    ];
    for (const found of await read()) found?.fill(9);
    assert.deepEqual((await read()).map(plain), [bytes(1, 2), bytes(1, 2), bytes(1, 2)]);
  },
  "set replaces the earlier value": async (driver, key) => {
    await put(driver, key("a"), bytes(1, 2, 3));
    await put(driver, key("a"), bytes(4));
    assert.deepEqual(plain(await driver.get(key("a"))), bytes(4));
  },
  "set stores many entries in one call": async (driver, key) => {
    const names = ["a", "b", "c"];
    await driver.set(names.map((name, i) => ({ key: key(name), value: bytes(i), ttlMs: 60_000 })));
    const found = await driver.getMany(names.map(key));
    assert.deepEqual(found.map(plain), [bytes(0), bytes(1), bytes(2)]);
  },
  "set of one key many times at once leaves one whole value": async (driver, key) => {
    const value = (i: number): Uint8Array => new Uint8Array(1000).fill(i);
    await Promise.all(Array.from({ length: 50 }, (_, i) => put(driver, key("a"), value(i))));
    const found = plain(await driver.get(key("a")));
    assert.deepEqual(found, value(found?.[0] ?? 255));
  },
  "getMany gives values in the order of keys, undefined for misses, twice for twice": async (
    driver,
    key,
  ) => {
    await put(driver, key("a"), bytes(1));
    await put(driver, key("b"), bytes(2));
    const found = await driver.getMany([key("b"), key("none"), key("a"), key("b")]);
    assert.deepEqual(found.map(plain), [bytes(2), undefined, bytes(1), bytes(2)]);
  },
  "getMany of no keys gives no values": async (driver) => {
    assert.deepEqual([...await driver.getMany([])], []);
  },
  "delete removes keys and counts those that were there": async (driver, key) => {
    await put(driver, key("a"), bytes(1));
    await put(driver, key("b"), bytes(2));
    assert.equal(await driver.delete([key("a"), key("none"), key("b")]), 2);
    assert.equal(await driver.get(key("a")), undefined);
    assert.equal(await driver.delete([key("a")]), 0);
  },
  "calls on one key made without awaiting take effect in order": async (driver, key) => {
    const first = put(driver, key("a"), bytes(1));
    const second = put(driver, key("a"), bytes(2));
    const gone = driver.delete([key("a")]);
    const third = put(driver, key("a"), bytes(3));
    await Promise.all([first, second, gone, third]);
    assert.deepEqual(plain(await driver.get(key("a"))), bytes(3));
  },
  "set, get and delete of 500 keys at once, each on its own": async (driver, key) => {
    const names = Array.from({ length: 500 }, (_, i) => key(`n${i}`));
    const value = (i: number): Uint8Array => bytes(i % 256, i >> 8);
    await Promise.all(names.map((name, i) => put(driver, name, value(i), 60_000)));
    const found = await Promise.all(names.map(async (name) => plain(await driver.get(name))));
    assert.deepEqual(found, names.map((_, i) => value(i)));
    const gone = await Promise.all(names.map(async (name) => await driver.delete([name])));
    assert.deepEqual(gone, names.map(() => 1));
  },
  "a call whose signal is aborted rejects with its reason": async (driver, key) => {
    const signal = AbortSignal.abort(new Error("enough"));
    if (!driver.features.remote) return;
    const late = async (): Promise<unknown> => await driver.get(key("a"), { signal });
    await assert.rejects(late(), /enough/);
  },
  "check says that a working backend is ok": async (driver) => {
    assert.equal((await driver.check()).status, "ok");
  },
  "close can be called twice, and calls after it are refused with CQI_CLOSED": async (
    driver,
    key,
  ) => {
    await Promise.all([driver.close(), driver.close()]);
    await driver[Symbol.asyncDispose]();
    await assert.rejects(async () => await driver.get(key("a")), { code: "CQI_CLOSED" });
    await assert.rejects(put(driver, key("a"), bytes(1)), { code: "CQI_CLOSED" });
  },
};

/**
 * Times to live.
 *
 * @param unit Milliseconds well above what a round trip takes.
 */
export function ttlCases(unit: number): Cases {
  return {
    "set keeps a value for its time to live and no longer": async (driver, key, wait) => {
      await put(driver, key("a"), bytes(1), unit * 2);
      await wait(unit);
      assert.deepEqual(plain(await driver.get(key("a"))), bytes(1));
      await wait(unit + 2);
      assert.equal(await driver.get(key("a")), undefined);
    },
    "set replaces the earlier time to live": async (driver, key, wait) => {
      await put(driver, key("a"), bytes(1), unit);
      await put(driver, key("a"), bytes(2), unit * 4);
      await put(driver, key("b"), bytes(1), unit);
      await put(driver, key("b"), bytes(2));
      await wait(unit * 2);
      assert.deepEqual((await driver.getMany([key("a"), key("b")])).map(plain), [
        bytes(2),
        bytes(2),
      ]);
    },
    "an expired value is not found by getMany and not counted by delete": async (
      driver,
      key,
      wait,
    ) => {
      await put(driver, key("a"), bytes(1), unit);
      await wait(unit + 2);
      assert.deepEqual([...await driver.getMany([key("a")])], [undefined]);
      assert.equal(await driver.delete([key("a")]), 0);
    },
  };
}

/**
 * The feature `atomic`.
 *
 * @param unit Milliseconds well above what a round trip takes.
 */
export function atomicCases(unit: number): Cases {
  return {
    "setIfAbsent stores once of 50 calls at the same time": async (driver, key) => {
      const stored = await Promise.all(Array.from({ length: 50 }, async (_, i) => {
        return await driver.setIfAbsent({ key: key("a"), value: bytes(i), ttlMs: 60_000 });
      }));
      assert.equal(stored.filter((one) => one).length, 1);
      assert.deepEqual(plain(await driver.get(key("a"))), bytes(stored.indexOf(true)));
    },
    "setIfAbsent stores again once the value has expired": async (driver, key, wait) => {
      const entry = { key: key("a"), value: bytes(1), ttlMs: unit };
      assert.equal(await driver.setIfAbsent(entry), true);
      assert.equal(await driver.setIfAbsent(entry), false);
      await wait(unit + 2);
      assert.equal(await driver.setIfAbsent(entry), true);
    },
    "increment of 50 calls at the same time adds up to 50": async (driver, key) => {
      const step = { key: key("a"), by: 1, ttlMs: 60_000 };
      const sums = await Promise.all(
        Array.from({ length: 50 }, async () => await driver.increment(step)),
      );
      assert.deepEqual(sums.sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i + 1));
    },
    "increment subtracts, and keeps the number as decimal text": async (driver, key) => {
      assert.equal(await driver.increment({ key: key("a"), by: 5, ttlMs: undefined }), 5);
      assert.equal(await driver.increment({ key: key("a"), by: -12, ttlMs: undefined }), -7);
      assert.equal(new TextDecoder().decode(await driver.get(key("a"))), "-7");
    },
    "increment sets the time to live of a new number and leaves it alone later": async (
      driver,
      key,
      wait,
    ) => {
      await driver.increment({ key: key("a"), by: 1, ttlMs: unit * 2 });
      await wait(unit);
      assert.equal(await driver.increment({ key: key("a"), by: 1, ttlMs: unit * 9 }), 2);
      await wait(unit + 2);
      assert.equal(await driver.increment({ key: key("a"), by: 1, ttlMs: unit }), 1);
    },
    "increment of what is no whole number is refused with CQI_CONFLICT": async (driver, key) => {
      await put(driver, key("a"), bytes(0, 255));
      const step = { key: key("a"), by: 1, ttlMs: undefined };
      await assert.rejects(async () => await driver.increment(step), { code: "CQI_CONFLICT" });
      assert.deepEqual(plain(await driver.get(key("a"))), bytes(0, 255));
    },
    "increment beyond 2^53 is refused with CQI_CONFLICT": async (driver, key) => {
      const step = { key: key("a"), by: Number.MAX_SAFE_INTEGER, ttlMs: undefined };
      await driver.increment(step);
      await assert.rejects(async () => await driver.increment({ ...step, by: 1 }), {
        code: "CQI_CONFLICT",
      });
    },
    "compareAndSet replaces only the expected value": async (driver, key) => {
      const ttlMs = 60_000;
      await put(driver, key("a"), bytes(1));
      const swap = { key: key("a"), expected: bytes(1), value: bytes(2), ttlMs };
      assert.equal(await driver.compareAndSet(swap), true);
      assert.equal(await driver.compareAndSet(swap), false);
      assert.deepEqual(plain(await driver.get(key("a"))), bytes(2));
    },
    "compareAndSet takes absence for expected and for wanted": async (driver, key) => {
      const make = { key: key("a"), expected: undefined, value: bytes(1), ttlMs: 60_000 };
      assert.equal(await driver.compareAndSet(make), true);
      assert.equal(await driver.compareAndSet(make), false);
      const drop = { key: key("a"), expected: bytes(1), value: undefined, ttlMs: undefined };
      assert.equal(await driver.compareAndSet({ ...drop, expected: bytes(1, 0) }), false);
      assert.equal(await driver.compareAndSet(drop), true);
      assert.equal(await driver.get(key("a")), undefined);
    },
    "compareAndSet is won by one of 50 calls at the same time": async (driver, key) => {
      await put(driver, key("a"), bytes(255));
      const won = await Promise.all(Array.from({ length: 50 }, async (_, i) => {
        const swap = { key: key("a"), expected: bytes(255), value: bytes(i), ttlMs: 60_000 };
        return await driver.compareAndSet(swap);
      }));
      assert.equal(won.filter((one) => one).length, 1);
    },
  };
}

/** The feature `clear`. */
export const CLEAR_CASES: Cases = {
  "clear removes what begins with its prefix and nothing else": async (driver, key) => {
    const names = ["a:1", "a:2", "ab:1", "a", "b:a:1"];
    await driver.set(names.map((name) => ({ key: key(name), value: bytes(1), ttlMs: 60_000 })));
    assert.equal(await driver.clear(key("a:")), 2);
    const left = await driver.getMany(names.map(key));
    assert.deepEqual(left.map((value) => value !== undefined), [false, false, true, true, true]);
  },
  "clear takes its prefix literally, whatever patterns the backend knows": async (driver, key) => {
    const names = ["a*:1", "ab:1", "a?:1", "a[b]:1", "a\\:1", "a^:1"];
    await driver.set(names.map((name) => ({ key: key(name), value: bytes(1), ttlMs: 60_000 })));
    for (const [i, name] of ["a*", "a?", "a[b]", "a\\", "a^"].entries()) {
      assert.equal(await driver.clear(key(name)), 1, name);
      const left = await driver.getMany(names.map(key));
      assert.equal(left.filter((value) => value !== undefined).length, names.length - 1 - i, name);
    }
  },
  "clear of 2,000 keys leaves none": async (driver, key) => {
    const names = Array.from({ length: 2000 }, (_, i) => key(`a:${i}`));
    await driver.set(names.map((name) => ({ key: name, value: bytes(1), ttlMs: 60_000 })));
    assert.equal(await driver.clear(key("a:")), 2000);
    assert.equal((await driver.getMany(names)).some((value) => value !== undefined), false);
  },
};

// Some clients give a subclass of Uint8Array, which deepEqual tells apart.
function plain(value: Uint8Array | undefined): Uint8Array | undefined {
  return value && new Uint8Array(value);
}
