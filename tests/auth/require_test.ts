import assert from "node:assert/strict";
import { test } from "node:test";
import { type AuthPolicy, createApiKey, open } from "../../auth/mod.ts";
import { activeContext, chain, compose, type HttpContext, LOG_FIELDS } from "../../core/mod.ts";
import { PrincipalType } from "../../gen/ts/cqc/auth/v1/mod.ts";
import { bearer, kit, withHeaders } from "./_kit.ts";

const principal = { principalId: "cqpm", type: PrincipalType.SERVICE };

test("require() calls the handler with who asks, and its log lines carry the user", async () => {
  const { guard, issuer } = await kit();
  let seen: unknown;
  const handler = compose(guard.require("a", "b"))((_request, { auth }) => {
    seen = activeContext().get(LOG_FIELDS)?.user_id;
    return new Response(auth?.principal?.principalId);
  });
  const response = await handler(bearer(await issuer.sign({ sub: "ada", scope: "c b a" })));
  assert.equal(await response.text(), "ada");
  assert.equal(seen, "ada");
});

test("A6 require() answers 401 and 403 with WWW-Authenticate as RFC 6750 section 3 says", async () => {
  const { guard, issuer } = await kit({ options: { realm: "cqpm" } });
  const handler = compose(guard.require("positions:read", "x"))(() => new Response("secret"));
  const header = async (request: Request): Promise<unknown[]> => {
    const response = await handler(request);
    return [response.status, response.headers.get("www-authenticate")];
  };
  assert.deepEqual(await header(withHeaders({})), [401, 'Bearer realm="cqpm"']);
  const invalid = [401, 'Bearer realm="cqpm", error="invalid_token"'];
  assert.deepEqual(await header(bearer("a.b.c")), invalid);
  assert.deepEqual(await header(withHeaders({ authorization: "Basic YTpi" })), invalid);
  assert.deepEqual(await header(bearer(await issuer.sign({ exp: 1 }))), invalid);
  assert.deepEqual(await header(bearer(await issuer.sign({ scope: "positions:read" }))), [
    403,
    'Bearer realm="cqpm", error="insufficient_scope", scope="positions:read x"',
  ]);
});

test("A6 require() names the schemes that are configured", async () => {
  const { entry } = await createApiKey({ principal });
  const { issuer } = await kit();
  const both = await open({ apiKeys: [entry], jwt: issuer.config }, { fetch: issuer.handler });
  const keys = await open({ apiKeys: [entry] });
  const header = async (guard: typeof both): Promise<string | null> =>
    (await compose(guard.middleware)(() => new Response())(withHeaders({}))).headers
      .get("www-authenticate");
  assert.equal(await header(both), 'Bearer realm="cqi", ApiKey realm="cqi"');
  assert.equal(await header(keys), 'ApiKey realm="cqi"');
  assert.equal(await header(await open({})), 'Bearer realm="cqi"');
});

test("J17 require() answers 15 kinds of failure with the same bytes", async () => {
  const { guard, issuer, lines, clock } = await kit();
  await compose(guard.middleware)(() => new Response())(bearer(await issuer.sign()));
  const other = await kit();
  const now = Math.floor(clock.now() / 1000);
  const requests = [
    withHeaders({}),
    withHeaders({ authorization: "Basic YTpi" }),
    withHeaders({ authorization: "Bearer x" }),
    withHeaders({ "x-api-key": `k_1.${"0".repeat(64)}` }),
    withHeaders({}, "http://localhost/?api_key=1"),
    bearer(await issuer.sign({ exp: now - 100, iat: now - 200 })),
    bearer(await issuer.sign({ nbf: now + 100 })),
    bearer(await issuer.sign({ iss: "x" })),
    bearer(await issuer.sign({ aud: "x" })),
    bearer(await issuer.sign({ exp: undefined })),
    bearer(await issuer.sign({ sub: undefined })),
    bearer(await issuer.sign({}, { header: { alg: "none" } })),
    bearer(await issuer.sign({}, { header: { crit: ["x"] } })),
    bearer(await issuer.sign({}, { kid: "nobody" })),
    bearer(await other.issuer.sign({}, { kid: issuer.kid })),
    bearer(`${await issuer.sign()}x`),
  ];
  const layer = guard.require();
  const bodies = new Set<string>();
  for (const request of requests) {
    const context: HttpContext = { signal: request.signal, requestId: "r-1" };
    const response = await chain([layer], () => new Response("secret"))(request, context);
    assert.equal(response.status, 401);
    bodies.add(await response.text());
  }
  assert.equal(bodies.size, 1);
  assert.deepEqual(JSON.parse([...bodies][0]!), {
    type: "about:blank",
    title: "UNAUTHENTICATED",
    status: 401,
    code: "CQI_UNAUTHENTICATED",
    request_id: "r-1",
  });
  const reasons = new Set(lines.map((line) => line.fields.reason).filter(Boolean));
  assert.equal(reasons.size, 9, "the log tells them apart");
});

test("J17 guard logs reasons and never the token", async () => {
  const { guard, issuer, lines } = await kit();
  const token = await issuer.sign({ exp: 1, iat: undefined, canary: "cqi-canary-1" });
  await compose(guard.middleware)(() => new Response())(bearer(token));
  const text = JSON.stringify(lines);
  for (const part of token.split(".")) assert(!text.includes(part));
  assert(!text.includes("canary"));
  assert(text.includes('"EXPIRED"'));
});

test("require() counts attempts by method and result", async () => {
  const { guard, issuer, values } = await kit();
  const handler = compose(guard.require("a"))(() => new Response());
  await handler(withHeaders({}));
  await handler(bearer("x"));
  await handler(withHeaders({ "x-api-key": `k.${"0".repeat(64)}` }));
  await handler(bearer(await issuer.sign()));
  const counted = [...values].filter(([name]) => name.startsWith("auth_attempts_total"));
  assert.deepEqual(Object.fromEntries(counted), {
    "auth_attempts_total{method=none,result=refused}": 1,
    "auth_attempts_total{method=jwt,result=refused}": 1,
    "auth_attempts_total{method=api_key,result=refused}": 1,
    "auth_attempts_total{method=jwt,result=ok}": 1,
    "auth_attempts_total{method=jwt,result=forbidden}": 1,
  });
});

test("A8 require() never calls the handler for a refused request, whatever its method or path", async () => {
  const { guard } = await kit();
  let calls = 0;
  const handler = compose(guard.require("a"))(() => {
    calls++;
    return new Response();
  });
  for (const method of ["GET", "HEAD", "OPTIONS", "POST", "DELETE"]) {
    for (const path of ["/", "//a", "/%2e%2e/a", "/a.", "/a/..%2f", "/a;b", "/a?x=1#y"]) {
      const response = await handler(new Request(`http://localhost${path}`, { method }));
      assert.equal(response.status, 401);
    }
  }
  assert.equal(calls, 0);
});

test("A8 require() passes on what the handler throws, and takes it for no refusal", async () => {
  const { guard, issuer } = await kit();
  const handler = compose(guard.middleware)(() => {
    throw new TypeError("bug");
  });
  await assert.rejects(handler(bearer(await issuer.sign())), TypeError);
});

test("X7 require() lets nobody in when a hook, a policy or the clock throws", async () => {
  const throwing = (): never => {
    throw new Error("hook");
  };
  let calls = 0;
  const handle = (): Response => {
    calls++;
    return new Response();
  };
  const hooks = [
    { isRevoked: throwing },
    { claims: { "~standard": { version: 1 as const, vendor: "test", validate: throwing } } },
    { source: throwing },
    { fetch: throwing },
  ];
  for (const options of hooks) {
    const { guard, issuer } = await kit({ options });
    const response = await compose(guard.middleware)(handle)(bearer(await issuer.sign()));
    assert(response.status >= 500, String(response.status));
    const text = await response.text();
    assert(!text.includes("hook"));
  }
  const { guard, issuer } = await kit();
  const policies: AuthPolicy[] = [throwing, () => Promise.reject(new Error("hook"))];
  for (const policy of policies) {
    const response = await compose(guard.require(policy))(handle)(bearer(await issuer.sign()));
    assert.equal(response.status, 500);
  }
  assert.equal(calls, 0);
});

test("require() asks policies after scopes and takes only true for a yes", async () => {
  const { guard, issuer } = await kit();
  const token = await issuer.sign({ sub: "ada", scope: "a", roles: ["admin"] });
  const ask = async (...needs: (string | AuthPolicy)[]): Promise<number> =>
    (await compose(guard.require(...needs))(() => new Response())(bearer(token))).status;
  const isAdmin: AuthPolicy = (auth) => auth.roles.includes("admin");
  const isOwner: AuthPolicy = (auth, request) =>
    Promise.resolve(new URL(request.url).pathname === `/${auth.principal?.principalId}`);
  assert.equal(await ask("a", isAdmin), 200);
  assert.equal(await ask(isAdmin, isOwner), 403);
  assert.equal(await ask("b", isAdmin), 403);
  assert.equal(await ask((() => "yes") as unknown as AuthPolicy), 403);
  assert.equal(await ask((() => undefined) as unknown as AuthPolicy), 403);
  let asked = false;
  await ask("b", () => asked = true);
  assert.equal(asked, false);
});

test("require() refuses needs that are no scopes and no policies when it is called", async () => {
  const { guard } = await kit();
  for (const need of ["", "a b", 'a"b', "a\\b", "ä", "a\n", "x".repeat(129), 7, null, undefined]) {
    assert.throws(() => guard.require(need as string), { code: "CQI_OPTION_INVALID" });
  }
});

test("require() believes its own outer layer and nobody else's context", async () => {
  const { guard, issuer, values } = await kit();
  const other = await kit();
  const nested = compose(guard.middleware, guard.require("a"))(() => new Response());
  assert.equal((await nested(bearer(await issuer.sign({ scope: "a" })))).status, 200);
  assert.equal(values.get("auth_attempts_total{method=jwt,result=ok}"), 1);
  const foreign = compose(other.guard.middleware, guard.require("a"))(() => new Response());
  assert.equal((await foreign(bearer(await other.issuer.sign({ scope: "a" })))).status, 401);
});

test("require() answers 429 with Retry-After and 503 when keys cannot be had or auth is closed", async () => {
  const down = await kit({ handler: () => () => new Response("", { status: 500 }) });
  const token = await down.issuer.sign();
  const broken = await compose(down.guard.middleware)(() => new Response())(bearer(token));
  assert.deepEqual([broken.status, broken.headers.get("retry-after")], [503, "1"]);
  const limited = await kit({
    section: { apiKey: { maxFailures: 1 } },
    options: { source: () => undefined },
  });
  const handler = compose(limited.guard.middleware)(() => new Response());
  await handler(bearer("bad"));
  const response = await handler(bearer("bad"));
  assert.deepEqual([response.status, response.headers.get("retry-after")], [429, "60"]);
  const closed = await kit();
  await closed.guard.close();
  const late = await compose(closed.guard.middleware)(() => new Response())(bearer(token));
  assert.equal(late.status, 503);
});

test("open() refuses options out of range", async () => {
  for (const options of [{ realm: 'a"b' }, { realm: "" }, { realm: "a\r\nb" }]) {
    await assert.rejects(open({}, options), { code: "CQI_OPTION_INVALID" });
  }
  for (
    const options of [{ rememberTokens: -1 }, { rememberTokens: 1.5 }, { rememberMs: NaN }, {
      rememberMs: 3_600_001,
    }]
  ) {
    await assert.rejects(kit({ options }), { code: "CQI_OPTION_INVALID" });
  }
});
