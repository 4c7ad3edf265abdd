import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { realRedis } from "../../testing/real_redis.ts";
import { type Child, startChild } from "../_child.ts";
import { real } from "../_real.ts";
import { linesOf, openRedisCache, uniquePrefix } from "./_redis_kit.ts";

const PROCESSES = 4;
const CALLERS = 250;
const SCRIPT = fileURLToPath(new URL("./_loader_child.ts", import.meta.url));
const COUNTER = fileURLToPath(new URL("./_counter_child.ts", import.meta.url));

/** Starts processes that all wait for the start. */
async function startAll(
  port: number,
  file: string,
  times: { readonly loadMs: number; readonly leaseMs: number },
): Promise<Child[]> {
  const { loadMs, leaseMs } = times;
  const args = [port, uniquePrefix(), file, loadMs, CALLERS, leaseMs].map(String);
  const children = Array.from(
    { length: PROCESSES },
    () => startChild(SCRIPT, args, { stdio: ["pipe", "pipe", "pipe"] }),
  );
  await Promise.all(children.map((child) => child.until(/ready/)));
  return children;
}

function go(children: readonly Child[]): void {
  for (const child of children) child.process.stdin!.end("go\n");
}

const redis = await real(() => realRedis());
if (redis !== undefined) {
  const { port = 0 } = (redis.section.single ?? {}) as { readonly port?: number };
  const folder = (): Promise<string> => mkdtemp(join(tmpdir(), "cqi-loads-"));

  test("Four processes of 250 callers each load a cold key once, longer than its lease", {
    timeout: 60_000,
  }, async () => {
    const path = await folder();
    const file = join(path, "loads");
    const children = await startAll(port, file, { loadMs: 1500, leaseMs: 500 });
    go(children);
    const ends = await Promise.all(children.map((child) => child.ended));
    const loads = await linesOf(file);
    const callers = ends.reduce((n, { stdout }) => n + Number(/got (\d+)/.exec(stdout)?.[1]), 0);
    process.stdout.write(`processes ${PROCESSES}, callers ${callers}, loads ${loads.length}\n`);
    assert.equal(loads.length, 1);
    assert.equal(callers, PROCESSES * CALLERS);
    for (const { stdout, stderr } of ends) {
      assert.match(stdout, new RegExp(`got ${CALLERS} by ${loads[0]}\n`), stderr);
    }
    await rm(path, { recursive: true });
  });

  test("Four processes load a cold key twice when the one that loads is killed", {
    timeout: 60_000,
  }, async () => {
    const path = await folder();
    const file = join(path, "loads");
    const children = await startAll(port, file, { loadMs: 1000, leaseMs: 600 });
    go(children);
    const holder = await Promise.race(
      children.map(async (child) => {
        await child.until(/loading/);
        return child;
      }),
    );
    holder.kill("SIGKILL");
    const ends = await Promise.all(children.map((child) => child.ended));
    const loads = await linesOf(file);
    const survivors = ends.filter(({ code }) => code === 0);
    process.stdout.write(`survivors ${survivors.length}, loads ${loads.length}\n`);
    assert.equal(survivors.length, PROCESSES - 1);
    assert.equal(loads.length, 2);
    for (const { stdout } of survivors) {
      assert.match(stdout, new RegExp(`got ${CALLERS} by ${loads[1]}\n`));
    }
    await rm(path, { recursive: true });
  });

  test("R5 Two processes add 5,000 each, and the count is exact", { timeout: 60_000 }, async () => {
    const keyPrefix = uniquePrefix();
    const children = [1, 2].map(() =>
      startChild(COUNTER, [String(port), keyPrefix, "5000"], { stdio: ["pipe", "pipe", "pipe"] })
    );
    await Promise.all(children.map((child) => child.until(/ready/)));
    go(children);
    const ends = await Promise.all(children.map((child) => child.ended));
    await using one = await openRedisCache(redis, { keyPrefix });
    const counters = one.cache.counters({ name: "hits", ttl: "5m" });
    const sum = await counters.increment("k", 0);
    const ofEach = ends.map(({ stdout }) => /sums (\d+) greatest (\d+)/.exec(stdout)!);
    process.stdout.write(`processes 2, increments 10000, sum ${sum}\n`);
    assert.equal(sum, 10_000);
    // Each increment got a sum of its own.
    assert.deepEqual(ofEach.map((match) => match[1]), ["5000", "5000"]);
    assert.equal(Math.max(...ofEach.map((match) => Number(match[2]))), 10_000);
    const left = Number(await redis.command(["pttl", `${keyPrefix}:hits:-count:k`]));
    assert.ok(left > 0 && left <= 300_000);
  });
}
