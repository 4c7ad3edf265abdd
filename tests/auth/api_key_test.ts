import { create, toJsonString } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { equalBytes } from "../../auth/_compare.ts";
import { type AuthConfigInit, createApiKey, forwardedFor, open } from "../../auth/mod.ts";
import { validate } from "../../contracts/mod.ts";
import { AuthContextSchema, AuthMethod, PrincipalType } from "../../gen/ts/cqc/auth/v1/mod.ts";
import {
  type ApiKeyEntry,
  ApiKeyEntrySchema,
  AuthConfigSchema,
} from "../../gen/ts/cqc/config/v1/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { type Line, outcome, recordingLogger, recordingMetrics, withHeaders } from "./_kit.ts";

const principal = { principalId: "cqpm", type: PrincipalType.SERVICE };

async function one(more: Partial<ApiKeyEntry> = {}, section: AuthConfigInit = {}) {
  const clock = fakeClock();
  const lines: Line[] = [];
  const values = new Map<string, number>();
  const { key, entry } = await createApiKey({ principal, scopes: ["a"], roles: ["r"], clock });
  const guard = await open({ apiKeys: [{ ...entry, ...more }], ...section } as AuthConfigInit, {
    clock,
    logger: recordingLogger(lines),
    metrics: recordingMetrics(values),
    source: forwardedFor(1),
  });
  const ask = (value: string) => outcome(guard, withHeaders({ "x-api-key": value }));
  return { clock, guard, entry, key: key.reveal(), lines, values, ask };
}

test("authenticate() knows an API key, in its header or with the scheme ApiKey", async () => {
  const { guard, key, ask, entry } = await one();
  assert.equal(await ask(key), "cqpm");
  for (const scheme of ["ApiKey", "apikey", "APIKEY"]) {
    const request = withHeaders({ authorization: `${scheme} ${key}` });
    assert.equal(await outcome(guard, request), "cqpm");
  }
  const auth = await guard.authenticate(withHeaders({ "x-api-key": key }));
  validate(AuthContextSchema, auth);
  assert.equal(auth.method, AuthMethod.API_KEY);
  assert.equal(auth.tokenId, entry.keyId);
  assert.equal(auth.principal?.type, PrincipalType.SERVICE);
  assert.deepEqual([auth.scopes, auth.roles], [["a"], ["r"]]);
});

test("authenticate() reads the header that the configuration names", async () => {
  const { guard, key } = await one({}, { apiKey: { header: "x-venue-key" } });
  assert.equal(await outcome(guard, withHeaders({ "x-venue-key": key })), "cqpm");
  assert.equal(await outcome(guard, withHeaders({ "x-api-key": key })), "MISSING_CREDENTIALS");
});

test("A1 authenticate() does the same work for an unknown id as for a wrong secret", async () => {
  const { entry, ask } = await one();
  const unknown = `k_${"0".repeat(16)}`;
  assert.equal(unknown.length, entry.keyId.length);
  const { digest } = crypto.subtle;
  const hashed: number[] = [];
  crypto.subtle.digest = (algorithm, data) => {
    hashed.push(data.byteLength);
    return digest.call(crypto.subtle, algorithm, data);
  };
  try {
    assert.equal(await ask(`${entry.keyId}.${"0".repeat(64)}`), "INVALID_SIGNATURE");
    const known = hashed.splice(0);
    assert.equal(await ask(`${unknown}.${"0".repeat(64)}`), "UNKNOWN_KEY");
    assert.deepEqual([hashed, known], [[83], [83]]);
  } finally {
    crypto.subtle.digest = digest;
  }
});

test("A1 equal bytes are compared to the end, wherever they differ", () => {
  const looks = (right: Uint8Array): number => {
    let count = 0;
    const counted = new Proxy(right, {
      get(target, name) {
        if (typeof name === "string" && /^\d+$/.test(name)) count++;
        return Reflect.get(target, name, target);
      },
    });
    assert.equal(equalBytes(new Uint8Array(32), counted), right.every((byte) => byte === 0));
    return count;
  };
  const differsAt = (at: number) => new Uint8Array(32).fill(1, at, at + 1);
  assert.deepEqual([looks(differsAt(0)), looks(differsAt(31)), looks(differsAt(32))], [32, 32, 32]);
});

test("A2 createApiKey() makes keys of 256 random bits and keeps but a hash", async () => {
  const made = await Promise.all(Array.from({ length: 200 }, () => createApiKey({ principal })));
  const keys = made.map(({ key }) => key.reveal());
  assert.equal(new Set(keys).size, 200);
  for (const [i, { key, entry }] of made.entries()) {
    assert.match(keys[i]!, /^k_[0-9a-f]{16}\.[0-9a-f]{64}$/);
    validate(ApiKeyEntrySchema, entry);
    const secret = keys[i]!.split(".")[1]!;
    assert(!toJsonString(ApiKeyEntrySchema, entry).includes(secret));
    assert(!JSON.stringify({ key }).includes(secret));
    assert(!String(key).includes(secret));
  }
});

test("A2 guard shows no key in log, metric or error, and names the id of a known key", async () => {
  const { guard, key, entry, lines, values } = await one();
  const secret = key.split(".")[1]!;
  const wrong = `${entry.keyId}.${"canary0".repeat(8)}`;
  const errors: unknown[] = [];
  const headers = [{ "x-api-key": key }, { "x-api-key": wrong }, { "x-api-key": `k_x.${secret}` }, {
    authorization: `Bearer ${key}`,
  }, { "x-api-key": `${key},${key}` }];
  for (const each of headers) {
    await guard.authenticate(withHeaders(each)).catch((error) => errors.push(error));
  }
  const shown = JSON.stringify([
    lines,
    [...values],
    errors.map((error) => [
      (error as Error).message,
      (error as Error).stack,
      (error as { details: unknown }).details,
    ]),
  ]);
  assert.equal(errors.length, 4);
  assert(!shown.includes(secret) && !shown.includes("canary0"));
  assert(shown.includes(`wrong secret for key ${entry.keyId}`));
});

test("A3 authenticate() gives the 11th failing attempt of a source 429, and others go on", async () => {
  const { guard, key, clock } = await one();
  const from = (address: string, value: string) =>
    outcome(guard, withHeaders({ "x-api-key": value, "x-forwarded-for": address }));
  const wrong = `k_1.${"0".repeat(64)}`;
  for (let i = 0; i < 10; i++) assert.equal(await from("203.0.113.9", wrong), "UNKNOWN_KEY");
  assert.equal(await from("203.0.113.9", wrong), "CQI_RATE_LIMITED");
  assert.equal(await from("203.0.113.9", key), "CQI_RATE_LIMITED");
  assert.equal(await from("203.0.113.10", key), "cqpm");
  const error = await guard.authenticate(withHeaders({ "x-forwarded-for": "203.0.113.9" }))
    .catch((error) => error);
  assert.equal(error.retryAfterMs, 60_000);
  await clock.advance(59_999);
  assert.equal(await from("203.0.113.9", key), "CQI_RATE_LIMITED");
  await clock.advance(1);
  assert.equal(await from("203.0.113.9", key), "cqpm");
});

test("A3 requests without credentials and good ones do not count as failures", async () => {
  const { guard, key } = await one({}, { apiKey: { maxFailures: 1 } });
  for (let i = 0; i < 5; i++) {
    assert.equal(await outcome(guard, withHeaders({})), "MISSING_CREDENTIALS");
    assert.equal(await outcome(guard, withHeaders({ "x-api-key": key })), "cqpm");
  }
});

test("A3 the limit of failures forgets the quietest of 10,000 sources", async () => {
  const { guard } = await one({}, { apiKey: { maxFailures: 1 } });
  const from = (address: string) =>
    outcome(guard, withHeaders({ "x-api-key": "bad", "x-forwarded-for": address }));
  assert.equal(await from("first"), "MALFORMED");
  assert.equal(await from("first"), "CQI_RATE_LIMITED");
  for (let i = 0; i < 10_000; i++) await from(`s${i}`);
  assert.equal(await from("first"), "MALFORMED");
});

test("A4 authenticate() refuses credentials in the query, also beside good ones, and logs none", async () => {
  const { guard, key, lines } = await one({}, { apiKey: { maxFailures: 1000 } });
  const names = [
    "api_key",
    "apikey",
    "API_KEY",
    "api-key",
    "X-Api-Key",
    "access_token",
    "%61pi_key",
  ];
  for (const name of names) {
    const url = `http://localhost/x?a=1&${name}=${key}`;
    assert.equal(await outcome(guard, withHeaders({}, url)), "MALFORMED", name);
    assert.equal(await outcome(guard, withHeaders({ "x-api-key": key }, url)), "MALFORMED", name);
  }
  assert(!JSON.stringify(lines).includes(key.split(".")[1]!));
});

test("A4 authenticate() takes other words of a query for what they are", async () => {
  const { guard, key } = await one();
  for (const query of ["?", "?key=1", "?q=api_key", "?api_keys=1", "?a=%zz"]) {
    const request = withHeaders({ "x-api-key": key }, `http://localhost/${query}`);
    assert.equal(await outcome(guard, request), "cqpm", query);
  }
});

test("A5 authenticate() refuses odd spellings, lists and two credentials at once", async () => {
  const { guard, key } = await one({}, { apiKey: { maxFailures: 1000 } });
  const odd: Record<string, string>[] = [
    { authorization: "" },
    { authorization: "ApiKey" },
    { authorization: "Bearer" },
    { authorization: key },
    { authorization: `ApiKey:${key}` },
    { authorization: `ApiKey=${key}` },
    { authorization: `ApiKey ${key}, ApiKey ${key}` },
    { authorization: `ApiKey ${key},` },
    { authorization: `ApiKey "${key}"` },
    { authorization: `ApiKey ${key} ${key}` },
    { authorization: `ApiKey\t${key}` },
    { authorization: `ApiKey key=${key}` },
    { authorization: `Api Key ${key}` },
    { authorization: `Api-Key ${key}` },
    { authorization: `Basic ${btoa(key)}` },
    { authorization: `Token ${key}` },
    { authorization: `Bearer ${key}, ApiKey ${key}` },
    { authorization: `Bearer, ApiKey ${key}` },
    { authorization: `ApiKey ${"x".repeat(64_000)}` },
    { "x-api-key": "" },
    { "x-api-key": `${key}, ${key}` },
    { "x-api-key": `ApiKey ${key}` },
    { "x-api-key": `${key} x` },
    { "x-api-key": `"${key}"` },
    { "x-api-key": `${key}\u00a0` },
    { "x-api-key": "x".repeat(64_000) },
    { "x-api-key": key, authorization: `ApiKey ${key}` },
    { "x-api-key": key, authorization: "Basic YTpi" },
    { "x-api-key": key, authorization: "" },
  ];
  for (const headers of odd) {
    assert.equal(
      await outcome(guard, withHeaders(headers)),
      "MALFORMED",
      JSON.stringify(headers).slice(0, 80),
    );
  }
  const twice = new Headers({ "x-api-key": key });
  twice.append("x-api-key", key);
  assert.equal(await outcome(guard, withHeaders(twice)), "MALFORMED");
  const spaced = withHeaders({ authorization: `ApiKey   ${key}` });
  assert.equal(await outcome(guard, spaced), "cqpm");
});

test("A5 authenticate() refuses keys of the wrong form before any hash is made", async () => {
  const { ask, entry, key } = await one();
  const secret = key.split(".")[1]!;
  for (
    const value of [
      secret,
      `.${secret}`,
      `${entry.keyId}.`,
      `${entry.keyId}.short`,
      `${entry.keyId}`,
      `${"k".repeat(65)}.${secret}`,
      `${entry.keyId}.${"0".repeat(513)}`,
      `${entry.keyId}/${secret}`,
    ]
  ) {
    assert.equal(await ask(value), "MALFORMED", value.slice(0, 40));
  }
  assert.equal(await ask(`__proto__.${secret}`), "UNKNOWN_KEY");
  assert.equal(await ask(`${entry.keyId}.${secret.toUpperCase()}`), "INVALID_SIGNATURE");
});

test("A7 authenticate() honours revocation, begin and end of a key", async () => {
  const now = 1_767_225_600_000;
  const revoked = await one({ revoked: true });
  assert.equal(await revoked.ask(revoked.key), "REVOKED");
  const ends = await one({ expiresAt: timestampFromMs(now + 1000) });
  assert.equal(await ends.ask(ends.key), "cqpm");
  await ends.clock.advance(999);
  assert.equal(await ends.ask(ends.key), "cqpm");
  await ends.clock.advance(1);
  assert.equal(await ends.ask(ends.key), "EXPIRED");
  const begins = await one({ notBefore: timestampFromMs(now + 1000) });
  assert.equal(await begins.ask(begins.key), "NOT_YET_VALID");
  await begins.clock.advance(1000);
  assert.equal(await begins.ask(begins.key), "cqpm");
  // Nobody learns that a key is revoked without knowing its secret.
  assert.equal(await revoked.ask(`${revoked.entry.keyId}.${"0".repeat(64)}`), "INVALID_SIGNATURE");
});

test("A7 authenticate() accepts the old and the new key of a principal during a rotation", async () => {
  const clock = fakeClock();
  const old = await createApiKey({ principal, expiresIn: "1h", clock });
  const fresh = await createApiKey({ principal, clock });
  const guard = await open({ apiKeys: [old.entry, fresh.entry] }, { clock });
  const ask = (value: string) => outcome(guard, withHeaders({ "x-api-key": value }));
  assert.deepEqual([await ask(old.key.reveal()), await ask(fresh.key.reveal())], ["cqpm", "cqpm"]);
  await clock.advance(3_600_000);
  assert.deepEqual([await ask(old.key.reveal()), await ask(fresh.key.reveal())], [
    "EXPIRED",
    "cqpm",
  ]);
});

test("A7 open() refuses two entries of one id and a hash that is none", async () => {
  const { entry } = await createApiKey({ principal });
  await assert.rejects(open({ apiKeys: [entry, entry] }), { code: "CQI_CONTRACT_INVALID" });
  const odd = create(ApiKeyEntrySchema, { ...entry, hash: "abc" } as never);
  await assert.rejects(open({ apiKeys: [odd] }), { code: "CQI_CONTRACT_INVALID" });
});

const NETWORKS: [string, string, string][] = [
  ["10.0.0.0/8", "10.255.0.1", "cqpm"],
  ["10.0.0.0/8", "11.0.0.1", "ADDRESS_NOT_ALLOWED"],
  ["10.0.0.0/8", "::ffff:10.1.2.3", "cqpm"],
  ["10.0.0.0/8", "::ffff:0a01:0203", "cqpm"],
  ["10.0.0.0/8", "10.1.2.3.4", "ADDRESS_NOT_ALLOWED"],
  ["10.0.0.0/8", "010.1.2.3", "ADDRESS_NOT_ALLOWED"],
  ["10.0.0.0/8", "10.1.2", "ADDRESS_NOT_ALLOWED"],
  ["10.0.0.0/8", "10.1.2.256", "ADDRESS_NOT_ALLOWED"],
  ["10.0.0.0/8", "", "ADDRESS_NOT_ALLOWED"],
  ["10.0.0.0/8", "unknown", "ADDRESS_NOT_ALLOWED"],
  ["203.0.113.9/32", "203.0.113.9", "cqpm"],
  ["203.0.113.9/32", "203.0.113.8", "ADDRESS_NOT_ALLOWED"],
  ["0.0.0.0/0", "8.8.8.8", "cqpm"],
  ["0.0.0.0/0", "2001:db8::1", "ADDRESS_NOT_ALLOWED"],
  ["2001:db8::/32", "2001:db8:1::9", "cqpm"],
  ["2001:db8::/32", "2001:0DB8:0:0:0:0:0:1", "cqpm"],
  ["2001:db8::/32", "2001:db9::1", "ADDRESS_NOT_ALLOWED"],
  ["2001:db8::/32", "2001:db8::1::2", "ADDRESS_NOT_ALLOWED"],
  ["2001:db8::/32", "2001:db8:1:2:3:4:5:6:7", "ADDRESS_NOT_ALLOWED"],
  ["::1/128", "::1", "cqpm"],
  ["::/0", "fe80::1", "cqpm"],
];
for (const [network, address, expected] of NETWORKS) {
  test(`A7 authenticate() answers ${expected} for a key of ${network} from '${address}'`, async () => {
    const { guard, key } = await one({ allowedCidrs: [network] });
    const request = withHeaders({ "x-api-key": key, "x-forwarded-for": address });
    assert.equal(await outcome(guard, request), expected);
  });
}

test("A7 open() refuses keys that are bound to networks when nobody says where callers are", async () => {
  const { entry } = await createApiKey({ principal, allowedCidrs: ["10.0.0.0/8"] });
  await assert.rejects(open({ apiKeys: [entry] }), /option 'source' is wanted/);
});

test("A9 forwardedFor() believes what the trusted proxies wrote and nothing before it", async () => {
  const { guard } = await one({}, { apiKey: { maxFailures: 1 } });
  const from = (header: string) =>
    outcome(guard, withHeaders({ "x-api-key": "bad", "x-forwarded-for": header }));
  assert.equal(await from("1.1.1.1, 203.0.113.9"), "MALFORMED");
  assert.equal(await from("2.2.2.2, 203.0.113.9"), "CQI_RATE_LIMITED");
  assert.equal(await from("203.0.113.9, 3.3.3.3"), "MALFORMED");
  const two = forwardedFor(2);
  const read = (value: string) => two({ headers: new Headers({ "x-forwarded-for": value }) });
  assert.deepEqual([read("a, b, c"), read("a"), read(" , b"), read(`${"a,".repeat(2000)}b`)], [
    "b",
    undefined,
    undefined,
    undefined,
  ]);
  assert.throws(() => forwardedFor(0), { code: "CQI_OPTION_INVALID" });
});

test("authenticate() checks HMAC hashes with the pepper, and open() wants one for them", async () => {
  const pepper = "pepper pepper pepper pepper 0123";
  const key = `k_1.${"0123456789abcdef".repeat(4)}`;
  const hash = createHmac("sha256", pepper).update(key).digest("hex");
  const section: AuthConfigInit = {
    apiKeys: [{ keyId: "k_1", hash, hashAlgorithm: "HMAC_SHA256", principal }],
    apiKey: { pepper: { valueSource: { case: "env", value: "PEPPER" } } },
  };
  const guard = await open(section, { resolveSecret: () => Promise.resolve(pepper) });
  assert.equal(await outcome(guard, withHeaders({ "x-api-key": key })), "cqpm");
  const wrong = await open(section, { resolveSecret: () => `${pepper}!` });
  assert.equal(await outcome(wrong, withHeaders({ "x-api-key": key })), "INVALID_SIGNATURE");
  await assert.rejects(open(section), /option 'resolveSecret' is wanted/);
  await assert.rejects(open(section, { resolveSecret: () => "short" }), {
    code: "CQI_AUTH_CONFIG",
  });
  const failing = () => Promise.reject(new Error("vault sealed"));
  await assert.rejects(open(section, { resolveSecret: failing }), { code: "CQI_AUTH_CONFIG" });
  await assert.rejects(open({ apiKeys: section.apiKeys! }), /'api_key.pepper' is not set/);
});

test("open() of an empty section makes a guard that knows nobody", async () => {
  const guard = await open({});
  const key = `k_1.${"0".repeat(64)}`;
  assert.equal(await outcome(guard, withHeaders({ "x-api-key": key })), "UNKNOWN_KEY");
  assert.equal(await outcome(guard, withHeaders({})), "MISSING_CREDENTIALS");
  assert.equal(
    await outcome(guard, withHeaders({ authorization: "Bearer a.b.c" })),
    "WRONG_ISSUER",
  );
  assert.deepEqual(await guard.check(), { status: "ok" });
  assert.ok(create(AuthConfigSchema, {}));
});
