import assert from "node:assert/strict";
import { type CacheDriver, type CacheFeatures, open } from "../cache/mod.ts";
import { type Clock, systemClock } from "../core/mod.ts";
import { atomicCases, BASIC_CASES, type Cases, CLEAR_CASES, ttlCases } from "./_cache_cases.ts";
import { leaseCases, LISTEN_CASES } from "./_cache_shared_cases.ts";
import { registerSuite, type SuiteTest } from "./_suite.ts";

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

type Factory = () => CacheContractSubject | Promise<CacheContractSubject>;

/**
 * The contract of cache drivers, as tests of `node:test`. Call it at the top of a test file. Tests
 * of a feature that is not declared are skipped, and say so by name.
 *
 * @param factory Makes a driver on its real backend, for each test anew; several may be open at a
 * time.
 * @param features What the driver declares; held against what it says of itself.
 *
 * @example
 * ```ts
 * import type { CacheContractSubject } from "@cq/cqi/testing";
 * import { createDriver } from "@cq/cqi/cache/memory";
 * import { CacheConfigSchema } from "@cq/cqi/cqc/config/v1";
 * import { fakeClock } from "@cq/cqi/testing";
 * import { create } from "@bufbuild/protobuf";
 * import assert from "node:assert/strict";
 *
 * const features = {
 *   remote: false,
 *   atomic: true,
 *   clear: true,
 *   lease: false,
 *   listen: false,
 *   minTtlMs: 1,
 * };
 * function subject(): CacheContractSubject {
 *   const clock = fakeClock();
 *   const driver = createDriver(create(CacheConfigSchema), { clock });
 *   return { driver, clock, wait: (ms) => clock.advance(ms) };
 * }
 * // In a test file: cacheContract(subject, features);
 * assert.deepEqual(subject().driver.features, features);
 * ```
 */
export function cacheContract(
  factory: () => CacheContractSubject | Promise<CacheContractSubject>,
  features: CacheFeatures,
): void {
  // Times well above what a round trip to a backend takes.
  const unit = Math.max(300, features.minTtlMs);
  let serial = 0;
  const suite = (cases: Cases, needs?: string): SuiteTest[] =>
    Object.entries(cases).map(([name, run]) => ({
      name,
      ...(needs === undefined ? {} : { needs }),
      run: async () => {
        const subject = await factory();
        // A space of its own on a backend that other tests and earlier runs share.
        const space = `${serial++}-${Math.trunc(systemClock.now())}:`;
        try {
          const another = async (): Promise<CacheDriver> => (await factory()).driver;
          await run(subject.driver, (key) => space + key, (ms) => subject.wait(ms), another);
        } finally {
          await subject.driver.close();
        }
      },
    }));
  const { atomic, clear, lease, listen } = features;
  registerSuite("cache", { atomic, clear, lease, listen }, [
    { name: "features are those that the driver declares", run: () => declares(factory, features) },
    ...suite(BASIC_CASES),
    ...suite(ttlCases(unit)),
    ...suite(atomicCases(unit), "atomic"),
    ...suite(CLEAR_CASES, "clear"),
    ...suite(leaseCases(unit), "lease"),
    ...suite(LISTEN_CASES, "listen"),
    { name: "naughty keys are told apart and round-trip", run: () => naughtyKeys(factory) },
  ]);
}

async function declares(factory: Factory, features: CacheFeatures): Promise<void> {
  const { driver } = await factory();
  assert.deepEqual(driver.features, features);
  await driver.close();
}

async function naughtyKeys(factory: Factory): Promise<void> {
  const { driver, clock } = await factory();
  await using cache = await open({ driver: "subject" }, {
    drivers: { subject: () => ({ createDriver: () => driver }) },
    ...(clock === undefined ? {} : { clock }),
  });
  const keyspace = cache.bytes({ name: "naughty", ttl: "1m" });
  const space = String(systemClock.now());
  const entries = NAUGHTY_KEYS.map((key, i) => [[space, key], new Uint8Array([i])] as const);
  assert.equal(await keyspace.setMany(entries), true);
  const found = await keyspace.getMany(entries.map(([key]) => key));
  assert.deepEqual(found, entries.map(([, value]) => value));
  assert.equal(await keyspace.deleteMany(entries.map(([key]) => key)), entries.length);
}
