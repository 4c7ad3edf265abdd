import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "../../auth/mod.ts";
import { bearer, encode, kit, outcome } from "./_kit.ts";

const START = 1_767_225_600;

const TIMES: [string, Record<string, unknown>, string][] = [
  ["no exp", { exp: undefined }, "MALFORMED"],
  ["exp null", { exp: null }, "MALFORMED"],
  ["exp text", { exp: String(START + 60) }, "MALFORMED"],
  ["exp true", { exp: true }, "MALFORMED"],
  ["exp list", { exp: [START + 60] }, "MALFORMED"],
  ["exp zero", { exp: 0, iat: undefined }, "EXPIRED"],
  ["exp negative", { exp: -1, iat: undefined }, "EXPIRED"],
  ["exp 1e308", { exp: 1e308 }, "MALFORMED"],
  ["exp in milliseconds", { exp: START * 1000 }, "MALFORMED"],
  ["exp as a fraction", { exp: START + 60.5 }, "test-user"],
  ["exp before iat", { iat: START + 20, exp: START + 10 }, "MALFORMED"],
  ["nbf to come", { nbf: START + 31 }, "NOT_YET_VALID"],
  ["nbf at the skew", { nbf: START + 30 }, "test-user"],
  ["nbf text", { nbf: "0" }, "MALFORMED"],
  ["nbf in the past", { nbf: START - 1000 }, "test-user"],
  ["iat to come", { iat: START + 31, exp: START + 90 }, "NOT_YET_VALID"],
  ["iat at the skew", { iat: START + 30, exp: START + 90 }, "test-user"],
  ["iat text", { iat: "now" }, "MALFORMED"],
  ["iat -1e308", { iat: -1e308 }, "MALFORMED"],
  ["lifetime of 24 h", { iat: START, exp: START + 86_400 }, "test-user"],
  ["lifetime over 24 h", { iat: START, exp: START + 86_401 }, "MALFORMED"],
  ["lifetime over 24 h without iat", { iat: undefined, exp: START + 86_401 }, "MALFORMED"],
  ["no iat", { iat: undefined, exp: START + 60 }, "test-user"],
];

for (const [name, claims, expected] of TIMES) {
  test(`J6 authenticate() ${expected === "test-user" ? "accepts" : "refuses"} a token with ${name}`, async () => {
    const { issuer, ask } = await kit();
    assert.equal(await ask(await issuer.sign(claims)), expected);
  });
}

test("J6 authenticate() refuses numbers beyond a double and claims that are written twice", async () => {
  const { ask } = await kit();
  const header = encode('{"alg":"ES256"}');
  const claims = `"iss":"https://issuer.test","aud":"test","sub":"s"`;
  const signature = encode("x".repeat(64));
  for (
    const text of [
      `{${claims},"exp":1e400}`,
      `{${claims},"exp":1767225700,"exp":1767225700}`,
      `{${claims},"exp":1767225700,"\\u0065xp":1}`,
      `{${claims},"exp":NaN}`,
      `{${claims},"exp":01}`,
      `{${claims},"exp":1767225700,"a":{"b":1,"b":2}}`,
      `{${claims},"exp":1767225700,"__proto__":{"x":1}}`,
    ]
  ) {
    assert.equal(await ask(`${header}.${encode(text)}.${signature}`), "MALFORMED", text);
  }
});

test("J7 authenticate() allows the configured skew at exp and not a second more", async () => {
  for (const skew of [0, 30, 60, 300]) {
    const { issuer, ask, clock } = await kit({ jwt: { clockSkew: { seconds: BigInt(skew) } } });
    const token = await issuer.sign({ exp: START + 600 });
    await clock.advance(600_000 - 1000);
    assert.equal(await ask(token), "test-user");
    await clock.advance(1000);
    assert.equal(await ask(token), skew === 0 ? "EXPIRED" : "test-user");
    await clock.advance(skew * 1000 - (skew === 0 ? 0 : 1));
    assert.equal(await ask(token), skew === 0 ? "EXPIRED" : "test-user");
    await clock.advance(1);
    assert.equal(await ask(token), "EXPIRED");
  }
});

test("J7 open() refuses a skew over 5 minutes", async () => {
  await assert.rejects(kit({ jwt: { clockSkew: { seconds: 301n } } }), {
    code: "CQI_CONTRACT_INVALID",
  });
});

const WHO: [string, Record<string, unknown>, string][] = [
  ["another iss", { iss: "https://evil.test" }, "WRONG_ISSUER"],
  ["no iss", { iss: undefined }, "WRONG_ISSUER"],
  ["iss with a slash more", { iss: "https://issuer.test/" }, "WRONG_ISSUER"],
  ["iss in capitals", { iss: "HTTPS://ISSUER.TEST" }, "WRONG_ISSUER"],
  ["iss in a list", { iss: ["https://issuer.test"] }, "WRONG_ISSUER"],
  ["iss __proto__", { iss: "__proto__" }, "WRONG_ISSUER"],
  ["another aud", { aud: "other" }, "WRONG_AUDIENCE"],
  ["no aud", { aud: undefined }, "WRONG_AUDIENCE"],
  ["aud of nothing", { aud: [] }, "WRONG_AUDIENCE"],
  ["aud list with ours", { aud: ["other", "test"] }, "test-user"],
  ["aud list of others", { aud: ["other", "tests"] }, "WRONG_AUDIENCE"],
  ["aud list with a number", { aud: ["test", 1] }, "WRONG_AUDIENCE"],
  ["aud object", { aud: { test: 1 } }, "WRONG_AUDIENCE"],
  ["aud beginning like ours", { aud: "test2" }, "WRONG_AUDIENCE"],
  ["no sub", { sub: undefined }, "MALFORMED"],
  ["empty sub", { sub: "" }, "MALFORMED"],
  ["sub number", { sub: 7 }, "MALFORMED"],
  ["sub of 201 letters", { sub: "s".repeat(201) }, "MALFORMED"],
  ["jti number", { jti: 7 }, "MALFORMED"],
  ["scope number", { scope: 7 }, "MALFORMED"],
  ["scope list", { scope: ["a", "b"] }, "test-user"],
  ["roles text", { roles: "admin" }, "MALFORMED"],
];

for (const [name, claims, expected] of WHO) {
  test(`J8 authenticate() ${expected === "test-user" ? "accepts" : "refuses"} a token with ${name}`, async () => {
    const { issuer, ask } = await kit();
    assert.equal(await ask(await issuer.sign(claims)), expected);
  });
}

test("J8 authenticate() tells token types apart when one is required", async () => {
  const strict = await kit({ jwt: { requiredType: "at+jwt" } });
  const typed = async (typ: unknown) =>
    await strict.ask(await strict.issuer.sign({}, { header: { typ } }));
  assert.equal(await typed("at+jwt"), "test-user");
  assert.equal(await typed("application/AT+JWT"), "test-user");
  for (const typ of ["JWT", undefined, "id+jwt", "", 1, ["at+jwt"], "at+jwt "]) {
    assert.equal(await typed(typ), "MALFORMED");
  }
  const loose = await kit();
  for (const typ of ["logout+jwt", "dpop+jwt", "JWE", 1]) {
    assert.equal(await loose.ask(await loose.issuer.sign({}, { header: { typ } })), "MALFORMED");
  }
  assert.equal(
    await loose.ask(await loose.issuer.sign({}, { header: { typ: undefined } })),
    "test-user",
  );
});

test("J8 open() refuses a section without issuer, audience, key source or algorithm", async () => {
  for (
    const part of [{ issuer: "" }, { audiences: [] }, { algorithms: [] }, {
      keySource: { case: undefined },
    }, { algorithms: ["none"] }] as const
  ) {
    await assert.rejects(kit({ jwt: part as never }), { code: "CQI_CONTRACT_INVALID" });
  }
});

test("J15 isRevoked is asked once for each request and refuses, also for a remembered token", async () => {
  const asked: string[] = [];
  const revoked = new Set<string>();
  const { issuer, ask } = await kit({
    options: {
      isRevoked: (auth) => {
        asked.push(auth.tokenId);
        return revoked.has(auth.tokenId);
      },
    },
  });
  const token = await issuer.sign({ jti: "t-1" });
  assert.equal(await ask(token), "test-user");
  assert.deepEqual(asked, ["t-1"]);
  revoked.add("t-1");
  assert.equal(await ask(token), "REVOKED");
  assert.deepEqual(asked, ["t-1", "t-1"]);
});

test("J15 isRevoked that throws or answers neither true nor false lets nobody in", async () => {
  const broken = await kit({ options: { isRevoked: () => Promise.reject(new Error("down")) } });
  assert.equal(await broken.ask(await broken.issuer.sign()), "CQI_AUTH_UNAVAILABLE");
  const odd = await kit({ options: { isRevoked: () => undefined as unknown as boolean } });
  assert.equal(await odd.ask(await odd.issuer.sign()), "REVOKED");
});

test("authenticate() answers with a valid AuthContext of the token", async () => {
  const { issuer, guard } = await kit({
    jwt: { tenantClaim: "org", scopeClaim: "scp", rolesClaim: "groups", requiredClaims: ["desk"] },
  });
  const token = await issuer.sign({
    sub: "ada",
    name: "Ada",
    org: "fund-1",
    scp: "a b  a",
    groups: ["trader", "trader"],
    desk: "delta-one",
    jti: "t-1",
  });
  const auth = await guard.authenticate(bearer(token));
  const { AuthContextSchema } = await import("../../gen/ts/cqc/auth/v1/mod.ts");
  const { validate } = await import("../../contracts/mod.ts");
  const { toJson } = await import("@bufbuild/protobuf");
  validate(AuthContextSchema, auth);
  assert.deepEqual(toJson(AuthContextSchema, auth, { useProtoFieldName: true }), {
    principal: {
      principal_id: "ada",
      type: "PRINCIPAL_TYPE_USER",
      display_name: "Ada",
      tenant_id: "fund-1",
    },
    method: "AUTH_METHOD_JWT",
    roles: ["trader"],
    scopes: ["a", "b"],
    token_id: "t-1",
    issued_at: "2026-01-01T00:00:00Z",
    expires_at: "2026-01-01T00:05:00Z",
    claims: { name: "Ada", org: "fund-1", desk: "delta-one" },
    authenticated_at: "2026-01-01T00:00:00Z",
  });
  assert.equal(await outcome(guard, bearer(await issuer.sign())), "MALFORMED");
});

test("authenticate() checks all claims by a Standard Schema", async () => {
  const claims = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) =>
        (value as { desk?: unknown }).desk === "fx" ? { value } : { issues: [{ message: "no" }] },
    },
  };
  const { issuer, ask } = await kit({ options: { claims } });
  assert.equal(await ask(await issuer.sign({ desk: "fx" })), "test-user");
  assert.equal(await ask(await issuer.sign({ desk: "rates" })), "MALFORMED");
});

test("authenticate() knows several issuers apart by iss, each with its own keys and rules", async () => {
  const one = await kit();
  const two = await kit({ issuer: { issuer: "https://two.test", algorithms: ["EdDSA"] } });
  const guard = await open({
    jwt: one.issuer.config,
    additionalJwt: [{
      ...two.issuer.config,
      keySource: { case: "jwksUri", value: "https://two.test/jwks" },
    }],
  }, {
    clock: one.clock,
    fetch: (request) => (request.url.startsWith("https://two") ? two : one).issuer.handler(request),
  });
  assert.equal(await outcome(guard, bearer(await one.issuer.sign())), "test-user");
  assert.equal(await outcome(guard, bearer(await two.issuer.sign())), "test-user");
  const crossed = await one.issuer.sign({ iss: "https://two.test" });
  assert.equal(await outcome(guard, bearer(crossed)), "ALGORITHM_NOT_ALLOWED");
  await assert.rejects(
    open({ jwt: one.issuer.config, additionalJwt: [one.issuer.config] }),
    /two JWT sections have the same issuer/,
  );
});
