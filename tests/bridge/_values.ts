import { cache } from "../../mod.ts";

type Answer = Readonly<Record<string, unknown>>;

/** The cache of a worker; values are base64. */
export interface Values {
  /** Keeps a value, `ttl` in seconds; without one it stays. */
  set(key: string, value: string, ttl: number | undefined): Promise<Answer>;
  get(key: string): Promise<Answer>;
  delete(key: string): Promise<Answer>;
  close(): Promise<void>;
}

/**
 * Opens the cache at the first use.
 *
 * @param env REDIS_URL makes it a Redis one; else it is in memory.
 */
export function openValues(env: Readonly<Record<string, string | undefined>>): Values {
  const url = env["REDIS_URL"];
  let opened: Promise<cache.Cache> | undefined;
  const values = async (): Promise<cache.BytesKeyspace> => {
    opened ??= cache.open(url ? { driver: "redis", redis: redisOf(url) } : {});
    return (await opened).bytes({ name: "bridge", ttl: "none", jitter: 0 });
  };
  return {
    async set(key, value, ttl) {
      const bytes = Buffer.from(value, "base64");
      await (await values()).set(key, bytes, { ttl: ttl === undefined ? "none" : ttl * 1000 });
      return { found: true };
    },
    async get(key) {
      const bytes = await (await values()).get(key);
      return bytes === undefined
        ? { found: false }
        : { found: true, value: Buffer.from(bytes).toString("base64") };
    },
    async delete(key) {
      return { found: await (await values()).delete(key) };
    },
    async close() {
      await (await opened)?.close();
    },
  };
}

function redisOf(url: string): NonNullable<cache.CacheConfigInit["redis"]> {
  const { hostname, port, pathname } = new URL(url);
  const database = Number(pathname.slice(1) || 0);
  return { single: { host: hostname, port: Number(port || 6379) }, database };
}
