import { Buffer } from "node:buffer";
import { create, toBinary, toJson } from "@bufbuild/protobuf";
import { createKeyv as createKeyvRedis } from "@keyv/redis";
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { redisDriver } from "bentocache/drivers/redis";
import { Cacheable } from "cacheable";
import { Redis } from "ioredis";
import { LRUCache } from "lru-cache";
import { fromBinary } from "@bufbuild/protobuf";
import { open } from "../cache/mod.ts";
import { type Position, PositionSchema, PositionSide } from "../gen/ts/cqc/portfolio/v1/mod.ts";
import { realRedis } from "../testing/real_redis.ts";
import { type Benchmark, type Comparison, type Contender, print } from "./_harness.ts";

const KEYS = 1000;
/** Calls under way at a time where they are not made one by one. */
const IN_FLIGHT = 100;
const HOUR_MS = 3_600_000;

function aPosition(i: number): Position {
  return create(PositionSchema, {
    positionId: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
    portfolioId: "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
    accountId: "account-1",
    venueId: "coinbase",
    assetId: "6f1c2d3e-4a5b-4c6d-8e7f-90a1b2c3d4e5",
    side: PositionSide.LONG,
    quantity: "12.345678",
  });
}

const keys = Array.from({ length: KEYS }, (_, i) => `position-${i}`);
const values = keys.map((_, i) => aPosition(i));
const encoded = values.map((value) => toBinary(PositionSchema, value));
const json = values.map((value) => toJson(PositionSchema, value));
const at = (i: number): number => i % KEYS;
const never = (): never => {
  throw new Error("A hit asked for the value");
};

type Call = (i: number) => unknown;

/** One call after the other. */
function single(name: string, call: Call): Contender {
  return {
    name,
    async run(times: number): Promise<void> {
      for (let i = 0; i < times; i++) await call(at(i));
    },
  };
}

/** A hundred callers, each with one call after the other. */
function together(name: string, call: Call): Contender {
  return {
    name,
    async run(times: number): Promise<void> {
      let left = times;
      const caller = async (): Promise<void> => {
        while (left-- > 0) await call(at(left));
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
    },
  };
}

function both(title: string, calls: Readonly<Record<string, Call>>): Comparison[] {
  const each = (make: typeof single): Contender[] =>
    Object.entries(calls).map(([name, call]) => make(name, call));
  return [
    { title: `${title}, one at a time`, contenders: each(single) },
    { title: `${title}, ${IN_FLIGHT} in flight`, contenders: each(together) },
  ];
}

interface Part {
  readonly comparisons: readonly Comparison[];
  readonly close: () => Promise<unknown>;
}

async function memoryPart(): Promise<Part> {
  const cache = await open({}, { drivers: { memory: () => import("../cache/drivers/memory.ts") } });
  const positions = cache.keyspace(PositionSchema, { name: "position", ttl: "1h" });
  const bytes = cache.bytes({ name: "bytes", ttl: "1h" });
  const bounds = { max: 10_000, ttl: HOUR_MS };
  const lru = new LRUCache<string, Uint8Array>(bounds);
  const objects = new LRUCache<string, object>(bounds);
  const cacheable = new Cacheable({ ttl: HOUR_MS });
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: 10_000 }));
  const bento = new BentoCache({ default: "one", ttl: HOUR_MS, stores: { one: store } });
  for (const [i, key] of keys.entries()) {
    await positions.set(key, values[i]!);
    await bytes.set(key, encoded[i]!);
    await cacheable.set(key, json[i]);
    await bento.set({ key, value: json[i] });
    lru.set(key, encoded[i]!);
    objects.set(key, values[i]!);
  }
  return {
    comparisons: [
      {
        title: "cache: a hit in memory, the caller's own value",
        contenders: [
          single(
            "lru-cache get + protobuf decode",
            (i) => fromBinary(PositionSchema, lru.get(keys[i]!)!),
          ),
          single("keyspace getOrLoad", (i) => positions.getOrLoad(keys[i]!, never)),
          single("keyspace get", (i) => positions.get(keys[i]!)),
          single("cacheable getOrSet", (i) => cacheable.getOrSet(keys[i]!, never)),
          single("cacheable get", (i) => cacheable.get(keys[i]!)),
          single("bentocache getOrSet", (i) => bento.getOrSet({ key: keys[i]!, factory: never })),
          single("bentocache get", (i) => bento.get({ key: keys[i]! })),
          single("lru-cache get, the cached object itself", (i) => objects.get(keys[i]!)),
        ],
      },
      {
        title: "cache: a hit in memory, bytes",
        contenders: [
          single("lru-cache get", (i) => lru.get(keys[i]!)),
          single("lru-cache get + copy", (i) => lru.get(keys[i]!)!.slice()),
          single("bytes getOrLoad (copies)", (i) => bytes.getOrLoad(keys[i]!, never)),
          single("bytes get (copies)", (i) => bytes.get(keys[i]!)),
        ],
      },
    ],
    close: () => Promise.all([cache.close(), cacheable.disconnect(), bento.disconnectAll()]),
  };
}

async function redisPart(port: number): Promise<Part> {
  const drivers = { redis: () => import("../cache/drivers/redis.ts") };
  const redis = { single: { host: "127.0.0.1", port } };
  const cache = await open({
    driver: "redis",
    keyPrefix: "bench",
    redis,
  }, { drivers });
  const bytes = cache.bytes({ name: "bytes", ttl: "1h" });
  const positions = cache.keyspace(PositionSchema, { name: "position", ttl: "1h" });
  const tiered = cache.keyspace(PositionSchema, { name: "tiered", ttl: "1h", near: "1h" });
  const bare = new Redis({ port });
  const piped = new Redis({ port, enableAutoPipelining: true });
  const keyv = createKeyvRedis(`redis://127.0.0.1:${port}`);
  const store = bentostore().useL2Layer(redisDriver({ connection: { host: "127.0.0.1", port } }));
  const bento = new BentoCache({ default: "one", ttl: HOUR_MS, stores: { one: store } });
  const buffers = encoded.map((value) => Buffer.from(value));
  // With the deadline that everybody has by default, a busy machine's hiccup is a miss.
  let misses = 0;
  const missed = <T>(value: T) => (): T => (misses++, value);
  const loadBytes = encoded.map(missed);
  const loadMessage = values.map(missed);
  for (const [i, key] of keys.entries()) {
    await bare.set(key, buffers[i]!);
    await bytes.set(key, encoded[i]!);
    await positions.set(key, values[i]!);
    await tiered.set(key, values[i]!);
    await keyv.set(key, json[i]);
    await bento.set({ key, value: json[i] });
  }
  return {
    comparisons: [
      ...both("cache on Redis: a hit", {
        "ioredis get": (i) => bare.getBuffer(keys[i]!),
        "ioredis get, automatic pipelining": (i) => piped.getBuffer(keys[i]!),
        "bytes get": (i) => bytes.get(keys[i]!),
        "bytes getOrLoad": (i) => bytes.getOrLoad(keys[i]!, loadBytes[i]!),
        "keyspace getOrLoad (decodes)": (i) => positions.getOrLoad(keys[i]!, loadMessage[i]!),
        "keyspace getOrLoad, near tier": (i) => tiered.getOrLoad(keys[i]!, loadMessage[i]!),
        "keyv get, @keyv/redis": (i) => keyv.get(keys[i]!),
        "bentocache getOrSet": (i) => bento.getOrSet({ key: keys[i]!, factory: never }),
      }),
      ...both("cache on Redis: a write", {
        "ioredis set with a time to live": (i) => bare.set(keys[i]!, buffers[i]!, "PX", HOUR_MS),
        "ioredis set, automatic pipelining": (i) => piped.set(keys[i]!, buffers[i]!, "PX", HOUR_MS),
        "bytes set": (i) => bytes.set(keys[i]!, encoded[i]!),
        "keyspace set (encodes)": (i) => positions.set(keys[i]!, values[i]!),
        "keyv set, @keyv/redis": (i) => keyv.set(keys[i]!, json[i], HOUR_MS),
        "bentocache set": (i) => bento.set({ key: keys[i]!, value: json[i] }),
      }),
    ],
    async close() {
      print(`Hits on Redis that were misses, since they took over 100 ms: ${misses}`);
      bare.disconnect();
      piped.disconnect();
      await Promise.all([cache.close(), keyv.disconnect(), bento.disconnectAll()]);
    },
  };
}

/** Hits in memory and on Redis, and writes, against bare clients and other caches. */
export async function openBenchmark(): Promise<Benchmark> {
  const redis = await realRedis({ own: true });
  const memory = await memoryPart();
  const remote = await redisPart(redis.nodes[0]!.port);
  return {
    comparisons: [...memory.comparisons, ...remote.comparisons],
    async close() {
      await memory.close();
      await remote.close();
      await redis.close();
    },
  };
}
