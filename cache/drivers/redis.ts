/**
 * Cache driver `redis`: one server, a Cluster or a primary behind sentinels, shared by all processes
 * that name the same `key_prefix`. Built on ioredis.
 *
 * @example
 * ```ts
 * import { open } from "@cq/cqi/cache";
 * import assert from "node:assert/strict";
 *
 * const drivers = { redis: () => import("@cq/cqi/cache/redis") };
 * // Opening never fails because Redis is down: the cache then misses, and says so in its health.
 * await using cache = await open({
 *   driver: "redis",
 *   keyPrefix: "cqpm",
 *   redis: { single: { host: "127.0.0.1", port: 1 }, connectTimeout: { nanos: 200_000_000 } },
 * }, { drivers });
 * assert.equal((await cache.check()).status, "down");
 * ```
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { Cluster, Redis } from "ioredis";
import { type Instruments, type WaitOptions, withDeadline } from "../../core/mod.ts";
import { messageOf } from "../../errors/mod.ts";
import { type CacheConfig, RedisConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import type { CacheDriver, CacheLease } from "../types.ts";
import { READS, script, ttlWord, wire, type Word, WRITES } from "./_redis_joints.ts";
import { Lane } from "./_redis_lane.ts";
import { Listening } from "./_redis_listen.ts";
import type { Client } from "./_redis_op.ts";
import { type NodeOptions, readRedisSettings, type RedisSettings } from "./_redis_options.ts";
import type { ScriptName } from "./_redis_scripts.ts";
import { clearPrefix } from "./_redis_scan.ts";
import { watchConnection } from "./_redis_watch.ts";

/** Ends the key of a lease; no key of a value has it. */
const LEASE = "!lease";

/** Wait before a client that has ended is connected anew, in milliseconds. */
const REVIVE_MS = 100;

const FEATURES = {
  remote: true,
  atomic: true,
  clear: true,
  lease: true,
  listen: true,
  minTtlMs: 1,
} as const;

function flagged(bytes: Uint8Array | undefined): [Word, Word] {
  return bytes === undefined ? ["0", ""] : ["1", wire(bytes)];
}

function connect(settings: RedisSettings): Client {
  const { mode, node, cluster, nodes } = settings;
  return mode === "cluster"
    ? new Cluster([...nodes], { ...cluster, redisOptions: node })
    : new Redis(node);
}

// Where a listener may connect: a cluster passes messages on to all its nodes.
function listenTargets(client: Client, settings: RedisSettings): readonly NodeOptions[] {
  const { node, nodes } = settings;
  if (!(client instanceof Cluster)) return [node];
  const known = client.nodes("master").map(({ options }) => ({
    host: options.host ?? "localhost",
    port: options.port ?? 6379,
  }));
  return (known.length > 0 ? known : nodes).map((address) => ({ ...node, ...address }));
}

/**
 * Connects to Redis. Resolves when the first connection stands or has failed; later ones are made
 * by themselves, for as long as it takes.
 *
 * @param config Its section `redis` says where it is.
 * @param env Logger, clock and randomness.
 * @throws {CqiError} `CQI_CONFIG_INVALID` for a secret or certificate that cannot be read.
 */
export async function createDriver(config: CacheConfig, env: Instruments): Promise<CacheDriver> {
  const redis = config.redis ?? create(RedisConfigSchema);
  const settings = await readRedisSettings(config, redis, env);
  const { clock } = env;
  const logger = env.logger.child({ component: "cache", driver: "redis" });
  const client = connect(settings);
  let closing: Promise<void> | undefined;
  let problem: string | undefined;
  // Since the last connection: the first is its own end, or that of the first attempt.
  let failures = 0;
  client.on("error", (error: unknown) => {
    // A server that is away is told of once, not at each attempt.
    if (problem === undefined) logger.warn("Redis connection fails", { error });
    problem = messageOf(error);
  });
  if (client instanceof Cluster) {
    client.on("node error", (error: unknown) => problem = messageOf(error));
  }
  client.on("ready", () => {
    if (problem !== undefined) logger.info("Redis connection stands again");
    problem = undefined;
    failures = 0;
  });
  client.on("close", () => failures++);
  // The client ends for good when its sentinels tell of a failover while it asks them for the
  // primary: it takes that for a wish to close.
  client.on("end", () => {
    if (closing !== undefined) return;
    failures++;
    clock.timer(revive, REVIVE_MS, { background: true });
  });
  const revive = (): void => {
    if (closing !== undefined || client.status !== "end") return;
    // Its failure ends the client again, which is heard above.
    client.connect().catch(() => {});
  };
  const { commandTimeoutMs, connectTimeoutMs } = settings;
  const lane = new Lane({
    client,
    clock,
    commandTimeoutMs,
    problem: () => problem,
    isDown: () => failures > 1,
  });
  const unwatch = client instanceof Cluster ? undefined : watchConnection({
    client,
    lane,
    clock,
    commandTimeoutMs,
  });
  const listening = new Listening(() => listenTargets(client, settings), clock);
  try {
    await withDeadline(clock, connectTimeoutMs, () => client.connect());
  } catch (error) {
    failures = 2;
    logger.warn("Redis cannot be reached, the cache misses until it can", { error });
  }

  const read = (key: string, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> =>
    lane.join(READS, key, { action: "get", signal }) as Promise<Uint8Array | undefined>;
  const isCluster = settings.mode === "cluster";
  const leaseOf = (key: string): string => isCluster ? `{${key}}${LEASE}` : key + LEASE;
  const run = (
    name: ScriptName,
    words: readonly Word[],
    action: string,
    options: WaitOptions | undefined,
    once = false,
  ): Promise<unknown> =>
    lane.send((to) => script(to, name, words), { action, signal: options?.signal, once });
  const close = (): Promise<void> =>
    closing ??= (async () => {
      unwatch?.();
      lane.close();
      listening.close();
      client.disconnect();
      await Promise.resolve();
    })();

  return {
    name: "redis",
    features: FEATURES,
    get: (key, options) => read(key, options?.signal),
    getMany: (keys, options) => Promise.all(keys.map((key) => read(key, options?.signal))),
    set(entries, options) {
      const how = { action: "set", signal: options?.signal };
      const all = entries.length === 1
        ? lane.join(WRITES, entries[0]!, how)
        : Promise.all(entries.map((entry) => lane.join(WRITES, entry, how)));
      return all as Promise<unknown> as Promise<void>;
    },
    async setIfAbsent({ key, value, ttlMs }, options) {
      const words = [key, leaseOf(key), ...flagged(undefined), ...flagged(value), ttlWord(ttlMs)];
      return await run("cqiSwap", words, "set if absent", options, true) === 1;
    },
    async delete(keys, options) {
      const send = (group: readonly string[]): Promise<number> =>
        lane.send((to) => to.del(...group), { action: "delete", signal: options?.signal });
      if (keys.length === 0) return 0;
      const groups = isCluster ? keys.map((key) => [key]) : [keys];
      // Leases first: what is loaded by then is not stored behind the deletion.
      const broken = groups.map((group) => send(group.map(leaseOf)));
      const counts = await Promise.all([...groups.map(send), ...broken]);
      return counts.slice(0, groups.length).reduce((sum, count) => sum + count, 0);
    },
    async increment({ key, by, ttlMs }, options) {
      const words = [key, String(by), ttlWord(ttlMs)];
      return Number(await run("cqiAdd", words, "increment", options, true));
    },
    async compareAndSet({ key, expected, value, ttlMs }, options) {
      const words = [
        ...[key, leaseOf(key)],
        ...flagged(expected),
        ...flagged(value),
        ttlWord(ttlMs),
      ];
      return await run("cqiSwap", words, "compare and set", options, true) === 1;
    },
    clear: (prefix, options) => clearPrefix(lane, prefix, isCluster, LEASE, options?.signal),
    async acquire({ key, ttlMs, seen, waited }, options): Promise<CacheLease> {
      const words = [key, leaseOf(key), ...flagged(seen), String(ttlMs), waited ? "1" : "0"];
      const answer = await run("cqiAcquire", words, "acquire a lease", options);
      if (Array.isArray(answer)) return { state: "acquired", token: String(answer[0]) };
      if (answer instanceof Uint8Array) return { state: "found", value: answer };
      return { state: answer === 2 ? "open" : "held" };
    },
    async renew({ key, token, ttlMs }, options) {
      const words = [leaseOf(key), token, String(ttlMs)];
      return await run("cqiRenew", words, "renew a lease", options) === 1;
    },
    async release({ key, token, ttlMs }, options) {
      const words = [leaseOf(key), token, String(ttlMs)];
      await run("cqiRelease", words, "release a lease", options);
    },
    async settle({ entry, token, seen }, options) {
      const { key, value, ttlMs } = entry;
      const words = [key, leaseOf(key), ...flagged(seen), token, wire(value), ttlWord(ttlMs)];
      return await run("cqiSettle", words, "store what was loaded", options) === 1;
    },
    async announce(channel, message, options) {
      await lane.send((to) => to.publish(channel, wire(message)), {
        action: "announce",
        signal: options?.signal,
      });
    },
    listen: (channel, listener) => listening.add(channel, listener),
    async check(options) {
      const { signal } = options ?? {};
      if (!lane.isReady && problem !== undefined) {
        return { status: "down", message: `No connection to Redis: ${problem}` };
      }
      await lane.send((to) => to.ping(), { action: "ping", signal });
      return { status: "ok", details: { mode: settings.mode } };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
