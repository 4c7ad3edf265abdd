import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { Secret } from "../../core/mod.ts";
import { startChild } from "../_child.ts";

const VALUE = "hunter2";
const secret = (): Secret => new Secret(VALUE);

/** Ways to make a text of a secret by mistake. */
const REDACTING: Readonly<Record<string, (password: Secret) => string>> = {
  "a template": (password) => `${password}`,
  "concatenation": (password) => "" + password,
  "String()": (password) => String(password),
  "toString()": (password) => password.toString(),
  "toLocaleString()": (password) => password.toLocaleString(),
  "join()": (password) => [password].join(""),
  "an error's message": (password) => new Error(password as unknown as string).message,
  "a URL parameter": (password) =>
    new URLSearchParams([["p", password as unknown as string]]).get("p") ?? "",
  "a header": (password) =>
    new Headers({ authorization: password as unknown as string }).get("authorization") ?? "",
  "JSON": (password) => JSON.parse(JSON.stringify({ password })).password,
  "an inspector": (password) => inspect(password),
  "an inspector that shows hidden things": (password) => inspect(password, { showHidden: true }),
};

for (const [name, show] of Object.entries(REDACTING)) {
  test(`Secret in ${name} is [redacted]`, () => {
    assert.equal(show(secret()), "[redacted]");
  });
}

/** Ways to take a secret apart, which find nothing. */
const HIDING: Readonly<Record<string, (password: Secret) => unknown>> = {
  "spread": (password) => ({ ...password }),
  "Object.entries()": (password) => Object.entries(password),
  "Reflect.ownKeys()": (password) => Reflect.ownKeys(password),
  "Object.assign()": (password) => Object.assign({}, password),
  "structuredClone()": (password) => structuredClone({ password }),
  "an inspector told not to ask": (password) =>
    inspect(password, { customInspect: false, showHidden: true, depth: 9 }),
  "an inspected Map, Set and array": (password) =>
    inspect([new Map([[password, password]]), new Set([password])], { depth: 9 }),
  "an inspected holder": (password) => inspect(Object.assign(Object.create(null), { password })),
  "a number": (password) => Number(password),
};

for (const [name, take] of Object.entries(HIDING)) {
  test(`Secret does not show in ${name}`, () => {
    assert.ok(!inspect(take(secret()), { showHidden: true, depth: 9 }).includes(VALUE));
  });
}

test("Secret does not show on a console or as what nobody caught", async () => {
  const script = fileURLToPath(new URL("_secret_child.ts", import.meta.url));
  const { code, stdout, stderr } = await startChild(script).ended;
  assert.notEqual(code, 0);
  assert.match(stdout, /\[redacted\]/);
  // Bun shows the lines of the script around an error; what it prints of values starts below.
  const printed = (stdout + stderr).split("\n").filter((line) => !/^ *\d+ \|/.test(line));
  assert.ok(!printed.join("\n").includes(VALUE), stdout + stderr);
});

test("Secret reveals what it was given, of any type", () => {
  assert.equal(secret().reveal(), VALUE);
  const key = new Uint8Array([1, 2, 3]);
  assert.equal(new Secret(key).reveal(), key);
  assert.equal(new Secret(undefined).reveal(), undefined);
});

test("Secret names its kind, not its value", () => {
  assert.equal(Object.prototype.toString.call(secret()), "[object Secret]");
});

test("Secret of a subclass is as silent", () => {
  class Password extends Secret {}
  assert.equal(`${new Password(VALUE)} ${inspect(new Password(VALUE))}`, "[redacted] [redacted]");
});

test("Secret cannot be read through reveal() of another object", () => {
  assert.throws(() => secret().reveal.call({} as Secret), TypeError);
});
