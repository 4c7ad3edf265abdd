// One of several processes that want the same key at the same moment. Arguments: port of Redis, key
// prefix, file to which each load adds a line, milliseconds that a load takes, callers, lease.
// Prints "ready", waits for a line on standard input, then prints what the callers got.

import process from "node:process";
import { once } from "node:events";
import { sleep, systemClock } from "../../core/mod.ts";
import { addLine, openRedisCache } from "./_redis_kit.ts";

const [port, keyPrefix, file, loadMs, callers, lease] = process.argv.slice(2) as string[];
const redis = { section: { single: { host: "127.0.0.1", port: Number(port) } } };
const { cache } = await openRedisCache(redis, {
  keyPrefix: keyPrefix!,
  operationTimeout: { seconds: 5n, nanos: 0 },
});
const bytes = cache.bytes({ name: "cold", ttl: "1m", lease: Number(lease) });
await bytes.get("warm-up");
process.stdout.write("ready\n");
await once(process.stdin, "data");

const load = async (): Promise<Uint8Array> => {
  await addLine(file!, String(process.pid));
  process.stdout.write("loading\n");
  await sleep(systemClock, Number(loadMs));
  return new TextEncoder().encode(`by ${process.pid}`);
};
const all = await Promise.all(
  Array.from({ length: Number(callers) }, () => bytes.getOrLoad("key", load)),
);
const answers = new Set(all.map((value) => new TextDecoder().decode(value)));
process.stdout.write(`got ${all.length} ${[...answers].join(",")}\n`);
await cache.close();
process.stdin.destroy();
