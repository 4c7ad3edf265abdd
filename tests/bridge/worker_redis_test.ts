import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { realRedis } from "../../testing/real_redis.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { type Client, startWorker } from "./_client.ts";
import { fresh } from "./_scenarios.ts";
import { redisOf } from "./_values.ts";

// What a call may take at most: its deadline, and the start of the process around it.
const WITHIN_MS = 10_000;

const shared = await real(() => realRedis());
const faulted = await real(() => realRedis({ own: true }));
const locked = await real(() => realRedis({ own: true }));

function addressOf(redis: NonNullable<typeof shared>, login = ""): string {
  const { host = "", port = 0 } = redis.section.single ?? {};
  return `redis://${login}${host}:${port}`;
}

function workerOn(url: string): Client {
  return startWorker({ CQI_DRIVER: "memory", PARTITIONS: "1", REDIS_URL: url });
}

async function ask(client: Client, op: string, fields: object): Promise<Record<string, unknown>> {
  const { id: _, ...answer } = await client.ask({ op, ...fields });
  return answer;
}

/** Why a request failed, and that it did so within the deadline. */
async function refusal(client: Client, op: string, fields: object): Promise<string> {
  const since = performance.now();
  const error = await ask(client, op, fields).then(
    (answer) => assert.fail(`${op} answers ${JSON.stringify(answer)}`),
    (error) => error as Error,
  );
  const took = performance.now() - since;
  assert.ok(took < WITHIN_MS, `${op} took ${took} ms`);
  return error.message;
}

const base64 = (...bytes: number[]): string => Buffer.from(bytes).toString("base64");

if (shared !== undefined) {
  const url = addressOf(shared);

  test("worker redis, gives back the bytes it was given, to another worker too, until deleted", async () => {
    await using one = workerOn(url);
    await using other = workerOn(`${url}/0`);
    const key = `${fresh("any key")}: {1}*\r\n\u2028 !`;
    const value = base64(0, 255, 10, 13, 128, 0);
    assert.deepEqual(await ask(one, "cacheSet", { key, value }), { found: true });
    assert.deepEqual(await ask(other, "cacheGet", { key }), { found: true, value });
    assert.deepEqual(await ask(other, "cacheDelete", { key }), { found: true });
    assert.deepEqual(await ask(one, "cacheGet", { key }), { found: false });
    assert.deepEqual(await ask(one, "cacheDelete", { key }), { found: false });
  });

  test("worker redis, an empty value is found, a missing one is not", async () => {
    await using client = workerOn(url);
    const key = fresh("empty");
    assert.deepEqual(await ask(client, "cacheGet", { key }), { found: false });
    await ask(client, "cacheSet", { key, value: "" });
    assert.deepEqual(await ask(client, "cacheGet", { key }), { found: true, value: "" });
  });

  test("worker redis, a value with a ttl ends, one without it stays", async () => {
    await using client = workerOn(url);
    const [short, long] = [fresh("short"), fresh("long")];
    const value = base64(1);
    await ask(client, "cacheSet", { key: short, value, ttl: 1.5 });
    await ask(client, "cacheSet", { key: long, value, ttl: 1 });
    await ask(client, "cacheSet", { key: long, value });
    assert.deepEqual(await ask(client, "cacheGet", { key: short }), { found: true, value });
    const since = performance.now();
    await until(async () => (await ask(client, "cacheGet", { key: short }))["found"] === false);
    assert.ok(performance.now() - since > 1000);
    assert.deepEqual(await ask(client, "cacheGet", { key: long }), { found: true, value });
  });

  test("worker redis, what is no value, key or time is refused and changes nothing", async () => {
    await using client = workerOn(url);
    const key = fresh("refused");
    const value = base64(7);
    await ask(client, "cacheSet", { key, value });
    assert.match(await refusal(client, "cacheSet", { key, value: "not base64!" }), /base64/);
    assert.match(await refusal(client, "cacheSet", { key, value, ttl: -1 }), /ttl/);
    assert.match(await refusal(client, "cacheSet", { key, value, ttl: "5" }), /ttl/);
    assert.match(await refusal(client, "cacheSet", { key }), /lacks value/);
    assert.match(await refusal(client, "cacheGet", { key: 5 }), /lacks key/);
    assert.match(await refusal(client, "cacheGet", { key: "k".repeat(2000) }), /key/);
    assert.deepEqual(await ask(client, "cacheGet", { key }), { found: true, value });
  });

  test("worker redis, databases are apart", async () => {
    await using one = workerOn(url);
    await using other = workerOn(`${url}/7`);
    const key = fresh("database");
    await ask(one, "cacheSet", { key, value: base64(1) });
    assert.deepEqual(await ask(other, "cacheGet", { key }), { found: false });
  });
}

if (locked !== undefined) {
  const password = "p@ss:w/rd %2F\u00fc";
  await locked.command(["acl", "setuser", "alice", "on", ">other", "~*", "&*", "+@all"]);
  await locked.command(["config", "set", "requirepass", password]);
  const login = encodeURIComponent(password);

  test("worker redis, logs in with a password, and as a user with theirs", async () => {
    await using one = workerOn(addressOf(locked, `:${login}@`));
    await using alice = workerOn(addressOf(locked, "alice:other@"));
    const key = fresh("login");
    const value = base64(1, 2);
    assert.deepEqual(await ask(one, "cacheSet", { key, value }), { found: true });
    assert.deepEqual(await ask(alice, "cacheGet", { key }), { found: true, value });
  });

  for (const [name, given] of [["no", ""], ["a wrong", ":wrong@"]]) {
    test(`worker redis, answers errors with ${name} password, and does not say it`, async () => {
      await using client = workerOn(addressOf(locked, given));
      const key = fresh("login");
      for (const op of ["cacheGet", "cacheDelete"]) {
        assert.doesNotMatch(await refusal(client, op, { key }), /wrong/);
      }
      assert.doesNotMatch(await refusal(client, "cacheSet", { key, value: "" }), /wrong/);
    });
  }
}

if (faulted !== undefined) {
  const [node] = faulted.nodes;
  const url = addressOf(faulted);

  test("worker redis, answers errors while the server is frozen or gone, and values once it is back", async () => {
    await using client = workerOn(url);
    await using late = workerOn(url);
    const key = fresh("gone");
    const value = base64(3);
    await ask(client, "cacheSet", { key, value });
    const broken = async (one: Client): Promise<void> => {
      await refusal(one, "cacheGet", { key });
      await refusal(one, "cacheSet", { key, value });
      await refusal(one, "cacheDelete", { key });
    };
    // What was asked for meanwhile may still take effect: it is set again.
    const whole = async (one: Client): Promise<void> => {
      const set = () => ask(one, "cacheSet", { key, value }).then(() => true, () => false);
      await until(set, "the server");
      assert.deepEqual(await ask(one, "cacheGet", { key }), { found: true, value });
    };
    node!.freeze();
    await broken(client);
    node!.thaw();
    await whole(client);
    await node!.kill();
    await broken(client);
    // One that never was connected.
    await broken(late);
    await node!.restart();
    await whole(client);
    await whole(late);
  });
}

test("redisOf reads user, password, database and TLS of an address", () => {
  assert.deepEqual(redisOf("rediss://us%20er:pass@redis.test:7000/3"), {
    single: { host: "redis.test", port: 7000 },
    database: 3,
    username: "us er",
    password: { valueSource: { case: "env", value: "BRIDGE_REDIS_PASSWORD" } },
    tls: {},
  });
  assert.equal(process.env["BRIDGE_REDIS_PASSWORD"], "pass");
  assert.deepEqual(redisOf("redis://[::1]"), { single: { host: "::1", port: 6379 }, database: 0 });
  assert.throws(() => redisOf("http://redis.test"), /redis: or rediss:/);
  assert.throws(() => redisOf("redis://redis.test/db"), /database/);
});
