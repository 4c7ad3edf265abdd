import type { CacheDriver, CacheEntry } from "../../cache/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { cacheContract } from "../../testing/cache_contract.ts";
import { type FakeClock, fakeClock } from "../../testing/fake_clock.ts";

const FEATURES = {
  remote: true,
  atomic: true,
  clear: true,
  lease: false,
  listen: false,
  minTtlMs: 1,
};

function lacks(): never {
  throw new CqiError("CQI_FEATURE_UNSUPPORTED", "Cannot use the toy: nobody shares it");
}

// A driver as somebody else would write it, against what the interface says and nothing more: it
// answers later, as a backend on a network does.
function toyDriver(clock: FakeClock): CacheDriver {
  const values = new Map<string, { readonly value: Uint8Array; readonly until: number }>();
  let closed = false;
  const command = async <T>(run: () => T): Promise<T> => {
    if (closed) throw new CqiError("CQI_CLOSED", "Cannot use the toy: it is closed");
    await Promise.resolve();
    return run();
  };
  const read = (key: string): Uint8Array | undefined => {
    const found = values.get(key);
    if (found !== undefined && found.until >= clock.monotonic()) return found.value.slice();
    values.delete(key);
    return undefined;
  };
  const write = ({ key, value, ttlMs }: CacheEntry): void =>
    void values.set(key, { value, until: clock.monotonic() + (ttlMs ?? Infinity) });
  const close = (): Promise<void> => {
    closed = true;
    return Promise.resolve();
  };
  return {
    name: "toy",
    features: FEATURES,
    get: (key, options) =>
      command(() => {
        options?.signal?.throwIfAborted();
        return read(key);
      }),
    getMany: (keys) => command(() => keys.map(read)),
    set: (entries) => command(() => entries.forEach(write)),
    setIfAbsent: (entry) => command(() => read(entry.key) === undefined && (write(entry), true)),
    delete: (keys) =>
      command(() => keys.filter((key) => read(key) !== undefined && values.delete(key)).length),
    increment: ({ key, by, ttlMs }) =>
      command(() => {
        const old = read(key);
        const until = values.get(key)?.until ?? clock.monotonic() + (ttlMs ?? Infinity);
        const sum = by + (old === undefined ? 0 : Number(new TextDecoder().decode(old)));
        if (!Number.isSafeInteger(sum)) throw new CqiError("CQI_CONFLICT", "Cannot increment");
        values.set(key, { value: new TextEncoder().encode(String(sum)), until });
        return sum;
      }),
    compareAndSet: ({ key, expected, value, ttlMs }) =>
      command(() => {
        if (read(key)?.join() !== expected?.join()) return false;
        if (value === undefined) values.delete(key);
        else write({ key, value, ttlMs });
        return true;
      }),
    clear: (prefix) =>
      command(() => {
        const keys = [...values.keys()].filter((key) => key.startsWith(prefix));
        keys.forEach((key) => values.delete(key));
        return keys.length;
      }),
    acquire: lacks,
    renew: lacks,
    settle: lacks,
    release: lacks,
    announce: lacks,
    listen: lacks,
    check: () => command(() => ({ status: "ok" })),
    close,
    [Symbol.asyncDispose]: close,
  };
}

cacheContract(() => {
  const clock = fakeClock();
  return { driver: toyDriver(clock), clock, wait: (ms) => clock.advance(ms) };
}, FEATURES);
