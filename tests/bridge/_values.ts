import process from "node:process";
import { cache } from "../../mod.ts";
import { bytesIn } from "./_protocol.ts";

type Answer = Readonly<Record<string, unknown>>;

/** The cache of a worker; values are base64. */
export interface Values {
  /** Keeps a value, `ttl` in seconds; without one it stays. */
  set(key: string, value: string, ttl: number | undefined): Promise<Answer>;
  get(key: string): Promise<Answer>;
  delete(key: string): Promise<Answer>;
  close(): Promise<void>;
}

/** Variable through which the password of REDIS_URL is handed on: sections hold no secrets. */
const PASSWORD = "BRIDGE_REDIS_PASSWORD";
/** Reads of a key that is there when it is looked at and gone when it is read. */
const READS = 10;

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
      const bytes = bytesIn("value", value);
      if (!["undefined", "number"].includes(typeof ttl)) throw new Error("ttl is no number");
      const space = await values();
      const isKept = await space.set(key, bytes, { ttl: ttl === undefined ? "none" : ttl * 1000 });
      if (!isKept) throw new Error("Value is not kept: the backend is away, or it is too large");
      return { found: true };
    },
    async get(key) {
      const space = await values();
      for (let reads = 0; reads < READS; reads++) {
        const bytes = await space.get(key);
        if (bytes !== undefined) {
          return { found: true, value: Buffer.from(bytes).toString("base64") };
        }
        // To a service a broken backend is a miss like any other. This asks for nothing but whether
        // there is no value, and fails where that cannot be said.
        if (await space.compareAndSet(key, { expected: undefined, value: undefined })) {
          return { found: false };
        }
      }
      throw new Error("Value is there and cannot be read");
    },
    async delete(key) {
      return { found: await (await values()).delete(key) };
    },
    async close() {
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}

/**
 * The section of an address `redis[s]://[[user]:password@]host[:port][/database]`. The password goes
 * into a variable of this process.
 */
export function redisOf(url: string): NonNullable<cache.CacheConfigInit["redis"]> {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  if (protocol !== "redis:" && protocol !== "rediss:") {
    throw new Error(`REDIS_URL begins with ${protocol}, not with redis: or rediss:`);
  }
  const database = pathname.slice(1) || "0";
  if (!/^\d+$/.test(database)) throw new Error("REDIS_URL names a database that is no number");
  if (password !== "") process.env[PASSWORD] = decodeURIComponent(password);
  const host = hostname.replace(/^\[|\]$/g, "");
  return {
    single: { host, port: Number(port || 6379) },
    database: Number(database),
    ...username !== "" && { username: decodeURIComponent(username) },
    ...password !== "" && {
      password: { valueSource: { case: "env" as const, value: PASSWORD } },
    },
    ...protocol === "rediss:" && { tls: {} },
  };
}
