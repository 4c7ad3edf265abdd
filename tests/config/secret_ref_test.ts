import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { load, resolveSecret, type SecretRefInit, yamlText } from "../../config/mod.ts";
import type { CqiError } from "../../errors/mod.ts";
import { service } from "./_helpers.ts";

const CANARY = "canary-5c1d";

async function inFolder(run: (path: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cqi-secret-"));
  try {
    await run((name) => join(folder, name));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("resolveSecret reads a variable, as a message or in the short form", async () => {
  const variables = { DB: CANARY };
  const init: SecretRefInit = { valueSource: { case: "env", value: "DB" } };
  assert.equal((await resolveSecret(init, { variables })).reveal(), CANARY);
  assert.equal((await resolveSecret({ env: "DB" }, { variables })).reveal(), CANARY);
});

test("resolveSecret reads what load refers to", async () => {
  const variables = { DB: CANARY };
  const { cqi } = await load({
    sources: [service, yamlText("database: { postgres: { password: '${DB}' } }")],
    variables,
  });
  const ref = cqi.database?.postgres?.password;
  assert(ref !== undefined);
  assert.equal((await resolveSecret(ref, { variables })).reveal(), CANARY);
});

test("resolveSecret reads a file and cuts off one newline at its end", async () => {
  await inFolder(async (path) => {
    for (
      const [written, wanted] of [["a", "a"], ["a\n", "a"], ["a\r\n", "a"], ["a\n\n", "a\n"], [
        " a ",
        " a ",
      ]]
    ) {
      await writeFile(path("secret"), written!);
      assert.equal((await resolveSecret({ file: path("secret") })).reveal(), wanted);
    }
  });
});

test("resolveSecret takes a field of JSON by key", async () => {
  const variables = { DB: JSON.stringify({ user: "u", password: CANARY, port: 1 }) };
  const at = (key: string): SecretRefInit => ({ valueSource: { case: "env", value: "DB" }, key });
  assert.equal((await resolveSecret(at("password"), { variables })).reveal(), CANARY);
  for (const key of ["nothing", "port", "__proto__", "constructor"]) {
    await assert.rejects(resolveSecret(at(key), { variables }), { code: "CQI_CONFIG_INVALID" });
  }
});

test("resolveSecret says what is wrong and shows no part of a secret (C5)", async () => {
  await inFolder(async (path) => {
    await writeFile(path("empty"), "\n");
    await writeFile(path("big"), "x".repeat(65_537));
    await writeFile(path("binary"), Uint8Array.of(0xff, 0xfe));
    await symlink("/etc/hostname", path("link"));
    const json: SecretRefInit = { valueSource: { case: "env", value: "DB" }, key: "password" };
    const folders = [path(".")];
    const table: [SecretRefInit, RegExp][] = [
      [{ env: "NOTHING" }, /environment variable 'NOTHING': it is not set$/],
      [{ env: "EMPTY" }, /environment variable 'EMPTY': it is empty$/],
      [{ env: "constructor" }, /it is not set$/],
      [{ file: path("nothing") }, /it is missing$/],
      [{ file: path("empty") }, /it is empty$/],
      [{ file: path("big") }, /it is larger than 65536 bytes$/],
      [{ file: path("binary") }, /it is not valid UTF-8$/],
      [{ file: path(".") }, /it is no regular file$/],
      [{ file: path("link") }, /it lies outside the folders that are allowed$/],
      [{ file: path("../../etc/hostname") }, /it is missing$|outside the folders/],
      [json, /it is not JSON, so it has no field 'password'$/],
    ];
    for (const [ref, wanted] of table) {
      const reading = resolveSecret(ref, { variables: { EMPTY: "", DB: CANARY }, folders });
      await assert.rejects(reading, (error: CqiError) => {
        assert.equal(error.code, "CQI_CONFIG_INVALID");
        assert.match(error.message, wanted);
        assert.doesNotMatch(inspect(error, { depth: 9 }), /canary/);
        return true;
      });
    }
  });
});

test("resolveSecret leaves Vault, AWS and versions to a secrets driver, and says so", async () => {
  const table: SecretRefInit[] = [
    { valueSource: { case: "vaultPath", value: "a/b" } },
    { valueSource: { case: "awsSecretId", value: "a/b" } },
    { valueSource: { case: "name", value: "a/b" } },
    { valueSource: { case: "env", value: "A" }, version: "3" },
  ];
  for (const ref of table) {
    await assert.rejects(resolveSecret(ref), { code: "CQI_FEATURE_UNSUPPORTED" });
  }
});

test("resolveSecret refuses a reference that breaks its contract", async () => {
  for (const ref of [{}, { env: "" }, { env: "a b" }, { file: "" }] as SecretRefInit[]) {
    await assert.rejects(resolveSecret(ref), { code: "CQI_CONTRACT_INVALID" });
  }
});

test("resolveSecret gives a secret that nothing prints (C5)", async () => {
  const secret = await resolveSecret({ env: "DB" }, { variables: { DB: CANARY } });
  const ways = [
    String(secret),
    `${secret}`,
    "" + secret,
    JSON.stringify({ secret }),
    JSON.stringify({ ...secret }),
    inspect(secret),
    inspect({ secret }, { depth: 9, showHidden: true }),
    Object.keys(secret).join(),
    Object.values(secret).join(),
    Object.prototype.toString.call(secret),
    new Error(`failed with ${secret}`).message,
    JSON.stringify(structuredClone(Object.assign({}, secret))),
  ];
  for (const way of ways) assert.doesNotMatch(way, /canary/);
});

test("resolveSecret ends with the signal's reason", async () => {
  const reading = resolveSecret({ env: "A" }, { variables: {}, signal: AbortSignal.abort("gone") });
  await assert.rejects(reading, (reason) => reason === "gone");
});
