import { setImmediate } from "node:timers";
import { create } from "@bufbuild/protobuf";
import { createDriver } from "../../cache/drivers/memory.ts";
import { type Cache, type CacheConfigInit, type CacheDriver, open } from "../../cache/mod.ts";
import { type Instruments, type Metrics, noopMetrics } from "../../core/mod.ts";
import { CacheConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { type Position, PositionSchema } from "../../gen/ts/cqc/portfolio/v1/mod.ts";
import { type FakeClock, fakeClock } from "../../testing/fake_clock.ts";

/** A cache on a fake clock, with what it counted. */
export interface Fixture extends AsyncDisposable {
  readonly cache: Cache;
  readonly clock: FakeClock;
  readonly driver: CacheDriver;
  /** `keyspace op result` and how often. */
  readonly counts: Record<string, number>;
}

/** Counts by label values. */
export function countingMetrics(counts: Record<string, number>): Metrics {
  const counter = () => ({
    add() {},
    with: (labels: Readonly<Record<string, string>>) => ({
      add(value = 1) {
        const id = `${labels.keyspace} ${labels.op} ${labels.result}`;
        counts[id] = (counts[id] ?? 0) + value;
      },
    }),
  });
  return { ...noopMetrics, counter };
}

// A message channel does not always let all promise callbacks run first on Deno; setImmediate does.
function patient(clock: FakeClock): FakeClock {
  const advance = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    ...clock,
    advance,
    get pending() {
      return clock.pending;
    },
  };
}

/** Opens a cache; over a memory driver unless `wrap` puts something before it. */
export async function openFixture(
  options: {
    readonly section?: CacheConfigInit;
    readonly env?: Partial<Instruments>;
    readonly wrap?: (driver: CacheDriver, clock: FakeClock) => CacheDriver;
  } = {},
): Promise<Fixture> {
  const clock = patient(fakeClock());
  const counts: Record<string, number> = {};
  const memory = createDriver(create(CacheConfigSchema, options.section ?? {}), { clock });
  const driver = options.wrap?.(memory, clock) ?? memory;
  const cache = await open({ ttlJitter: 0, ...options.section }, {
    clock,
    metrics: countingMetrics(counts),
    drivers: { memory: () => ({ createDriver: () => driver }) },
    ...options.env,
  });
  return { cache, clock, driver, counts, [Symbol.asyncDispose]: () => cache.close() };
}

/** A position told apart by its id. */
export function position(positionId: string): Position {
  return create(PositionSchema, { positionId, quantity: "1.5" });
}

/** A promise and its handles, and how often it was asked for. */
export function gate<T>(): {
  readonly open: (value: T) => void;
  readonly fail: (error: unknown) => void;
  readonly pass: () => Promise<T>;
  calls: number;
} {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  promise.catch(() => {});
  const self = {
    open: resolve,
    fail: reject,
    calls: 0,
    pass: () => {
      self.calls++;
      return promise;
    },
  };
  return self;
}

/** Makes a driver look remote: answers come later, and its faults can be set. */
export function remote(inner: CacheDriver, fault: () => Promise<void> | void): CacheDriver {
  const late = async <T>(answer: () => T | Promise<T>): Promise<T> => {
    await fault();
    return await answer();
  };
  return {
    ...inner,
    name: "remote",
    features: { ...inner.features, remote: true },
    get: (key) => late(() => inner.get(key)),
    getMany: (keys) => late(() => inner.getMany(keys)),
    set: (entries) => late(() => inner.set(entries)),
    setIfAbsent: (entry) => late(() => inner.setIfAbsent(entry)),
    delete: (keys) => late(() => inner.delete(keys)),
    increment: (step) => late(() => inner.increment(step)),
    compareAndSet: (swap) => late(() => inner.compareAndSet(swap)),
    clear: (prefix) => late(() => inner.clear(prefix)),
    check: () => late(() => inner.check()),
  };
}
