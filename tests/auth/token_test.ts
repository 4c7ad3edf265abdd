import assert from "node:assert/strict";
import { test } from "node:test";
import { parseToken } from "../../auth/_token.ts";
import { open } from "../../auth/mod.ts";
import { Secret } from "../../core/mod.ts";
import type { CqiError } from "../../errors/mod.ts";
import { bearer, encode, kit, outcome } from "./_kit.ts";

const SECRET = "correct horse battery staple 0123456789 abcdefghijklmnopqrstuvwxyz";

test("J1 authenticate() refuses HS256 made with the public key, in each of its forms", async () => {
  for (const alg of ["RS256", "ES256"]) {
    const { issuer, ask, guard } = await kit({ issuer: { algorithms: [alg] } });
    assert.equal(await ask(await issuer.sign()), "test-user");
    const pem = await issuer.publicKeyPem();
    const der = Uint8Array.from(
      atob(pem.replaceAll(/-----[^-]*-----|\s/g, "")),
      (letter) => letter.charCodeAt(0),
    );
    const [jwk] = (await issuer.handler().json()).keys;
    for (const secret of [pem, pem.trim(), der, JSON.stringify(jwk), jwk.n ?? jwk.x]) {
      const token = await issuer.sign({}, { alg: "HS256", kid: issuer.kid, secret });
      assert.equal(await ask(token), "ALGORITHM_NOT_ALLOWED");
      const lying = await issuer.sign({}, {
        alg: "HS256",
        header: { alg },
        kid: issuer.kid,
        secret,
      });
      assert.equal(await ask(lying), "INVALID_SIGNATURE");
    }
    await guard.close();
  }
});

test("J1 authenticate() refuses RS256 where PS256 is configured, and the other way round", async () => {
  for (const [signed, allowed] of [["RS256", "PS256"], ["PS256", "RS256"]] as const) {
    const { issuer, ask } = await kit({
      issuer: { algorithms: [signed] },
      jwt: { algorithms: [allowed] },
    });
    assert.equal(await ask(await issuer.sign()), "ALGORITHM_NOT_ALLOWED");
    const lying = await issuer.sign({}, { header: { alg: allowed } });
    // The set's key says which algorithm it is for, so there is no key at all.
    assert.equal(await ask(lying), "CQI_AUTH_UNAVAILABLE");
  }
});

for (
  const alg of [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
  ]
) {
  test(`J1 authenticate() accepts ${alg} and refuses it with one bit of the signature changed`, async () => {
    const { issuer, ask } = await kit({ issuer: { algorithms: [alg] } });
    const token = await issuer.sign();
    assert.equal(await ask(token), "test-user");
    const at = token.lastIndexOf(".") + 10;
    const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
    assert.equal(await ask(changed), "INVALID_SIGNATURE");
  });
}

test("J2 authenticate() refuses none in any spelling and tokens of other than three parts", async () => {
  const { issuer, ask } = await kit();
  const [head, body, tail] = (await issuer.sign()).split(".") as [string, string, string];
  for (
    const alg of ["none", "None", "NONE", "nOnE", " none", "none ", "", "HS256", "es256", "ES256 "]
  ) {
    const header = encode(JSON.stringify({ alg, typ: "JWT" }));
    assert.equal(await ask(`${header}.${body}.${tail}`), "ALGORITHM_NOT_ALLOWED", alg);
  }
  for (const alg of [["ES256"], { ES256: 1 }, null, 1, true]) {
    const header = encode(JSON.stringify({ alg }));
    assert.equal(await ask(`${header}.${body}.${tail}`), "ALGORITHM_NOT_ALLOWED");
  }
  const none = encode('{"alg":"none"}');
  for (
    const text of [
      `${none}.${body}.`,
      `${none}.${body}`,
      `${head}.${body}.`,
      `${head}.${body}`,
      `.${body}.${tail}`,
      `${head}..${tail}`,
      `${head}.${body}.${tail}.`,
      `${head}.${body}.${tail}.${tail}`,
      `${head}.${body}.${tail}.${tail}.${tail}`,
      head,
      "..",
      ".",
    ]
  ) assert.equal(await ask(text), "MALFORMED", text.slice(0, 20));
});

test("J3 authenticate() uses kid as a key of a map only", async () => {
  const { issuer, ask, clock } = await kit();
  await ask(await issuer.sign());
  await clock.advance(60_000);
  const before = issuer.requests;
  const kids = [
    "../../dev/null",
    "' OR 1=1 --",
    "constructor",
    "__proto__",
    "toString",
    "https://evil.test/k",
  ];
  for (const kid of kids) {
    assert.equal(await ask(await issuer.sign({}, { kid })), "UNKNOWN_KEY", kid);
  }
  assert.ok(issuer.requests - before <= 1, "one fetch per cool-down at most");
  for (const kid of ["x".repeat(257), "", 1, ["a"], { a: 1 }, true]) {
    assert.equal(await ask(await issuer.sign({}, { header: { kid } })), "MALFORMED");
  }
  assert.equal(await ask(await issuer.sign({}, { kid: "x".repeat(100_000) })), "MALFORMED");
});

test("J3 authenticate() takes a token without kid when one key alone fits", async () => {
  const { issuer, ask, clock } = await kit();
  const token = await issuer.sign({}, { kid: null });
  assert.equal(await ask(token), "test-user");
  await issuer.rotate();
  await clock.advance(600_000);
  await ask(await issuer.sign());
  await clock.advance(0);
  assert.equal(await ask(await issuer.sign({}, { kid: null })), "UNKNOWN_KEY");
});

test("J4 authenticate() never follows jku and x5u and never uses jwk and x5c", async () => {
  const asked: string[] = [];
  const { issuer, ask } = await kit({
    handler: (issuer) => (request) => {
      asked.push(request.url);
      return issuer.handler(request);
    },
  });
  const evil = await kit();
  const [jwk] = (await evil.issuer.handler().json()).keys;
  const header = { jku: "https://evil.test/jwks", x5u: "https://evil.test/c", jwk, x5c: ["AAAA"] };
  const forged = await evil.issuer.sign({}, { header, kid: issuer.kid });
  assert.equal(await ask(forged), "INVALID_SIGNATURE");
  assert.equal(await ask(await issuer.sign({}, { header })), "test-user");
  assert.deepEqual([...new Set(asked)], ["https://issuer.test/.well-known/jwks.json"]);
});

test("J5 open() refuses short and known HMAC secrets", async () => {
  const weak: [string, string][] = [
    ["HS256", "abc"],
    ["HS256", "secret"],
    ["HS256", "x".repeat(31)],
    ["HS256", SECRET.slice(0, 31)],
    ["HS384", SECRET.slice(0, 47)],
    ["HS512", SECRET.slice(0, 63)],
    ["HS256", "x".repeat(64)],
    ["HS256", "ab".repeat(32)],
    ["HS256", "your-256-bit".repeat(4)],
    ["HS256", "a-string-secret-at-least-256-bits-long"],
    ["HS256", ""],
  ];
  for (const [alg, secret] of weak) {
    const error = await openWithSecret([alg], secret).then(() => undefined, (error) => error);
    assert.equal(error?.code, "CQI_AUTH_CONFIG", `${alg} ${secret.length}`);
    if (secret.length > 8) assert(!JSON.stringify([error.message, error.details]).includes(secret));
  }
});

test("J5 authenticate() accepts HS256, HS384 and HS512 with a strong secret, as text or Secret", async () => {
  for (const alg of ["HS256", "HS384", "HS512"]) {
    for (const value of [SECRET, new Secret(SECRET)]) {
      const { guard, issuer } = await openWithSecret([alg], value);
      const token = await issuer.sign({}, { alg, secret: SECRET });
      assert.equal(await outcome(guard, bearer(token)), "test-user");
      const wrong = await issuer.sign({}, { alg, secret: SECRET + "x" });
      assert.equal(await outcome(guard, bearer(wrong)), "INVALID_SIGNATURE");
    }
  }
});

test("J5 open() refuses algorithms that do not fit the key source", async () => {
  const { issuer } = await kit({ issuer: { algorithms: ["RS256"] } });
  const pem = await issuer.publicKeyPem();
  const base = { issuer: "i", audiences: ["a"] };
  const keySource = { case: "publicKeyPem" as const, value: pem };
  const resolveSecret = (): string => SECRET;
  const env = { case: "env" as const, value: "X" };
  const secret = { case: "secret" as const, value: { valueSource: env } };
  await assert.rejects(
    open({ jwt: { ...base, keySource, algorithms: ["RS256", "ES256"] } }),
    { code: "CQI_AUTH_CONFIG" },
  );
  // The contract's own rule says the same.
  await assert.rejects(open({ jwt: { ...base, keySource, algorithms: ["HS256"] } }));
  await assert.rejects(
    open({ jwt: { ...base, keySource: secret, algorithms: ["RS256"] } }, { resolveSecret }),
  );
  await assert.rejects(
    open({ jwt: { ...base, keySource: secret, algorithms: ["HS256"] } }),
    /option 'resolveSecret' is wanted/,
  );
});

test("J5 open() reads one PEM public key and refuses private keys, certificates and rubbish", async () => {
  const { issuer } = await kit({ issuer: { algorithms: ["ES256"] } });
  const pem = await issuer.publicKeyPem();
  const jwt = (value: string) => ({
    issuer: "https://issuer.test",
    audiences: ["test"],
    algorithms: ["ES256"],
    keySource: { case: "publicKeyPem" as const, value },
  });
  const guard = await open({ jwt: jwt(pem) });
  assert.equal(await outcome(guard, bearer(await issuer.sign({ exp: 4e9 }))), "MALFORMED");
  const now = Math.floor(Date.now() / 1000);
  const fresh = await issuer.sign({ iat: now, exp: now + 60 });
  assert.equal(await outcome(guard, bearer(fresh)), "test-user");
  const bad = [
    pem.replaceAll("PUBLIC", "PRIVATE"),
    pem.replaceAll("PUBLIC KEY", "CERTIFICATE"),
    "rubbish",
    pem.slice(0, 80),
  ];
  for (const value of bad) {
    await assert.rejects(open({ jwt: jwt(value) }), { code: "CQI_AUTH_CONFIG" });
  }
});

test("J9 authenticate() refuses crit, b64, zip, enc and nested tokens", async () => {
  const { issuer, ask } = await kit();
  const headers = [
    { crit: ["exp"] },
    { crit: [] },
    { b64: false, crit: ["b64"] },
    { b64: true },
    { zip: "DEF" },
    { enc: "A256GCM" },
    { cty: "JWT" },
  ];
  for (const header of headers) {
    assert.equal(await ask(await issuer.sign({}, { header })), "MALFORMED", JSON.stringify(header));
  }
});

test("J9 authenticate() refuses what is no canonical base64url of a sound JSON object", async () => {
  const { issuer, ask } = await kit();
  const token = await issuer.sign();
  const [head, body, tail] = token.split(".") as [string, string, string];
  const ends = tail.at(-1)!;
  // The last letter of 64 bytes holds 2 bits of data: the others must be zero.
  const twin = tail.slice(0, -1) + String.fromCharCode(ends.charCodeAt(0) + 1);
  const parts: [string, string][] = [
    ["unused bits set", `${head}.${body}.${twin}`],
    ["padding", `${head}=.${body}.${tail}`],
    ["padding at the end", `${token}=`],
    ["plain base64", `${head}.${body}.${tail.slice(0, -1)}+`],
    ["a letter too many", `${head}A.${body}.${tail}`],
    ["a list as header", `${encode("[]")}.${body}.${tail}`],
    ["text as payload", `${head}.${encode('"text"')}.${tail}`],
    ["null as payload", `${head}.${encode("null")}.${tail}`],
    ["no JSON", `${head}.${encode("{")}.${tail}`],
    ["a name twice in the header", `${encode('{"alg":"ES256","alg":"ES256"}')}.${body}.${tail}`],
    ["bad UTF-8", `${head}.${encode('{"iss":"\xff"}')}.${tail}`],
    ["a byte order mark", `${encode('\xef\xbb\xbf{"alg":"ES256"}')}.${body}.${tail}`],
    ["deep nesting", `${head}.${encode(`{"a":${"[".repeat(17)}${"]".repeat(17)}}`)}.${tail}`],
    ["a lone surrogate", `${head}.${encode('{"a":"\\ud800"}')}.${tail}`],
  ];
  for (const [name, text] of parts) assert.equal(await ask(text), "MALFORMED", name);
});

test("J9 authenticate() refuses signatures that are empty, short, long or all zero", async () => {
  const { issuer, ask } = await kit();
  const [head, body] = (await issuer.sign()).split(".") as [string, string];
  for (const length of [1, 63, 64, 65, 96, 128]) {
    assert.equal(await ask(`${head}.${body}.${encode("\0".repeat(length))}`), "INVALID_SIGNATURE");
  }
});

test("J14 authenticate() refuses a token of 1 MB before it is decoded", async () => {
  const { ask, issuer } = await kit();
  const huge = `${encode('{"alg":"ES256"}')}.${"A".repeat(1 << 20)}.AAAA`;
  assert.equal(await ask(huge), "MALFORMED");
  // Its parts are no sound JSON and no sound base64url: only a look at the length comes before that.
  assert.throws(
    () => parseToken(huge),
    (error: CqiError) => error.details.note === "token is over 8192 characters",
  );
  assert.equal(issuer.requests, 0);
});

async function openWithSecret(algorithms: string[], secret: string | Secret) {
  const { issuer, clock } = await kit();
  const keySource = {
    case: "secret" as const,
    value: { valueSource: { case: "env" as const, value: "JWT_SECRET" } },
  };
  const jwt = { issuer: "https://issuer.test", audiences: ["test"], algorithms, keySource };
  const guard = await open({ jwt }, { clock, resolveSecret: () => secret });
  return { guard, issuer };
}
