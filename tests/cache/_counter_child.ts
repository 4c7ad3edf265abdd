// One of several processes that count together. Arguments: port of Redis, key prefix, how often.
// Prints "ready", waits for a line on standard input, then prints its sums' number and the greatest.

import process from "node:process";
import { once } from "node:events";
import { openRedisCache } from "./_redis_kit.ts";

const [port, keyPrefix, times] = process.argv.slice(2) as string[];
const redis = { section: { single: { host: "127.0.0.1", port: Number(port) } } };
const { cache } = await openRedisCache(redis, {
  keyPrefix: keyPrefix!,
  operationTimeout: { seconds: 10n, nanos: 0 },
});
const counters = cache.counters({ name: "hits", ttl: "5m" });
await counters.increment("warm-up");
process.stdout.write("ready\n");
await once(process.stdin, "data");

const sums = new Set<number>();
for (let left = Number(times); left > 0; left -= 100) {
  const calls = Array.from({ length: Math.min(100, left) }, () => counters.increment("k"));
  for (const sum of await Promise.all(calls)) sums.add(sum);
}
process.stdout.write(`sums ${sums.size} greatest ${Math.max(...sums)}\n`);
await cache.close();
process.stdin.destroy();
