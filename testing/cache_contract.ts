import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cache, type CacheDriver, type CacheFeatures, open } from "../cache/mod.ts";
import { type Clock, systemClock } from "../core/mod.ts";
import { atomicCases, BASIC_CASES, type Cases, CLEAR_CASES, ttlCases } from "./_cache_cases.ts";

/** One driver under test. */
export interface CacheContractSubject {
  /** A fresh driver; closed by the suite. Its backend may hold other keys. */
  readonly driver: CacheDriver;
  /** The clock that the driver goes by. @default {the system's} */
  readonly clock?: Clock;
  /**
   * Lets time pass for the driver: a step of a fake clock, or a real wait.
   *
   * @param ms Milliseconds.
   */
  wait(ms: number): Promise<void>;
}

/** Keys that have broken caches before: separators, globs, hash tags, controls, broken text. */
const NAUGHTY_KEYS: readonly string[] = [
  "",
  " ",
  ":",
  "a:b",
  "*",
  "?[a-z]",
  "{tag}",
  "%",
  "%3A",
  "%ud800",
  "\u0000",
  "line\r\nbreak",
  "\ud800",
  "\udfff",
  "\u202eright to left",
  "ünïcödé",
  "日本語",
  "👩‍👩‍👧",
  "é",
  "e\u0301",
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "' OR 1=1 --",
  "FLUSHALL\r\n",
  "x".repeat(1000),
];

function facadeCase(open: () => Promise<Cache>, namespace: string): () => Promise<void> {
  return async () => {
    await using cache = await open();
    const keyspace = cache.bytes({ name: "naughty", ttl: "1m" });
    const entries = NAUGHTY_KEYS.map((key, i) => [[namespace, key], new Uint8Array([i])] as const);
    assert.equal(await keyspace.setMany(entries), true);
    const found = await keyspace.getMany(entries.map(([key]) => key));
    assert.deepEqual(found, entries.map(([, value]) => value));
    assert.equal(await keyspace.deleteMany(entries.map(([key]) => key)), entries.length);
  };
}

/**
 * The contract of cache drivers, as tests of `node:test`. Call it at the top of a test file. Tests
 * of a feature that is not declared are skipped, and say so by name.
 *
 * @param factory Makes a driver on its real backend, for each test anew.
 * @param features What the driver declares; held against what it says of itself.
 *
 * @example A driver of your own
 * ```ts ignore
 * cacheContract(() => ({ driver: myDriver(), wait: (ms) => sleep(systemClock, ms) }), {
 *   remote: true,
 *   atomic: true,
 *   clear: false,
 *   minTtlMs: 1,
 * });
 * ```
 */
export function cacheContract(
  factory: () => CacheContractSubject | Promise<CacheContractSubject>,
  features: CacheFeatures,
): void {
  // Times well above what a round trip to a backend takes.
  const unit = Math.max(300, features.minTtlMs);
  let serial = 0;
  const register = (cases: Cases, lacking?: string): void => {
    for (const [name, run] of Object.entries(cases)) {
      const title = `cache contract: ${name}`;
      if (lacking !== undefined) {
        test(`${title} (skipped: the driver lacks '${lacking}')`, { skip: true }, () => {});
        continue;
      }
      test(title, async () => {
        const subject = await factory();
        const space = `${name.length}-${serial++}-${Math.trunc(systemClock.now())}:`;
        try {
          await run(subject.driver, (key) => space + key, (ms) => subject.wait(ms));
        } finally {
          await subject.driver.close();
        }
      });
    }
  };
  test("cache contract: features are those that the driver declares", async () => {
    const { driver } = await factory();
    assert.deepEqual(driver.features, features);
    await driver.close();
  });
  register(BASIC_CASES);
  register(ttlCases(unit));
  register(atomicCases(unit), features.atomic ? undefined : "atomic");
  register(CLEAR_CASES, features.clear ? undefined : "clear");
  test("cache contract: naughty keys are told apart and round-trip through a keyspace", async () => {
    const { driver, clock } = await factory();
    const options = {
      drivers: { subject: () => ({ createDriver: () => driver }) },
      ...(clock === undefined ? {} : { clock }),
    };
    const namespace = String(systemClock.now());
    await facadeCase(() => open({ driver: "subject" }, options), namespace)();
  });
}
