import assert from "node:assert/strict";
import type { CacheClaim, CacheDriver } from "../cache/mod.ts";
import { sleep, systemClock } from "../core/mod.ts";
import type { Cases } from "./_cache_cases.ts";

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const WITHIN_MS = 5000;

async function token(driver: CacheDriver, claim: CacheClaim): Promise<string> {
  const lease = await driver.acquire(claim);
  assert.equal(lease.state, "acquired");
  return lease.state === "acquired" ? lease.token : "";
}

async function read(driver: CacheDriver, key: string): Promise<Uint8Array | undefined> {
  const value = await driver.get(key);
  return value && new Uint8Array(value);
}

/**
 * The feature `lease`.
 *
 * @param unit Milliseconds well above what a round trip takes.
 */
export function leaseCases(unit: number): Cases {
  const claim = (key: string, more: Partial<CacheClaim> = {}): CacheClaim => ({
    key,
    ttlMs: unit * 20,
    seen: undefined,
    waited: false,
    ...more,
  });
  const entry = (key: string, value: Uint8Array) => ({ key, value, ttlMs: 60_000 });
  return {
    "acquire gives one lease to 50 claims at the same time": async (driver, key) => {
      const leases = await Promise.all(
        Array.from({ length: 50 }, async () => await driver.acquire(claim(key("a")))),
      );
      const states = leases.map(({ state }) => state);
      assert.equal(states.filter((state) => state === "acquired").length, 1);
      assert.equal(states.filter((state) => state === "held").length, 49);
    },
    "acquire gives the value that is there, and no lease": async (driver, key) => {
      await driver.set([entry(key("a"), bytes(1, 2))]);
      const lease = await driver.acquire(claim(key("a")));
      assert.equal(lease.state, "found");
      assert.deepEqual(lease.state === "found" && [...lease.value], [1, 2]);
    },
    "acquire gives a lease over the very value that was seen": async (driver, key) => {
      await driver.set([entry(key("a"), bytes(1))]);
      assert.equal((await driver.acquire(claim(key("a"), { seen: bytes(2) }))).state, "found");
      assert.equal((await driver.acquire(claim(key("a"), { seen: bytes(1) }))).state, "acquired");
    },
    "settle stores the value and ends the lease": async (driver, key) => {
      const held = await token(driver, claim(key("a")));
      const loaded = { entry: entry(key("a"), bytes(7)), token: held, seen: undefined };
      assert.equal(await driver.settle(loaded), true);
      assert.deepEqual(await read(driver, key("a")), bytes(7));
      assert.equal(await driver.settle(loaded), false);
    },
    "settle stores over a value that was seen and has expired meanwhile": async (
      driver,
      key,
      wait,
    ) => {
      await driver.set([{ key: key("a"), value: bytes(1), ttlMs: unit }]);
      const held = await token(driver, claim(key("a"), { seen: bytes(1) }));
      await wait(unit + 2);
      const loaded = { entry: entry(key("a"), bytes(2)), token: held, seen: bytes(1) };
      assert.equal(await driver.settle(loaded), true);
      assert.deepEqual(await read(driver, key("a")), bytes(2));
    },
    "a lease ends by itself, its token is greater the next time, and the first holder stores nothing":
      async (driver, key, wait) => {
        const first = await token(driver, claim(key("a"), { ttlMs: unit }));
        await wait(unit + 2);
        const second = await token(driver, claim(key("a")));
        assert.ok(BigInt(second) > BigInt(first));
        const late = { entry: entry(key("a"), bytes(1)), token: first, seen: undefined };
        assert.equal(await driver.settle(late), false);
        assert.equal(await read(driver, key("a")), undefined);
      },
    "renew keeps a lease, and says when it is lost": async (driver, key, wait) => {
      const held = await token(driver, claim(key("a"), { ttlMs: unit * 2 }));
      await wait(unit);
      assert.equal(await driver.renew({ key: key("a"), token: held, ttlMs: unit * 4 }), true);
      await wait(unit * 2);
      assert.equal((await driver.acquire(claim(key("a")))).state, "held");
      assert.equal(await driver.renew({ key: key("a"), token: "1", ttlMs: unit }), false);
    },
    "release opens the key to those who waited, and to newcomers as before": async (
      driver,
      key,
    ) => {
      const held = await token(driver, claim(key("a")));
      await driver.release({ key: key("a"), token: held, ttlMs: unit * 20 });
      assert.equal((await driver.acquire(claim(key("a"), { waited: true }))).state, "open");
      assert.equal((await driver.acquire(claim(key("a")))).state, "acquired");
    },
    "release of a lost lease does nothing": async (driver, key) => {
      await token(driver, claim(key("a")));
      await driver.release({ key: key("a"), token: "1", ttlMs: unit });
      assert.equal((await driver.acquire(claim(key("a")))).state, "held");
    },
    "set during a load wins: the load stores nothing": async (driver, key) => {
      const held = await token(driver, claim(key("a")));
      await driver.set([entry(key("a"), bytes(1))]);
      const late = { entry: entry(key("a"), bytes(2)), token: held, seen: undefined };
      assert.equal(await driver.settle(late), false);
      assert.deepEqual(await read(driver, key("a")), bytes(1));
    },
    "delete during a load breaks its lease, though there was no value": async (driver, key) => {
      const held = await token(driver, claim(key("a")));
      assert.equal(await driver.delete([key("a"), key("b")]), 0);
      const late = { entry: entry(key("a"), bytes(2)), token: held, seen: undefined };
      assert.equal(await driver.settle(late), false);
      assert.equal(await read(driver, key("a")), undefined);
    },
    "compareAndSet to nothing during a load breaks its lease": async (driver, key) => {
      await driver.set([entry(key("a"), bytes(1))]);
      const held = await token(driver, claim(key("a"), { seen: bytes(1) }));
      const swap = { key: key("a"), expected: bytes(1), value: undefined, ttlMs: undefined };
      assert.equal(await driver.compareAndSet(swap), true);
      const late = { entry: entry(key("a"), bytes(2)), token: held, seen: bytes(1) };
      assert.equal(await driver.settle(late), false);
      assert.equal(await read(driver, key("a")), undefined);
    },
    "clear during a load breaks its lease and counts no leases": async (driver, key) => {
      const held = await token(driver, claim(key("a:1")));
      await driver.set([entry(key("a:2"), bytes(1))]);
      assert.equal(await driver.clear(key("a:")), 1);
      const late = { entry: entry(key("a:1"), bytes(2)), token: held, seen: undefined };
      assert.equal(await driver.settle(late), false);
    },
  };
}

/** The feature `listen`. Messages may be lost, so they are sent until one arrives. */
export const LISTEN_CASES: Cases = {
  "announce reaches listeners of the channel in other drivers, byte for byte": async (
    driver,
    key,
    _wait,
    another,
  ) => {
    const other = await another();
    const got: Uint8Array[] = [];
    const strays: Uint8Array[] = [];
    other.listen(key("c"), { message: (m) => void got.push(new Uint8Array(m)), lost() {} });
    other.listen(key("d"), { message: (m) => void strays.push(m), lost() {} });
    const message = Uint8Array.from({ length: 256 }, (_, i) => i);
    try {
      const start = systemClock.monotonic();
      while (got.length === 0) {
        assert.ok(systemClock.monotonic() - start < WITHIN_MS, "No message came");
        await driver.announce(key("c"), message);
        await sleep(systemClock, 20);
      }
      assert.deepEqual(got[0], message);
      assert.deepEqual(strays, []);
    } finally {
      await other.close();
    }
  },
  "listen tells of messages that may have been lost, once it is connected": async (
    driver,
    key,
  ) => {
    let losses = 0;
    driver.listen(key("c"), { message() {}, lost: () => void losses++ });
    const start = systemClock.monotonic();
    while (losses === 0) {
      assert.ok(systemClock.monotonic() - start < WITHIN_MS, "It was not told");
      await sleep(systemClock, 20);
    }
    assert.equal(losses, 1);
  },
};
