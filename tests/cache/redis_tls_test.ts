import assert from "node:assert/strict";
import { test } from "node:test";
import { realRedis } from "../../testing/real_redis.ts";
import { freePort } from "../../testing/_server_process.ts";
import { real } from "../_real.ts";
import { certificates, textOf } from "../database/_tls.ts";
import { openRedisCache, uniquePrefix } from "./_redis_kit.ts";

const made = await certificates("DNS:localhost");
const port = await freePort();
const redis = await real(async () => {
  const server = await realRedis({
    own: true,
    config: [
      `tls-port ${port}`,
      `tls-cert-file ${made.cert}`,
      `tls-key-file ${made.key}`,
      `tls-ca-cert-file ${made.ca}`,
      "tls-auth-clients optional",
    ],
  });
  const close = async (): Promise<void> => {
    await server.close();
    await made[Symbol.asyncDispose]();
  };
  return { ...server, close };
});

if (redis !== undefined) {
  const one = new Uint8Array([1]);
  const openTls = (tls: object, host = "localhost") =>
    openRedisCache({
      section: { single: { host, port }, tls, connectTimeout: { seconds: 2n, nanos: 0 } },
    }, { keyPrefix: uniquePrefix(), operationTimeout: { seconds: 5n, nanos: 0 } });

  test("TLS with the authority's certificate, as a file or as text, reaches Redis", async () => {
    for (const tls of [{ caFile: made.ca }, { caPem: await textOf(made.ca) }]) {
      await using opened = await openTls(tls);
      const bytes = opened.cache.bytes({ name: "tls", ttl: "1m", near: "30s" });
      assert.equal(await bytes.set("k", one), true);
      assert.deepEqual(await bytes.get("k"), one);
      assert.equal((await opened.cache.check()).status, "ok");
    }
  });

  test("A client's certificate is shown to Redis", async () => {
    const tls = {
      caFile: made.ca,
      certFile: made.clientCert,
      privateKey: { valueSource: { case: "file", value: made.clientKey } },
    };
    await using opened = await openTls(tls);
    assert.equal(await opened.cache.bytes({ name: "tls" }).set("k", one), true);
  });

  for (
    const [what, tls, host, reason] of [
      [
        "an authority that is not known",
        { caFile: made.otherCa },
        "localhost",
        /certificate|issuer/i,
      ],
      ["no authority at all", {}, "localhost", /certificate|issuer/i],
      [
        "a name that the certificate has not",
        { caFile: made.ca },
        "127.0.0.1",
        /does not match|altnames|hostname|not valid for|certificate/i,
      ],
    ] as const
  ) {
    test(`TLS with ${what} misses, and check() says why`, async () => {
      await using opened = await openTls(tls, host);
      const bytes = opened.cache.bytes({ name: "tls", ttl: "1m" });
      assert.deepEqual(await bytes.getOrLoad("k", () => one), one);
      assert.equal(await bytes.set("k", one), false);
      const { status, message = "" } = await opened.cache.check();
      assert.equal(status, "down");
      assert.match(message, reason);
    });
  }

  test("TLS by the name that is given, whatever the address", async () => {
    await using opened = await openTls({ caFile: made.ca, serverName: "localhost" }, "127.0.0.1");
    assert.equal(await opened.cache.bytes({ name: "tls" }).set("k", one), true);
  });
}
