import assert from "node:assert/strict";
import { test } from "node:test";
import { kit } from "./_kit.ts";

test("J16 guard checks the signature of the same token once, and while requests overlap too", async () => {
  const { issuer, ask, values } = await kit();
  const token = await issuer.sign();
  const first = await Promise.all(Array.from({ length: 500 }, () => ask(token)));
  for (let i = 0; i < 500; i++) first.push(await ask(token));
  assert.deepEqual([...new Set(first)], ["test-user"]);
  assert.equal(values.get("auth_token_cache_total{result=miss}"), 1);
  assert.equal(values.get("auth_token_cache_total{result=hit}"), 999);
});

test("J16 guard remembers no token beyond its expiry, its key and its time", async () => {
  const { issuer, ask, clock, values } = await kit();
  const short = await issuer.sign({ exp: 1_767_225_600 + 10 });
  const long = await issuer.sign({ exp: 1_767_225_600 + 7200 });
  await ask(short);
  await ask(long);
  await clock.advance(40_000);
  assert.equal(await ask(short), "EXPIRED");
  await clock.advance(260_000);
  assert.equal(await ask(long), "test-user");
  assert.equal(values.get("auth_token_cache_total{result=miss}"), 3);
  await issuer.rotate({ keepOld: false });
  await clock.advance(301_000);
  await ask(long);
  await clock.advance(0);
  assert.equal(await ask(long), "UNKNOWN_KEY");
});

test("J16 guard remembers no token whose signature was wrong, and a bounded number of others", async () => {
  const { issuer, ask, values } = await kit({ options: { rememberTokens: 2 } });
  const token = await issuer.sign();
  const forged = `${token.slice(0, -8)}AAAAAAAA`;
  assert.equal(await ask(forged), "INVALID_SIGNATURE");
  assert.equal(await ask(forged), "INVALID_SIGNATURE");
  assert.equal(values.get("auth_token_cache_total{result=miss}"), 2);
  const three = [await issuer.sign(), await issuer.sign(), await issuer.sign()];
  for (const one of [...three, three[0]!]) await ask(one);
  assert.equal(values.get("auth_token_cache_total{result=miss}"), 6);
});
