import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorker } from "./_client.ts";
import {
  closingIsIdempotent,
  everythingArrives,
  membersComeAndGo,
  unansweredHoldsItsKey,
} from "./_scenarios.ts";

const MEMORY = { CQI_DRIVER: "memory", PARTITIONS: "6", REDIS_URL: "" };

test("worker memory, everything reaches each group and the reader, in order, refusals included", async () => {
  await everythingArrives(MEMORY);
});

test("worker memory, members that come and go lose, skip and repeat nothing", async () => {
  await membersComeAndGo(MEMORY);
});

test("worker memory, what is not answered holds up its key alone and comes again", async () => {
  await unansweredHoldsItsKey(MEMORY);
});

test("worker memory, closing twice and at once is one closing", async () => {
  await closingIsIdempotent(MEMORY);
});

test("worker cache, gives back the bytes it was given until they are deleted or over", async () => {
  await using client = startWorker(MEMORY);
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
