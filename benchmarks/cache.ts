import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { LRUCache } from "lru-cache";
import { open } from "../cache/mod.ts";
import { type Position, PositionSchema, PositionSide } from "../gen/ts/cqc/portfolio/v1/mod.ts";
import type { Benchmark } from "./_harness.ts";

const KEYS = 1000;

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

/** A hit of get-or-load over 1,000 keys, against lru-cache. */
export async function openBenchmark(): Promise<Benchmark> {
  const cache = await open({}, { drivers: { memory: () => import("../cache/drivers/memory.ts") } });
  const positions = cache.keyspace(PositionSchema, { name: "position", ttl: "1h" });
  const bytes = cache.bytes({ name: "bytes", ttl: "1h" });
  const bounds = { max: 10_000, maxSize: 67_108_864, ttl: 3_600_000 };
  const sized = { ...bounds, sizeCalculation: (value: Uint8Array) => value.length };
  const encoded = new LRUCache<string, Uint8Array>(sized);
  const fetched = new LRUCache<string, Uint8Array>({ ...sized, fetchMethod: () => undefined });
  const keys = Array.from({ length: KEYS }, (_, i) => `position-${i}`);
  for (const [i, key] of keys.entries()) {
    const value = toBinary(PositionSchema, aPosition(i));
    await positions.set(key, aPosition(i));
    await bytes.set(key, value);
    encoded.set(key, value);
    fetched.set(key, value);
  }
  const never = (): undefined => undefined;
  const each = (fn: (key: string) => unknown) => ({
    async run(times: number): Promise<void> {
      for (let i = 0; i < times; i++) await fn(keys[i % KEYS]!);
    },
  });
  return {
    comparisons: [
      {
        title: "cache: a hit, value decoded for the caller",
        contenders: [
          {
            name: "lru-cache get + protobuf decode",
            ...each((key) => fromBinary(PositionSchema, encoded.get(key)!)),
          },
          { name: "keyspace getOrLoad", ...each((key) => positions.getOrLoad(key, never)) },
          { name: "keyspace get", ...each((key) => positions.get(key)) },
        ],
      },
      {
        title: "cache: a hit, bytes as they are",
        contenders: [
          { name: "lru-cache fetch (its get-or-load)", ...each((key) => fetched.fetch(key)) },
          { name: "lru-cache get", ...each((key) => encoded.get(key)) },
          { name: "lru-cache get + copy", ...each((key) => encoded.get(key)!.slice()) },
          { name: "bytes getOrLoad (copies)", ...each((key) => bytes.getOrLoad(key, never)) },
          { name: "bytes get (copies)", ...each((key) => bytes.get(key)) },
        ],
      },
    ],
    close: () => cache.close(),
  };
}
