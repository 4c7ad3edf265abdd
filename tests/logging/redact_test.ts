import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../../core/mod.ts";
import { redactText } from "../../logging/_redact.ts";
import { entryOf, recorded } from "./_lines.ts";

// Put together at run time, so that no scanner takes this file for a leak.
const join = (...parts: string[]): string => parts.join("");
const C = "CaNaRy7x";
const jwt = join("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiJ", C, "In0.", C, "sig");

const canaries: [name: string, value: unknown][] = [
  ["Secret", new Secret(C)],
  ["Secret in a message", `token is ${new Secret(C)}`],
  ["password key", { password: C }],
  ["nested key", { a: { b: [{ db_password: C }] } }],
  ["camel key", { clientSecret: C, apiKey: C, privateKey: C }],
  ["header key", { headers: { Authorization: C, "X-Api-Key": C, Cookie: C } }],
  ["map key", new Map([["refresh_token", C]])],
  ["headers object", new Headers({ cookie: C })],
  ["number under a key", { pin: 70707 }],
  ["object under a key", { credentials: { user: C } }],
  ["mnemonic", { mnemonic: `word word ${C}` }],
  ["configured key", { passport_no: C }],
  ["configured path", { user: { email: C } }],
  ["jwt", jwt],
  ["jwt in a text", `got ${jwt} from venue`],
  ["bearer", `Authorization: Bearer ${C}abcdef`],
  ["bearer alone", `header was Bearer ${C}abcdef!`],
  ["basic", `Basic dXNlcjpw${C}==`],
  ["url userinfo", `postgres://app:${C}@db:5432/x`],
  ["url password with @ and /", `postgres://app:p@/${C}@db:5432/x`],
  ["url token as user", `https://${C}@git.example/x`],
  ["url object", new URL(`https://u:${C}@h.example/`)],
  ["query", `https://h.example/x?symbol=BTC&signature=${C}&y=1`],
  ["key value text", `connect password=${C} host=db`],
  ["quoted value", `{"api_key": "${C} with spaces"}`],
  ["escaped json", JSON.stringify(JSON.stringify({ secret: C }))],
  ["yaml", `secret_key: ${C}`],
  ["aws", join("AKIA", "IOSFODNN7", "CANARY7X").slice(0, 20)],
  ["github", join("gh", "p_", "abcdefghijkl", C, "mnop")],
  ["github fine-grained", join("github", "_pat_", "abcdefghijkl", C)],
  ["gitlab", join("gl", "pat-", "abcdefghijkl", C)],
  ["slack", join("xo", "xb-", "1234567890-", C)],
  ["stripe", join("sk", "_live_", "abcdefgh", C)],
  ["openai", join("sk", "-proj-abcdefghijkl", C)],
  ["google", join("AI", "za", "SyA1234567890abcdefghij", C)],
  ["npm", join("npm", "_", "abcdefghijklmnopqrstuvwxyz", C)],
  ["vault", join("hv", "s.", "abcdefghijklmnopqrst", C)],
  ["pem", `-----BEGIN PRIVATE KEY-----\nMIIE${C}\n-----END PRIVATE KEY-----`],
  ["pem without end", `-----BEGIN EC PRIVATE KEY-----\nMIIE${C}`],
  ["xprv", join("xprv9s21ZrQH143K", "a".repeat(90), C)],
  ["error message", new Error(`login failed: password=${C}`)],
  ["error cause", new Error("x", { cause: new Error(`token=${C}`) })],
  ["request", new Request(`https://h/x?access_token=${C}`)],
  ["toJSON", { toJSON: () => ({ password: C }) }],
  ["secret as a key", { [`Bearer ${C}abcdef`]: 1 }],
  ["secret at the cut", "x".repeat(16_380) + ` password=${C}`],
];

for (const [name, value] of canaries) {
  test(`Logger hides a secret: ${name}`, async () => {
    const { log, lines } = await recorded({
      redactKeys: ["Passport-No", "value.user.email", "*.user.email", "user.email"],
    });
    log.info(typeof value === "string" ? value : "m", { value, error: value });
    log.child({ value }).info("n");
    log.info("flat", typeof value === "object" ? value as Record<string, unknown> : {});
    const text = lines.join("\n");
    assert.equal(
      /CaNaRy7x|CANARY7X|70707/.test(text),
      false,
      text,
    );
    for (const line of lines) entryOf(line);
  });
}

const harmless = [
  "Order 7c9e6679-7425-40de-944b-e07fc1f90ae7 placed on BTC-USD",
  "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
  "0x88df016429689c079f3b2f6ad39fa052532c56795b733da78a91ebe6a713944b",
  "http://localhost:8080/positions/1?email=a@b.example",
  "GET https://api.example/v1/markets?symbol=BTC-USD&limit=100",
  "cqc.events.v1.price_updated",
  "2026-01-01T00:00:00.000Z",
  "Basic market making strategy started",
  "key generation took 5 ms",
  "Cannot find token in list",
];
for (const text of harmless) {
  test(`redactText leaves as it is: ${text}`, () => assert.equal(redactText(text), text));
}

test("Logger keeps fields whose names only resemble a secret's", async () => {
  const fields = {
    token_address: "0xabc",
    token_symbol: "UNI",
    page_token: "p2",
    author: "ada",
    key: "k",
    monkey: "m",
    passed: true,
  };
  const { log, last } = await recorded();
  log.info("m", fields);
  assert.deepEqual(last().attributes, fields);
});

// A pattern that goes back over what it has read would take hours over these: to end is the claim.
test("redactText ends on hostile input of 500 KB, and leaves what comes after it", () => {
  const inputs = [
    "eyJaaaaaaaaa.",
    "password=",
    "ab://a:",
    "authorization: ",
    "-----BEGIN PRIVATE KEY-----",
    '"',
    "\\",
    "a@",
    "bearer ",
    "basic aA",
  ];
  for (const input of inputs) {
    const text = (input.repeat(250_000)).slice(0, 250_000) + "x".repeat(250_000);
    const redacted = redactText(`${text}\n-----END PRIVATE KEY-----\nthe end`);
    assert.ok(redacted.endsWith("\nthe end"), JSON.stringify(input));
  }
});
