import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { open } from "../../auth/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { testIssuer } from "../../testing/issuer.ts";
import { bearer, kit, outcome } from "./_kit.ts";

const TYPE = { "content-type": "application/json" };

test("J10 guard takes a new key after one fetch and an old one until it is removed", async () => {
  const { issuer, ask, clock, values } = await kit();
  const old = await issuer.sign({ exp: 1_767_225_600 + 7200 });
  assert.equal(await ask(old), "test-user");
  await clock.advance(30_000);
  await issuer.rotate();
  const fresh = await issuer.sign({ exp: 1_767_225_600 + 7200 });
  assert.equal(await ask(fresh), "test-user");
  assert.equal(issuer.requests, 2);
  assert.equal(await ask(old), "test-user");
  issuer.retire();
  await clock.advance(600_000);
  // The first one after the age serves from the old set and starts the fetch.
  await ask(fresh);
  await clock.advance(0);
  assert.equal(await ask(old), "UNKNOWN_KEY");
  assert.equal(await ask(fresh), "test-user");
  assert.equal(values.get("auth_jwks_fetches_total{result=ok}"), 3);
});

test("J10 guard has no failure while keys rotate under traffic", async () => {
  const { issuer, ask, clock } = await kit();
  await ask(await issuer.sign());
  for (let i = 0; i < 5; i++) {
    await clock.advance(31_000);
    await issuer.rotate();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => issuer.sign()));
    const results = await Promise.all(tokens.map(ask));
    assert.deepEqual([...new Set(results)], ["test-user"]);
  }
  assert.equal(issuer.requests, 6);
});

test("J11 guard fetches once per cool-down, whatever a flood of made-up ids asks for", async () => {
  const { issuer, ask, clock } = await kit();
  const flood = async (): Promise<void> => {
    const token = (await issuer.sign()).split(".");
    const asks = Array.from({ length: 1000 }, (_, i) => {
      const header = btoa(JSON.stringify({ alg: "ES256", kid: `k${i}` })).replaceAll("=", "");
      return ask([header, token[1], token[2]].join("."));
    });
    assert.deepEqual([...new Set(await Promise.all(asks))], ["UNKNOWN_KEY"]);
  };
  await flood();
  assert.equal(issuer.requests, 1);
  await clock.advance(29_999);
  await flood();
  assert.equal(issuer.requests, 1);
  await clock.advance(1);
  await flood();
  assert.equal(issuer.requests, 2);
});

test("J11 guard fetches the first set once for many callers at a time", async () => {
  const { issuer, ask } = await kit();
  const tokens = await Promise.all(Array.from({ length: 50 }, () => issuer.sign()));
  assert.deepEqual([...new Set(await Promise.all(tokens.map(ask)))], ["test-user"]);
  assert.equal(issuer.requests, 1);
});

test("J12 guard goes on with the last good set while the server is down, until it is too old", async () => {
  let down = false;
  const { issuer, ask, clock, guard, lines } = await kit({
    handler: (issuer) => (request) =>
      down ? Promise.reject(new TypeError("refused")) : issuer.handler(request),
  });
  const token = await issuer.sign({ exp: 1_767_225_600 + 80_000 });
  assert.equal(await ask(token), "test-user");
  assert.deepEqual(await guard.check(), { status: "ok" });
  down = true;
  await clock.advance(1_800_000);
  assert.equal(await ask(token), "test-user");
  await clock.advance(0);
  assert.equal((await guard.check()).status, "degraded");
  await clock.advance(1_799_999);
  assert.equal(await ask(token), "test-user");
  await clock.advance(1);
  assert.equal(await ask(token), "CQI_AUTH_UNAVAILABLE");
  assert.equal((await guard.check()).status, "down");
  down = false;
  await clock.advance(30_000);
  assert.equal(await ask(token), "test-user");
  assert.equal((await guard.check()).status, "ok");
  assert.ok(lines.some((line) => line.level === "warn" && line.fields.reason === "refused"));
});

test("J12 guard that never had a set tries again with backoff, not for each caller", async () => {
  let fetches = 0;
  const { issuer, ask, clock } = await kit({
    handler: () => () => {
      fetches++;
      return new Response("", { status: 503 });
    },
  });
  const token = await issuer.sign();
  for (let i = 0; i < 100; i++) assert.equal(await ask(token), "CQI_AUTH_UNAVAILABLE");
  assert.equal(fetches, 1);
  await clock.advance(1000);
  for (let i = 0; i < 100; i++) await ask(token);
  assert.equal(fetches, 2);
  await clock.advance(1999);
  await ask(token);
  assert.equal(fetches, 2);
  await clock.advance(1);
  await ask(token);
  assert.equal(fetches, 3);
});

test("J12 guard gives up on a server that never answers, or never ends its answer", async () => {
  const silent = (): Promise<Response> => new Promise(() => {});
  const endless = (): Response =>
    new Response(new ReadableStream({ start: (out) => out.enqueue(new Uint8Array(8)) }), {
      headers: TYPE,
    });
  for (const handler of [silent, endless]) {
    const { issuer, ask, clock } = await kit({ handler: () => handler });
    const asked = ask(await issuer.sign());
    await clock.advance(5000);
    assert.equal(await asked, "CQI_AUTH_UNAVAILABLE");
    assert.equal(clock.pending, 0);
  }
});

const BAD: [string, () => Response][] = [
  ["status 500", () => new Response("{}", { status: 500, headers: TYPE })],
  ["status 204", () => new Response(null, { status: 204, headers: TYPE })],
  ["HTML", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
  [
    "JSON as text",
    () => new Response('{"keys":[]}', { headers: { "content-type": "text/plain" } }),
  ],
  ["rubbish", () => new Response("{keys", { headers: TYPE })],
  ["a list", () => new Response("[]", { headers: TYPE })],
  ["no keys", () => new Response("{}", { headers: TYPE })],
  ["keys of the wrong kind", () => Response.json({ keys: { a: 1 } })],
  ["an empty set", () => Response.json({ keys: [] })],
  ["members that are no keys", () => Response.json({ keys: [1, null, "x", [], {}] })],
  ["257 members", () => Response.json({ keys: Array(257).fill({}) })],
  [
    "a length over the limit",
    () => new Response("{}", { headers: { ...TYPE, "content-length": "600000" } }),
  ],
  ["600 kB without a length", () =>
    new Response(
      new ReadableStream({ pull: (out) => out.enqueue(new Uint8Array(100_000)) }),
      { headers: TYPE },
    )],
  ["bad UTF-8", () => new Response(new Uint8Array([123, 255, 125]), { headers: TYPE })],
  [
    "a redirect to another host",
    () => new Response(null, { status: 302, headers: { location: "https://evil.test/jwks.json" } }),
  ],
  [
    "a redirect to http",
    () =>
      new Response(null, { status: 301, headers: { location: "http://issuer.test/jwks.json" } }),
  ],
  [
    "a redirect to itself for ever",
    () => new Response(null, { status: 307, headers: { location: "/again" } }),
  ],
  [
    "a redirect to nowhere",
    () => new Response(null, { status: 302, headers: { location: "http://" } }),
  ],
];

for (const [name, answer] of BAD) {
  test(`J12 guard takes ${name} for no set and fails closed`, async () => {
    const asked: string[] = [];
    const { issuer, ask } = await kit({
      handler: () => (request) => {
        asked.push(new URL(request.url).origin);
        return answer();
      },
    });
    assert.equal(await ask(await issuer.sign()), "CQI_AUTH_UNAVAILABLE");
    assert.deepEqual([...new Set(asked)], ["https://issuer.test"]);
    assert.ok(asked.length <= 4, "follows few redirects");
  });
}

test("J12 guard follows a redirect within the origin", async () => {
  const { issuer, ask } = await kit({
    handler: (issuer) => (request) =>
      request.url.endsWith("/moved")
        ? issuer.handler()
        : new Response(null, { status: 308, headers: { location: "/moved" } }),
  });
  assert.equal(await ask(await issuer.sign()), "test-user");
});

test("J12 guard ignores private, symmetric, foreign, weak and broken keys of a set", async () => {
  const other = await testIssuer({ algorithms: ["ES256", "ES384"] });
  const [fine, p384] = (await other.handler().json()).keys;
  const weak = await crypto.subtle.generateKey(
    {
      name: "RSASSA-PKCS1-v1_5",
      hash: "SHA-256",
      modulusLength: 1024,
      publicExponent: new Uint8Array([1, 0, 1]),
    },
    true,
    ["sign", "verify"],
  );
  const weakJwk = await crypto.subtle.exportKey("jwk", weak.publicKey);
  const n = "3".repeat(342);
  const bad = [
    { ...fine, kid: "private", d: "AAAA" },
    { kty: "oct", kid: "oct", k: "c2VjcmV0", alg: "HS256" },
    { ...fine, kid: "enc", use: "enc" },
    { ...fine, kid: "ops", key_ops: ["sign"] },
    { ...fine, kid: "alg", alg: "ES384" },
    { ...p384, kid: "crv", alg: "ES256" },
    { ...fine, kid: "short", x: "AA" },
    { ...fine, kid: 7 },
    { ...fine, kid: "k".repeat(257) },
    { kty: "RSA", n: weakJwk.n, e: weakJwk.e, kid: "weak" },
    { kty: "RSA", n, e: "AQ", kid: "one" },
    { kty: "RSA", n, e: "AAAB", kid: "long one" },
    { kty: "RSA", n, e: "Ag", kid: "even" },
    { kty: "RSA", n, e: "AA", kid: "zero" },
    { kty: "RSA", kid: "empty" },
  ];
  const jwt = { algorithms: ["ES256", "RS256"] };
  const { issuer, ask } = await kit({
    jwt,
    handler: (issuer) => async () =>
      Response.json({ keys: [...bad, ...(await issuer.handler().json()).keys] }),
  });
  assert.equal(await ask(await issuer.sign()), "test-user");
  for (const { kid } of bad) {
    if (typeof kid !== "string" || kid.length > 256) continue;
    const header = { alg: kid.length < 7 && "eoewz".includes(kid[0]!) ? "RS256" : "ES256" };
    assert.equal(await ask(await issuer.sign({}, { kid, header })), "UNKNOWN_KEY", kid);
  }
  const alone = await kit({ jwt, handler: () => () => Response.json({ keys: bad }) });
  assert.equal(await alone.ask(await alone.issuer.sign()), "CQI_AUTH_UNAVAILABLE");
});

test("J12 guard refuses a set with one id for two keys and keeps the last good one", async () => {
  let twice = false;
  const { issuer, ask, clock } = await kit({
    handler: (issuer) => async () => {
      const { keys } = await issuer.handler().json();
      return Response.json({ keys: twice ? [...keys, ...keys] : keys });
    },
  });
  const token = await issuer.sign({ exp: 1_767_225_600 + 7200 });
  assert.equal(await ask(token), "test-user");
  twice = true;
  await clock.advance(600_000);
  await ask(token);
  await clock.advance(0);
  assert.equal(await ask(token), "test-user");
  assert.equal(issuer.requests, 2);
});

test("J13 open() refuses a JWKS URL without https, with a password or of another scheme", async () => {
  const jwt = (value: string, insecureJwks = false) => ({
    issuer: "i",
    audiences: ["a"],
    algorithms: ["ES256"],
    keySource: { case: "jwksUri" as const, value },
    insecureJwks,
  });
  for (
    const url of [
      "http://issuer.test/jwks",
      "http://localhost/jwks",
      "https://u:p@issuer.test/jwks",
    ]
  ) {
    await assert.rejects(open({ jwt: jwt(url) }), { code: "CQI_AUTH_CONFIG" }, url);
  }
  for (
    const host of [
      "issuer.test",
      "127.0.0.1.evil.test",
      "localhost.evil.test",
      "10.0.0.1",
      "0.0.0.0",
    ]
  ) {
    await assert.rejects(open({ jwt: jwt(`http://${host}/jwks`, true) }), {
      code: "CQI_AUTH_CONFIG",
    }, host);
  }
  await assert.rejects(open({ jwt: jwt("file:///etc/passwd") }), { code: "CQI_CONTRACT_INVALID" });
  for (const host of ["localhost:1", "127.0.0.1:1", "[::1]:1", "127.9.9.9"]) {
    await (await open({ jwt: jwt(`http://${host}/jwks`, true) })).close();
  }
});

test("guard fetches a set over HTTP from a real server", async () => {
  const clock = fakeClock();
  const issuer = await testIssuer({ clock, algorithms: ["EdDSA", "ES256"] });
  const server = createServer(async (_request, response) => {
    const answer = issuer.handler();
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const value = `http://127.0.0.1:${port}/jwks.json`;
  const jwt = {
    ...issuer.config,
    keySource: { case: "jwksUri" as const, value },
    insecureJwks: true,
  };
  try {
    await using guard = await open({ jwt }, { clock });
    assert.equal(await outcome(guard, bearer(await issuer.sign())), "test-user");
    assert.equal(
      await outcome(guard, bearer(await issuer.sign({}, { alg: "ES256" }))),
      "test-user",
    );
    assert.equal(issuer.requests, 1);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("authenticate() lets one caller go away without ending the fetch for the others", async () => {
  const gate = Promise.withResolvers<void>();
  const { issuer, guard } = await kit({
    handler: (issuer) => async () => {
      await gate.promise;
      return issuer.handler();
    },
  });
  const request = bearer(await issuer.sign());
  const controller = new AbortController();
  const impatient = guard.authenticate(request, { signal: controller.signal });
  const patient = guard.authenticate(request);
  await Promise.resolve();
  controller.abort();
  await assert.rejects(impatient, { code: "CQI_ABORTED" });
  gate.resolve();
  assert.equal((await patient).principal?.principalId, "test-user");
  assert.equal(issuer.requests, 1);
});

test("close() ends a fetch under way, refuses what comes later, and may be called twice", async () => {
  let signal: AbortSignal | undefined;
  const { issuer, guard, ask, clock } = await kit({
    handler: () => (request) => {
      signal = request.signal;
      return new Promise<Response>(() => {});
    },
  });
  const asked = ask(await issuer.sign());
  await clock.advance(0);
  await Promise.all([guard.close(), guard.close()]);
  assert.equal(await asked, "CQI_AUTH_UNAVAILABLE");
  assert.equal(signal?.aborted, true);
  assert.equal(await ask(await issuer.sign()), "CQI_CLOSED");
  assert.equal((await guard.check()).status, "down");
  assert.equal(clock.pending, 0);
});
