import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorker } from "./_client.ts";
import { envOf, workerTests } from "./_worker_tests.ts";

const SUBJECT = { driver: "memory" };

workerTests(SUBJECT);

test("worker cache, gives back the bytes it was given until they are deleted or over", async () => {
  await using client = startWorker(envOf(SUBJECT));
  const value = Buffer.from([0, 255, 10]).toString("base64");
  const key = "any key: {1}*\n";
  assert.equal((await client.ask({ op: "cacheGet", key }))["found"], false);
  await client.ask({ op: "cacheSet", key, value });
  const { id: _, ...found } = await client.ask({ op: "cacheGet", key });
  assert.deepEqual(found, { found: true, value });
  await client.ask({ op: "cacheSet", key, value, ttl: 100 });
  assert.equal((await client.ask({ op: "cacheGet", key }))["value"], value);
  assert.equal((await client.ask({ op: "cacheDelete", key }))["found"], true);
  const { id: __, ...gone } = await client.ask({ op: "cacheGet", key });
  assert.deepEqual(gone, { found: false });
  await assert.rejects(client.ask({ op: "cacheSet", key, value, ttl: -1 }), /ttl/);
});
